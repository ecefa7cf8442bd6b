//! Losing the right to listen: delivery ends at the very event, and nothing of the person's counts after it.

use serde_json::{Value, json};
use verbatim_tests::{Socket, Stage, fresh_key};

/// No event or word of the channel past the end.
fn assert_silent_after(socket: &Socket, channel: &str, end: u64) {
    for frame in socket
        .unread()
        .filter(|frame| frame["ch"] == *channel && frame["t"] == "ev")
    {
        assert!(frame["seq"].as_u64() <= Some(end), "past the end at {end}: {frame}");
    }
}

fn seq(value: &Value) -> u64 {
    value["seq"].as_u64().unwrap_or_else(|| panic!("no seq in {value}"))
}

#[tokio::test]
async fn a_removed_members_socket_gets_nothing_past_the_removal() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let other = ann.create_channel(&room.space, "other").await;
    bob.join(&other).await;
    let mut sockets = [bob.socket().await, bob.socket().await];
    for socket in &mut sockets {
        socket.subscribe(&room.channel, None).await;
        socket.subscribe(&other, None).await;
    }
    ann.send(&room.channel, "before").await;
    let end = ann.remove_member(&room.channel, &bob).await.accepted().u64("seq");
    for number in 0..20 {
        ann.send(&room.channel, &format!("after {number}")).await;
    }
    let last = ann.send(&other, "the last").await;
    for socket in &mut sockets {
        let ended = socket.expect("sub_end").await;
        assert_eq!(
            (&ended["ch"], &ended["at"], &ended["reason"]),
            (&json!(room.channel), &json!(end), &json!("removed"))
        );
        // Whatever the room had to say would have come before this.
        assert_eq!(socket.event(&other).await["seq"], last["seq"]);
        socket.is_alive().await;
        assert_silent_after(socket, &room.channel, end);
        let before = socket.event(&room.channel).await;
        assert_eq!(before["d"]["body"], "before");
        let err = socket.try_subscribe(&room.channel, Some(0)).await;
        assert_eq!(err["code"], "channel/not-found", "{err}");
    }
}

#[tokio::test]
async fn no_send_of_a_removed_member_is_acknowledged_with_a_later_seq() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    for round in 0..6 {
        let room = stage.room(&[&ann, &bob]).await;
        let mut socket = bob.socket().await;
        let writer = {
            let channel = room.channel.clone();
            tokio::spawn(async move {
                let mut answers = vec![];
                let mut ids = vec![];
                for number in 0..60 {
                    ids.push(
                        socket
                            .post_message(&channel, &fresh_key(), &format!("number {number}"))
                            .await,
                    );
                    if number % 5 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                for id in ids {
                    answers.push(socket.answer(&id).await);
                }
                answers
            })
        };
        for _ in 0..round * 3 {
            tokio::task::yield_now().await;
        }
        let end = ann.remove_member(&room.channel, &bob).await.accepted().u64("seq");
        let answers = writer.await.expect("no panic");
        for answer in &answers {
            match answer["t"].as_str() {
                Some("ok") => assert!(
                    seq(answer) < end,
                    "acknowledged at {} after the removal at {end}",
                    seq(answer)
                ),
                _ => assert_eq!(answer["code"], "channel/not-found", "{answer}"),
            }
        }
        let stored = ann.all_events(&room.channel).await;
        let by_bob = stored
            .iter()
            .filter(|event| event["by"] == bob.id && event["type"] == "message.sent");
        let acknowledged: Vec<_> = answers
            .iter()
            .filter(|answer| answer["t"] == "ok")
            .map(|answer| answer["event"].clone())
            .collect();
        assert_eq!(
            by_bob.map(|event| event["event"].clone()).collect::<Vec<_>>(),
            acknowledged
        );
        assert_eq!(stored.last().expect("events")["seq"], end);
    }
}

#[tokio::test]
async fn who_leaves_hears_that_it_is_over() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, None).await;
    let ok = socket
        .command("channel.leave", &room.channel, &fresh_key(), json!({}))
        .await;
    let ended = socket.expect("sub_end").await;
    assert_eq!((&ended["at"], &ended["reason"]), (&ok["seq"], &json!("left")));
    ann.send(&room.channel, "after").await;
    socket.is_alive().await;
    assert_silent_after(&socket, &room.channel, seq(&ok));
}

#[tokio::test]
async fn removal_from_the_space_ends_its_subscriptions() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let second = ann.create_channel(&room.space, "second").await;
    bob.join(&second).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, None).await;
    socket.subscribe(&second, None).await;
    ann.remove_from_space(&room.space, &bob).await.accepted();
    let mut ends = std::collections::HashMap::new();
    while ends.len() < 2 {
        let ended = socket.expect("sub_end").await;
        ends.insert(
            ended["ch"].as_str().expect("a channel").to_owned(),
            ended["at"].as_u64().expect("an end"),
        );
    }
    for channel in [&room.channel, &second] {
        ann.send(channel, "after").await;
        socket.is_alive().await;
        assert_silent_after(&socket, channel, ends[channel]);
        let err = socket
            .command("message.send", channel, &fresh_key(), json!({"body": "too late"}))
            .await;
        assert_eq!(err["code"], "channel/not-found", "{err}");
    }
}

#[tokio::test]
async fn a_member_who_comes_back_hears_only_from_then_on_or_what_they_ask_for() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let group = ann.create_group(&[&bob]).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&group, None).await;
    ann.remove_member(&group, &bob).await.accepted();
    socket.expect("sub_end").await;
    socket.forget_unread();
    ann.send(&group, "while he is away").await;
    let back = ann.add_member(&group, &bob).await.accepted().u64("seq");
    let sub_ok = socket.subscribe(&group, Some(0)).await;
    assert_eq!(sub_ok["from"], back, "{sub_ok}");
    ann.send(&group, "welcome back").await;
    let events = socket.events(&group, 2).await;
    assert_eq!(events[1]["d"]["body"], "welcome back");
    assert!(events.iter().all(|event| event["d"]["body"] != "while he is away"));
}

#[tokio::test]
async fn who_is_banned_from_the_space_is_told_so_by_its_channels() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, None).await;
    ann.ban(&room.space, &bob).await.is(201);
    let ended = socket.expect("sub_end").await;
    assert_eq!(
        (&ended["ch"], &ended["reason"]),
        (&json!(room.channel), &json!("banned"))
    );
    let err = socket.try_subscribe(&room.channel, Some(0)).await;
    assert_eq!(err["code"], "channel/not-found", "{err}");
}
