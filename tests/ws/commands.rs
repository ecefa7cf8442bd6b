//! Commands by frame: answered after they are durable, decided in order, with the same rules and results as HTTP.

use serde_json::json;
use verbatim_tests::{NOWHERE, Stage, fresh_key, until};

#[tokio::test]
async fn a_command_is_answered_by_its_ok() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    let ok = socket.say(&room.channel, "hello").await;
    assert_eq!((&ok["ch"], &ok["replayed"]), (&json!(room.channel), &json!(false)));
    for member in ["seq", "event", "message", "pos", "at"] {
        assert!(!ok[member].is_null(), "an ok without {member}: {ok}");
    }
    let read = ann.get(&format!(
        "/channels/{}/messages?min_pos={}",
        room.channel,
        ok["pos"].as_str().expect("a position")
    ));
    let page = read.send().await.is(200);
    assert_eq!(
        (&page.items()[0]["seq"], &page.items()[0]["id"]),
        (&ok["seq"], &ok["message"])
    );
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_log_at_once() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut socket = ann.socket().await;
    for number in 0..30 {
        let ok = socket.say(&room.channel, &format!("number {number}")).await;
        let seq = ok["seq"].as_u64().expect("a seq");
        let events = bob.events_after(&room.channel, seq - 1).await;
        assert_eq!(events.first().map(|event| &event["event"]), Some(&ok["event"]));
    }
}

#[tokio::test]
async fn refusals_carry_the_codes_of_http() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let message = ann.send(&room.channel, "my own words").await.str("message");
    let mut socket = bob.socket().await;
    for (op, ch, d, code) in [
        (
            "message.edit",
            room.channel.as_str(),
            json!({"message": message, "body": "no"}),
            "message/not-author",
        ),
        (
            "message.delete",
            &room.channel,
            json!({"message": message}),
            "channel/forbidden",
        ),
        ("message.send", NOWHERE, json!({"body": "anyone?"}), "channel/not-found"),
        ("message.explode", &room.channel, json!({}), "command/unknown-op"),
        (
            "message.send",
            &room.channel,
            json!({"body": "x", "colour": "red"}),
            "request/invalid",
        ),
        ("message.send", &room.channel, json!({"body": 7}), "request/invalid"),
        (
            "message.send",
            &room.channel,
            json!({"body": "x".repeat(8_001)}),
            "request/invalid",
        ),
        ("message.send", &room.channel, json!([]), "request/invalid"),
        (
            "channel.remove_member",
            &room.channel,
            json!({"user": ann.id}),
            "channel/forbidden",
        ),
    ] {
        let id = socket.next_id();
        // Some are not what the contract calls a command.
        let cmd = json!({"t": "cmd", "id": id, "op": op, "ch": ch, "key": fresh_key(), "d": d});
        socket.send_text(cmd.to_string()).await;
        let err = socket.answer(&id).await;
        assert_eq!(
            (&err["t"], &err["code"], &err["retryable"]),
            (&json!("err"), &json!(code), &json!(false)),
            "{op}: {err}"
        );
        assert!(err["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{err}");
        assert!(
            err.as_object().expect("an object").contains_key("retry_after_ms"),
            "{err}"
        );
    }
    let bad_key = json!({"t": "cmd", "id": "k", "op": "message.send", "ch": room.channel, "key": "k".repeat(65), "d": {"body": "x"}});
    socket.send_text(bad_key.to_string()).await;
    assert_eq!(socket.answer("k").await["code"], "idempotency/invalid-key");
    socket.say(&room.channel, "and still here").await;
}

#[tokio::test]
async fn everything_http_can_do_to_a_channel_a_frame_can_do() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    let mut sockets = [ann.socket().await, bob.socket().await];
    let id = sockets[0].next_id();
    let d = json!({"space": space, "kind": "text", "name": "by frame"});
    sockets[0]
        .send(&json!({"t": "cmd", "id": id, "op": "channel.create", "key": fresh_key(), "d": d}))
        .await;
    let created = sockets[0].answer(&id).await;
    assert_eq!(created["t"], "ok", "{created}");
    let channel = created["ch"].as_str().expect("a channel").to_owned();
    let mut expected = vec!["channel.created", "member.added"];
    for (who, op, d, event) in [
        (1, "channel.join", json!({}), "member.added"),
        (0, "channel.update", json!({"name": "renamed"}), "channel.updated"),
        (1, "message.send", json!({"body": "hello"}), "message.sent"),
        (1, "channel.leave", json!({}), "member.left"),
        (0, "channel.add_member", json!({"user": bob.id}), "member.added"),
        (0, "channel.remove_member", json!({"user": bob.id}), "member.removed"),
    ] {
        let ok = sockets[who].command(op, &channel, &fresh_key(), d).await;
        assert_eq!(ok["t"], "ok", "{op}: {ok}");
        expected.push(event);
        assert_eq!(ok["seq"], expected.len(), "{op}");
    }
    let types: Vec<_> = ann
        .all_events(&channel)
        .await
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(types, expected);
}

#[tokio::test]
async fn answers_leave_in_the_order_of_the_commands() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    let mut ids = vec![];
    for _ in 0..300 {
        ids.push(socket.post_message(&room.channel, &fresh_key(), "one of many").await);
    }
    for id in ids {
        assert_eq!(socket.expect("ok").await["id"], id.as_str());
    }
}

#[tokio::test]
async fn commands_of_one_socket_are_decided_in_order() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let elsewhere = ann.create_channel(&room.space, "elsewhere").await;
    let mut socket = ann.socket().await;
    let mut ids = vec![];
    for number in 0..120 {
        // Mostly one channel, now and then another, so that no path through the server is spared.
        let channel = if number % 10 == 9 { &elsewhere } else { &room.channel };
        ids.push((
            channel.clone(),
            socket
                .post_message(channel, &fresh_key(), &format!("number {number}"))
                .await,
        ));
    }
    let mut last = std::collections::HashMap::new();
    for (channel, id) in &ids {
        let ok = socket.answer(id).await;
        assert_eq!(ok["t"], "ok", "{ok}");
        let seq = ok["seq"].as_u64().expect("a seq");
        let before = last.insert(channel.clone(), seq);
        assert!(
            before.is_none_or(|before| seq == before + 1),
            "{channel}: {before:?} then {seq}"
        );
    }
    let bodies: Vec<_> = ann
        .all_messages(&room.channel)
        .await
        .iter()
        .map(|item| item["body"].clone())
        .collect();
    let sent: Vec<_> = (0..120)
        .filter(|number| number % 10 != 9)
        .map(|number| format!("number {number}"))
        .collect();
    assert_eq!(bodies, sent);
}

#[tokio::test]
async fn a_message_may_be_edited_in_the_same_breath() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    let sent = socket.say(&room.channel, "first").await;
    let edit = socket
        .post(
            "message.edit",
            &room.channel,
            &fresh_key(),
            json!({"message": sent["message"], "body": "second"}),
        )
        .await;
    let delete = socket
        .post(
            "message.delete",
            &room.channel,
            &fresh_key(),
            json!({"message": sent["message"]}),
        )
        .await;
    let late = socket
        .post(
            "message.edit",
            &room.channel,
            &fresh_key(),
            json!({"message": sent["message"], "body": "third"}),
        )
        .await;
    assert_eq!(socket.answer(&edit).await["t"], "ok");
    assert_eq!(socket.answer(&delete).await["t"], "ok");
    assert_eq!(socket.answer(&late).await["code"], "message/deleted");
}

#[tokio::test]
async fn frames_may_come_in_arrays() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    let send = |id: &str, body: &str| json!({"t": "cmd", "id": id, "op": "message.send", "ch": room.channel, "key": fresh_key(), "d": {"body": body}});
    let sub = json!({"t": "sub", "id": "s", "ch": room.channel});
    // One of them is no frame at all.
    let frames = json!([sub, send("a", "one"), {"t": "dance", "id": "x"}, send("b", "two")]);
    socket.send_text(frames.to_string()).await;
    assert_eq!(socket.answer("s").await["t"], "sub_ok");
    let (one, two) = (socket.answer("a").await, socket.answer("b").await);
    assert_eq!(one["seq"].as_u64().map(|seq| seq + 1), two["seq"].as_u64());
    assert_eq!(socket.answer("x").await["t"], "err");
    let events = socket.events(&room.channel, 2).await;
    assert_eq!(
        (&events[0]["d"]["body"], &events[1]["d"]["body"]),
        (&json!("one"), &json!("two"))
    );
}

#[tokio::test]
async fn a_dropped_socket_does_not_cancel_its_commands() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    for round in 0..10 {
        let mut socket = ann.socket().await;
        let send = |number| {
            let body = format!("round {round}, number {number}");
            json!({"t": "cmd", "id": "c", "op": "message.send", "ch": room.channel, "key": fresh_key(), "d": {"body": body}})
        };
        // What a connection that breaks has not handed over has not been received. In one message with the first, which is answered, all
        // of them have.
        socket.send(&(0..5).map(send).collect()).await;
        assert_eq!(socket.answer("c").await["t"], "ok");
        drop(socket);
    }
    until("everything that was sent to be there", async || {
        let bodies: Vec<_> = ann
            .page(&room.channel, "limit=100")
            .await
            .items()
            .iter()
            .map(|item| item["body"].to_string())
            .collect();
        (bodies.len() == 50).then_some(())
    })
    .await;
    let messages = ann.all_messages(&room.channel).await;
    for round in 0..10 {
        let prefix = format!("round {round},");
        let own: Vec<_> = messages
            .iter()
            .filter_map(|item| item["body"].as_str())
            .filter(|body| body.starts_with(&prefix))
            .collect();
        assert_eq!(
            own,
            (0..5)
                .map(|number| format!("round {round}, number {number}"))
                .collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn without_a_key_every_command_is_a_new_one() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    for id in ["a", "b"] {
        socket
            .send(&json!({"t": "cmd", "id": id, "op": "message.send", "ch": room.channel, "d": {"body": "again"}}))
            .await;
    }
    let (one, two) = (socket.answer("a").await, socket.answer("b").await);
    assert_ne!(one["event"], two["event"]);
    assert!(one["event"].is_string() && two["event"].is_string(), "{one} {two}");
}
