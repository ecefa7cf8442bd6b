//! Frames that are wrong. What can be answered is answered and the socket stays; what breaks the protocol closes it with its code.

use serde_json::json;
use verbatim_tests::{Socket, Stage, fresh_key, shared};

#[tokio::test]
async fn malformed_frames_are_answered_and_the_socket_stays() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let before = ann.all_events(&room.channel).await;
    let mut socket = ann.socket().await;
    let ch = &room.channel;
    for text in [
        String::new(),
        "{".to_owned(),
        "hello".to_owned(),
        "7".to_owned(),
        "null".to_owned(),
        "\"cmd\"".to_owned(),
        "[7]".to_owned(),
        "{}".to_owned(),
        json!({"t": "dance"}).to_string(),
        json!({"t": 7}).to_string(),
        json!({"t": "sub", "id": "1"}).to_string(),
        json!({"t": "sub", "id": "1", "ch": ch, "colour": "red"}).to_string(),
        json!({"t": "sub", "id": "1", "ch": 7}).to_string(),
        json!({"t": "sub", "id": "1", "ch": "general"}).to_string(),
        json!({"t": "sub", "id": "1", "ch": ch, "after": "0"}).to_string(),
        json!({"t": "sub", "id": "1", "ch": ch, "after": -1}).to_string(),
        json!({"t": "read", "ch": ch, "seq": "3"}).to_string(),
        json!({"t": "got", "ch": ch}).to_string(),
        json!({"t": "gap", "id": "1", "ch": ch, "from": 1}).to_string(),
        json!({"t": "cmd", "id": "1", "ch": ch, "key": "k", "d": {"body": "x"}}).to_string(),
        json!({"t": "cmd", "id": "1", "op": 7, "ch": ch, "key": "k", "d": {"body": "x"}}).to_string(),
        json!({"t": "cmd", "id": "1", "op": "message.send", "ch": ch, "key": 7, "d": {"body": "x"}}).to_string(),
        json!({"t": "cmd", "id": "1", "op": "message.send", "ch": ch, "key": "k", "d": {"body": "x"}, "colour": "red"})
            .to_string(),
        json!({"t": "pong", "colour": "red"}).to_string(),
        format!("{{\"t\":\"cmd\",\"d\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)),
        "[".repeat(60_000),
        "{\"a\":".repeat(12_000),
    ] {
        socket.send_text(text.clone()).await;
        let err = socket.expect("err").await;
        let shown = &text[..text.len().min(100)];
        assert!(
            err["code"].as_str().is_some_and(|code| code.starts_with("frame/")),
            "{shown}: {err}"
        );
        assert_eq!(err["retryable"], false, "{shown}: {err}");
        if text.contains("\"id\":\"1\"") {
            assert_eq!(err["id"], "1", "{shown}: {err}");
        }
    }
    socket.is_alive().await;
    assert_eq!(ann.all_events(&room.channel).await, before, "nothing was stored");
}

#[tokio::test]
async fn refusals_do_not_echo_what_was_said() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut socket = ann.socket().await;
    for text in [
        r#"{"t":"heliotrope"}"#,
        r#"{"t":"sub","ch":"heliotrope"}"#,
        r#"{"t":"read","ch":"heliotrope","seq":"heliotrope"}"#,
        "heliotrope",
    ] {
        socket.send_text(text).await;
        let err = socket.expect("err").await;
        assert!(!err.to_string().contains("heliotrope"), "{err}");
    }
}

#[tokio::test]
async fn binary_frames_close_with_1003() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut socket = ann.socket().await;
    socket.send_binary(br#"{"t":"pong"}"#.to_vec()).await;
    assert_eq!(socket.close_code().await, Some(1003));
    let mut stranger = Socket::unintroduced(stage.address()).await;
    stranger.send_binary(vec![0]).await;
    assert_eq!(stranger.close_code().await, Some(1003));
}

#[tokio::test]
async fn bad_utf8_closes_with_1007() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for bad in [
        vec![0xff],
        b"{\"t\":\"\xc3\x28\"}".to_vec(),
        vec![0xed, 0xa0, 0x80],
        vec![b'x', 0xf0, 0x9f],
    ] {
        let mut socket = ann.socket().await;
        socket.send_fragment(bad.clone(), true, true).await;
        assert_eq!(socket.close_code().await, Some(1007), "{bad:?}");
    }
}

#[tokio::test]
async fn frames_beyond_64_kib_close_with_1009() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut socket = ann.socket().await;
    let limit = 64 * 1024;
    // As large as allowed is merely not a frame.
    socket.send_text("x".repeat(limit)).await;
    assert_eq!(socket.expect("err").await["code"], "frame/malformed");
    socket.send_text("x".repeat(limit + 1)).await;
    assert_eq!(socket.close_code().await, Some(1009));
    let mut in_parts = ann.socket().await;
    in_parts.send_fragment(vec![b'x'; limit / 2 + 1], true, false).await;
    in_parts.send_fragment(vec![b'x'; limit / 2 + 1], false, true).await;
    assert_eq!(in_parts.close_code().await, Some(1009));
}

#[tokio::test]
async fn a_message_may_come_in_fragments() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    let frame = json!({"t": "cmd", "id": "f", "op": "message.send", "ch": room.channel, "key": fresh_key(), "d": {"body": "in pieces 🦉"}});
    let bytes = frame.to_string().into_bytes();
    let pieces: Vec<_> = bytes.chunks(bytes.len() / 20 + 1).collect();
    for (place, piece) in pieces.iter().enumerate() {
        socket
            .send_fragment(piece.to_vec(), place == 0, place + 1 == pieces.len())
            .await;
    }
    let ok = socket.answer("f").await;
    assert_eq!(ok["t"], "ok", "{ok}");
    assert_eq!(ann.all_messages(&room.channel).await[0]["body"], "in pieces 🦉");
}

#[tokio::test]
async fn the_process_outlives_everything_thrown_at_it() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut bystander = ann.socket().await;
    bystander.subscribe(&room.channel, None).await;
    for _ in 0..5 {
        let mut socket = ann.socket().await;
        socket.send_fragment(vec![0xff; 70_000], true, false).await;
        let mut socket = ann.socket().await;
        socket.send_text("[".repeat(65_000)).await;
        socket.send_binary(vec![0; 1_000]).await;
        let mut socket = Socket::unintroduced(stage.address()).await;
        socket.send_text("{".repeat(65_000)).await;
    }
    let ok = bystander.say(&room.channel, "still here").await;
    assert_eq!(bystander.event(&room.channel).await["seq"], ok["seq"]);
    stage.get("/readyz").send().await.is(200);
    shared().assert_no_panic();
}
