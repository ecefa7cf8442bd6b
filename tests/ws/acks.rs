//! `got` and `read`: cumulative marks that become events of the reader's own, and receipts for the others.

use serde_json::{Value, json};
use verbatim_tests::{Person, Stage, until};

async fn receipt_of(asker: &Person, channel: &str, person: &Person) -> Value {
    let receipts = asker.read(&format!("/channels/{channel}/receipts")).await.is(200);
    receipts
        .items()
        .iter()
        .find(|receipt| receipt["user"] == person.id)
        .expect("a member has a receipt")
        .clone()
}

#[tokio::test]
async fn marks_over_the_socket_become_receipts() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut listening = ann.socket().await;
    listening.subscribe(&room.channel, None).await;
    let seq = ann.send(&room.channel, "hello").await.u64("seq");
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, Some(seq - 1)).await;
    socket.event(&room.channel).await;
    socket.send(&json!({"t": "got", "ch": room.channel, "seq": seq})).await;
    until("the delivery receipt", async || {
        (receipt_of(&ann, &room.channel, &bob).await["got"] == seq).then_some(())
    })
    .await;
    assert!(receipt_of(&ann, &room.channel, &bob).await["read"].as_u64() < Some(seq));
    assert_eq!(bob.listed(&room.channel).await["unread"], 1);
    socket.send(&json!({"t": "read", "ch": room.channel, "seq": seq})).await;
    until("the read receipt", async || {
        (receipt_of(&ann, &room.channel, &bob).await["read"] == seq).then_some(())
    })
    .await;
    assert_eq!(bob.listed(&room.channel).await["unread"], 0);
    let feed = listening
        .take("the receipt in the feed", |frame| {
            frame["t"] == "feed" && frame["type"] == "receipt" && frame["d"]["read"] == seq
        })
        .await;
    assert_eq!(
        (&feed["d"]["ch"], &feed["d"]["user"]),
        (&json!(room.channel), &json!(bob.id)),
        "{feed}"
    );
    assert_eq!(
        ann.all_events(&room.channel).await.len() as u64,
        seq,
        "marks are no events of the channel"
    );
}

#[tokio::test]
async fn marks_are_flushed_when_the_socket_closes() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let seq = ann.send(&room.channel, "hello").await.u64("seq");
    let mut socket = bob.socket().await;
    for mark in 1..=seq {
        socket
            .send(&json!({"t": "read", "ch": room.channel, "seq": mark}))
            .await;
    }
    socket.is_alive().await;
    drop(socket);
    until("the read receipt", async || {
        (receipt_of(&ann, &room.channel, &bob).await["read"] == seq).then_some(())
    })
    .await;
}

#[tokio::test]
async fn marks_are_taken_only_for_what_exists_and_may_be_seen() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann, &bob]).await;
    let seq = ann.send(&room.channel, "hello").await.u64("seq");
    let mut socket = eve.socket().await;
    socket.send(&json!({"t": "read", "ch": room.channel, "seq": 1})).await;
    let err = socket.expect("err").await;
    assert_eq!(err["code"], "channel/not-found", "{err}");
    let mut socket = bob.socket().await;
    for subscribed in [false, true] {
        if subscribed {
            socket.subscribe(&room.channel, None).await;
        }
        for (t, ahead) in [("got", seq + 1), ("read", seq + 1), ("read", u64::MAX)] {
            socket.send(&json!({"t": t, "ch": room.channel, "seq": ahead})).await;
            let err = socket.expect("err").await;
            assert_eq!(err["code"], "ack/ahead", "{t} of {ahead}: {err}");
        }
    }
    ann.send(&room.channel, "more").await;
    assert_eq!(bob.listed(&room.channel).await["unread"], 2);
}

#[tokio::test]
async fn a_mark_tells_strangers_nothing_of_a_channel() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann, &bob]).await;
    let mut former = bob.socket().await;
    former.subscribe(&room.channel, None).await;
    ann.remove_member(&room.channel, &bob).await.accepted();
    former.expect("sub_end").await;
    let nowhere = "channel_7zzzzzzzzz8zzvzzzzzzzzzzzz";
    for socket in [&mut former, &mut eve.socket().await] {
        for (t, seq) in [("got", 1), ("read", 1), ("read", 1_000_000)] {
            let mut answers = vec![];
            for channel in [room.channel.as_str(), nowhere] {
                socket.send(&json!({"t": t, "ch": channel, "seq": seq})).await;
                let mut err = socket.expect("err").await;
                assert_eq!(err["ch"], channel, "{err}");
                err["ch"] = Value::Null;
                answers.push(err);
            }
            assert_eq!(answers[0], answers[1], "{t} of {seq}");
            assert_eq!(answers[0]["code"], "channel/not-found", "{t} of {seq}");
        }
    }
}

#[tokio::test]
async fn marks_over_http_and_socket_agree() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let first = ann.send(&room.channel, "first").await.u64("seq");
    let second = ann.send(&room.channel, "second").await.u64("seq");
    bob.mark_read(&room.channel, second).await;
    let mut socket = bob.socket().await;
    socket
        .send(&json!({"t": "read", "ch": room.channel, "seq": first}))
        .await;
    socket.is_alive().await;
    drop(socket);
    ann.send(&room.channel, "third").await;
    let listed = bob.listed(&room.channel).await;
    assert_eq!((&listed["read"], &listed["unread"]), (&json!(second), &json!(1)));
}
