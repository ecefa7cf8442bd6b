//! Reactions, votes, pins and threads over sockets: as commands, as live events that everyone sees in one order, and after coming back.

use serde_json::{Value, json};
use verbatim_tests::{Hello, Person, Room, Stage, fresh_key};

async fn ann_bob_and_carol() -> (Person, Person, Person, Room) {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    (ann, bob, carol, room)
}

/// All there is to do to a message, once, by the owner of the space; `other` is somebody else's message.
fn acts(message: &str, other: &str) -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "message.react",
            json!({"message": message, "emoji": "👍"}),
            "message.reacted",
        ),
        (
            "message.unreact",
            json!({"message": message, "emoji": "👍"}),
            "message.unreacted",
        ),
        (
            "message.vote",
            json!({"message": other, "vote": "down"}),
            "message.voted",
        ),
        (
            "message.vote",
            json!({"message": other, "vote": "none"}),
            "message.unvoted",
        ),
        ("message.pin", json!({"message": message}), "message.pinned"),
        ("message.unpin", json!({"message": message}), "message.unpinned"),
        (
            "message.send",
            json!({"body": "so there", "thread": other, "reply_to": other}),
            "message.sent",
        ),
    ]
}

#[tokio::test]
async fn what_is_done_to_a_message_is_acknowledged_and_seen_live_by_everyone_in_one_order() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    let other = bob.send(&room.channel, "hello to you").await.str("message");
    let mut socket = ann.socket().await;
    let mut watching = [bob.socket().await, carol.socket().await];
    for socket in &mut watching {
        socket.subscribe(&room.channel, None).await;
    }
    let mut seqs = vec![];
    for (op, d, kind) in acts(&message, &other) {
        let ok = socket.command(op, &room.channel, &fresh_key(), d.clone()).await;
        assert_eq!(ok["t"], "ok", "{op}: {ok}");
        seqs.push(ok["seq"].as_u64().expect("a seq"));
        for socket in &mut watching {
            let event = socket.event(&room.channel).await;
            assert_eq!(
                (&event["seq"], &event["type"], &event["by"]),
                (&ok["seq"], &json!(kind), &json!(ann.id))
            );
            assert_eq!(event.get("key"), None, "the key is its author's alone");
            for (name, value) in d
                .as_object()
                .expect("an object")
                .iter()
                .filter(|(_, value)| **value != "none")
            {
                assert_eq!(event["d"][name], *value, "{kind}");
            }
        }
    }
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
}

#[tokio::test]
async fn what_was_missed_is_told_on_coming_back() {
    let (ann, bob, _, room) = ann_bob_and_carol().await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    let other = bob.send(&room.channel, "hello to you").await;
    let top = other.u64("seq");
    for (op, d, _) in acts(&message, &other.str("message")) {
        ann.command(op, &room.channel, &fresh_key(), d).await.is(201);
    }
    let hello = Hello {
        resume: vec![(room.channel.clone(), top)],
        ..Hello::default()
    };
    let mut back = bob_back(&bob, hello).await;
    let kinds: Vec<_> = back
        .events(&room.channel, 7)
        .await
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    let expected: Vec<_> = acts("", "").iter().map(|(_, _, kind)| json!(kind)).collect();
    assert_eq!(kinds, expected);
}

async fn bob_back(bob: &Person, hello: Hello) -> verbatim_tests::Socket {
    verbatim_tests::Socket::resumed(bob, hello).await
}

#[tokio::test]
async fn who_is_answered_is_named_to_everyone() {
    let (ann, bob, _, room) = ann_bob_and_carol().await;
    let message = bob.send(&room.channel, "a question").await.str("message");
    let mut socket = ann.socket().await;
    let d = json!({"body": "an answer", "reply_to": message});
    let ok = socket.command("message.send", &room.channel, &fresh_key(), d).await;
    let seq = ok["seq"].as_u64().expect("a seq");
    let event = bob.events_after(&room.channel, seq - 1).await.remove(0);
    assert_eq!(event["d"]["reply_to_author"], json!(bob.id));
}

#[tokio::test]
async fn a_deletion_of_a_comment_leaves_its_place_in_the_thread_and_no_words() {
    let (ann, bob, _, room) = ann_bob_and_carol().await;
    let root = ann.send(&room.channel, "a root").await.str("message");
    let mut socket = bob.socket().await;
    let d = json!({"body": "heliotrope", "thread": root, "reply_to": root});
    let ok = socket.command("message.send", &room.channel, &fresh_key(), d).await;
    let (message, seq) = (
        ok["message"].as_str().expect("a message").to_owned(),
        ok["seq"].as_u64().expect("a seq"),
    );
    bob.delete_message(&room.channel, &message).await.is(201);
    let mut late = ann.socket().await;
    late.subscribe(&room.channel, Some(seq - 1)).await;
    let sent = late.event(&room.channel).await;
    assert_eq!(
        sent["d"],
        json!({"message": message, "body": null, "reply_to": root, "reply_to_author": ann.id, "thread": root})
    );
}

#[tokio::test]
async fn refusals_carry_the_codes_of_http() {
    let (ann, bob, _, room) = ann_bob_and_carol().await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    let mut socket = bob.socket().await;
    for (op, d, code) in [
        ("message.pin", json!({"message": message}), "channel/forbidden"),
        (
            "message.vote",
            json!({"message": message, "vote": "hot"}),
            "request/invalid",
        ),
        (
            "message.react",
            json!({"message": message, "emoji": "x"}),
            "request/invalid",
        ),
    ] {
        let err = socket.command(op, &room.channel, &fresh_key(), d).await;
        assert_eq!((&err["t"], &err["code"]), (&json!("err"), &json!(code)), "{op}");
    }
    let mut own = ann.socket().await;
    let d = json!({"message": message, "vote": "up"});
    let err = own.command("message.vote", &room.channel, &fresh_key(), d).await;
    assert_eq!(err["code"], "message/own-vote");
}
