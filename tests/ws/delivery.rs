//! Subscriptions while nothing is missed: every durable event of a channel, in order, to every member, once.

use serde_json::json;
use verbatim_tests::{NOWHERE, Stage, fresh_key};

#[tokio::test]
async fn everyone_in_the_room_sees_the_same_events_in_the_same_order() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    let mut sockets = [ann.socket().await, bob.socket().await, carol.socket().await];
    for socket in &mut sockets {
        let sub_ok = socket.subscribe(&room.channel, None).await;
        assert_eq!(
            (&sub_ok["ch"], &sub_ok["from"]),
            (&json!(room.channel), &json!(sub_ok["top"].as_u64().expect("a top") + 1))
        );
    }
    let message = ann.send(&room.channel, "over HTTP").await.str("message");
    sockets[1].say(&room.channel, "over a socket").await;
    ann.edit(&room.channel, &message, "over HTTP, corrected").await.is(201);
    sockets[2].say(&room.channel, "and a third").await;
    ann.delete_message(&room.channel, &message).await.is(201);
    let mut seen = vec![];
    for socket in &mut sockets {
        let events = socket.events(&room.channel, 5).await;
        let seqs: Vec<_> = events
            .iter()
            .map(|event| event["seq"].as_u64().expect("a seq"))
            .collect();
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
        seen.push(
            events
                .into_iter()
                .map(|event| (event["seq"].clone(), event["event"].clone(), event["type"].clone()))
                .collect::<Vec<_>>(),
        );
    }
    assert!(seen[0] == seen[1] && seen[1] == seen[2], "{seen:?}");
    let types: Vec<_> = seen[0].iter().map(|(_, _, kind)| kind.clone()).collect();
    assert_eq!(
        types,
        [
            "message.sent",
            "message.sent",
            "message.edited",
            "message.sent",
            "message.deleted"
        ]
    );
}

#[tokio::test]
async fn a_live_event_is_the_item_of_the_stream_with_a_kind() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, None).await;
    let ack = ann.send(&room.channel, "hello").await;
    let mut live = socket.event(&room.channel).await;
    let item = bob.events_after(&room.channel, ack.u64("seq") - 1).await.remove(0);
    assert_eq!(live.as_object_mut().expect("an object").remove("t"), Some(json!("ev")));
    assert_eq!(live, item);
    assert_eq!(
        (&live["at"], &live["event"], &live["d"]["message"]),
        (&ack["at"], &ack["event"], &ack["message"])
    );
}

#[tokio::test]
async fn the_key_goes_to_the_author_on_every_device_and_to_nobody_else() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let (mut phone, mut desk, mut other) = (
        ann.socket().await,
        ann.another_session().await.socket().await,
        bob.socket().await,
    );
    for socket in [&mut phone, &mut desk, &mut other] {
        socket.subscribe(&room.channel, None).await;
    }
    let key = fresh_key();
    let ok = phone
        .command("message.send", &room.channel, &key, json!({"body": "mine"}))
        .await;
    for socket in [&mut phone, &mut desk] {
        let event = socket.event(&room.channel).await;
        assert_eq!((&event["key"], &event["event"]), (&json!(key), &ok["event"]));
    }
    let seen_by_bob = other.event(&room.channel).await;
    assert_eq!(seen_by_bob["event"], ok["event"]);
    assert!(!seen_by_bob.to_string().contains(&key), "{seen_by_bob}");
}

#[tokio::test]
async fn racing_senders_are_delivered_densely_to_everyone() {
    let stage = Stage::shared();
    let people = [
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    ];
    let room = stage.room(&people.iter().collect::<Vec<_>>()).await;
    let mut sockets = vec![];
    for person in &people {
        let mut socket = person.socket().await;
        socket.subscribe(&room.channel, None).await;
        sockets.push(socket);
    }
    for number in 0..60 {
        for socket in &mut sockets {
            socket
                .post_message(&room.channel, &fresh_key(), &format!("number {number}"))
                .await;
        }
    }
    let log = {
        let mut seen = vec![];
        for socket in &mut sockets {
            let events = socket.events(&room.channel, 180).await;
            let seqs: Vec<_> = events
                .iter()
                .map(|event| event["seq"].as_u64().expect("a seq"))
                .collect();
            assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
            seen.push(events.iter().map(|event| event["event"].clone()).collect::<Vec<_>>());
        }
        assert!(seen[0] == seen[1] && seen[1] == seen[2]);
        seen.remove(0)
    };
    let stored: Vec<_> = people[0]
        .all_events(&room.channel)
        .await
        .iter()
        .map(|event| event["event"].clone())
        .collect();
    assert!(stored.ends_with(&log), "what was delivered is what is stored");
}

#[tokio::test]
async fn an_unsubscribed_channel_falls_silent() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let second = ann.create_channel(&room.space, "second").await;
    bob.join(&second).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, None).await;
    socket.subscribe(&second, None).await;
    ann.send(&room.channel, "heard").await;
    socket.event(&room.channel).await;
    socket.send(&json!({"t": "unsub", "id": "u", "ch": room.channel})).await;
    socket.is_alive().await;
    ann.send(&room.channel, "not heard").await;
    ann.send(&second, "heard again").await;
    socket.event(&second).await;
    assert!(
        socket.unread().all(|frame| frame["t"] != "ev"),
        "{:?}",
        socket.unread().collect::<Vec<_>>()
    );
    let top = socket.subscribe(&room.channel, None).await["top"]
        .as_u64()
        .expect("a top");
    ann.send(&room.channel, "and once more").await;
    assert_eq!(socket.event(&room.channel).await["seq"], top + 1);
}

#[tokio::test]
async fn nobody_subscribes_to_what_they_may_not_see() {
    let stage = Stage::shared();
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let room = stage.room(&[&ann]).await;
    let mut socket = eve.socket().await;
    let mut answers = vec![];
    for channel in [room.channel.as_str(), NOWHERE] {
        let mut err = socket.try_subscribe(channel, Some(0)).await;
        assert_eq!(
            (&err["t"], &err["code"]),
            (&json!("err"), &json!("channel/not-found")),
            "{err}"
        );
        err["id"] = json!(null);
        answers.push(err.to_string().replace(channel, "<channel>"));
    }
    assert_eq!(answers[0], answers[1]);
    ann.send(&room.channel, "among us").await;
    socket.is_alive().await;
    assert!(socket.unread().all(|frame| frame["t"] != "ev"));
}

#[tokio::test]
async fn subscribing_twice_delivers_once() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, None).await;
    socket.subscribe(&room.channel, None).await;
    let first = ann.send(&room.channel, "first").await;
    let second = ann.send(&room.channel, "second").await;
    let events = socket.events(&room.channel, 2).await;
    assert_eq!((&events[0]["seq"], &events[1]["seq"]), (&first["seq"], &second["seq"]));
}

#[tokio::test]
async fn the_words_of_others_channels_do_not_cross() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let direct = ann.open_direct(&bob).await.str("id");
    let mut socket = bob.socket().await;
    socket.subscribe(&direct, None).await;
    ann.send(&room.channel, "to the room").await;
    ann.send(&direct, "to Bob alone").await;
    let event = socket.event(&direct).await;
    assert_eq!(
        (&event["d"]["body"], &event["by"]),
        (&json!("to Bob alone"), &json!(ann.id))
    );
    assert!(
        socket.unread().all(|frame| frame["t"] != "ev"),
        "a channel that was not subscribed to speaks"
    );
}

#[tokio::test]
async fn who_is_added_to_a_channel_hears_of_it() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let mut socket = bob.socket().await;
    let group = ann.create_group(&[&bob]).await;
    let feed = socket
        .take("the news", |frame| {
            frame["t"] == "feed" && frame["type"] == "channel.added"
        })
        .await;
    assert_eq!(feed["d"]["ch"], group, "{feed}");
    assert!(feed["seq"].is_u64(), "{feed}");
    socket.subscribe(&group, Some(0)).await;
}
