//! Coming back after an absence: nothing is missing, nothing is doubled, however long it took.

use serde_json::json;
use verbatim_tests::{Hello, Person, Server, Socket, Stage, fresh_key};

/// Sends this many messages quickly; the top afterwards.
async fn write(person: &Person, channel: &str, count: usize) -> u64 {
    let mut socket = person.socket().await;
    let mut ids = vec![];
    for number in 0..count {
        ids.push(
            socket
                .post_message(channel, &fresh_key(), &format!("number {number}"))
                .await,
        );
    }
    let mut top = 0;
    for id in ids {
        top = socket.answer(&id).await["seq"].as_u64().expect("a seq");
    }
    top
}

/// Subscribes after `after` and reads to the top: the mode, after checking that every seq came once and in order.
async fn caught_up(socket: &mut Socket, channel: &str, after: u64, top: u64) -> String {
    let sub_ok = socket.subscribe(channel, Some(after)).await;
    assert_eq!(
        (&sub_ok["from"], &sub_ok["top"]),
        (&json!(after + 1), &json!(top)),
        "{sub_ok}"
    );
    let events = socket.events(channel, (top - after) as usize).await;
    let seqs: Vec<_> = events
        .iter()
        .map(|event| event["seq"].as_u64().expect("a seq"))
        .collect();
    assert_eq!(seqs, (after + 1..=top).collect::<Vec<_>>());
    sub_ok["mode"].as_str().expect("a mode").to_owned()
}

#[tokio::test]
async fn a_short_absence_is_made_up_from_memory() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let before = write(&ann, &room.channel, 5).await;
    let top = write(&ann, &room.channel, 20).await;
    let mut socket = bob.socket().await;
    assert_eq!(caught_up(&mut socket, &room.channel, before, top).await, "hot");
    let live = ann.send(&room.channel, "live again").await;
    assert_eq!(socket.event(&room.channel).await["seq"], live["seq"]);
}

#[tokio::test]
async fn what_memory_covers_is_not_read_from_the_log() {
    let server = Server::start();
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let top = write(&ann, &room.channel, 30).await;
    let mut socket = bob.socket().await;
    for after in [top, top - 1, top - 25] {
        assert_eq!(caught_up(&mut socket, &room.channel, after, top).await, "hot");
    }
    let metrics = stage.get("/metrics").send().await.is(200).text;
    let reads = |source| {
        let family = format!(r#"live_reads_total{{source="{source}"}} "#);
        let count = metrics.lines().find_map(|line| line.strip_prefix(&family));
        count
            .unwrap_or_else(|| panic!("no {family}"))
            .parse::<u64>()
            .expect("a number")
    };
    assert_eq!(reads("log"), 0);
    assert!(reads("memory") >= 2, "{metrics}");
}

#[tokio::test]
async fn a_long_absence_is_made_up_from_the_log() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let top = write(&ann, &room.channel, 700).await;
    let mut socket = bob.socket().await;
    assert_eq!(caught_up(&mut socket, &room.channel, 0, top).await, "cold");
    let live = ann.send(&room.channel, "live again").await;
    assert_eq!(socket.event(&room.channel).await["seq"], live["seq"]);
}

#[tokio::test]
async fn catching_up_while_others_write_leaves_no_seam() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut top = write(&ann, &room.channel, 400).await;
    let writer = {
        let (ann, channel) = (ann.clone(), room.channel.clone());
        tokio::spawn(async move { write(&ann, &channel, 300).await })
    };
    let mut sockets = vec![];
    for after in [0, 1, top / 2, top - 1] {
        let mut socket = bob.socket().await;
        socket.subscribe(&room.channel, Some(after)).await;
        sockets.push((socket, after));
    }
    top = writer.await.expect("no panic").max(top);
    for (socket, after) in &mut sockets {
        let events = socket.events(&room.channel, (top - *after) as usize).await;
        let seqs: Vec<_> = events
            .iter()
            .map(|event| event["seq"].as_u64().expect("a seq"))
            .collect();
        assert_eq!(seqs, (*after + 1..=top).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn whoever_joins_wherever_while_others_write_sees_the_same_bytes() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let before = write(&ann, &room.channel, 350).await;
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let (ann, channel) = (ann.clone(), room.channel.clone());
            tokio::spawn(async move { write(&ann, &channel, 100).await })
        })
        .collect();
    let mut sockets = vec![];
    for number in 0..10 {
        let after = before * number / 9;
        let hello = Hello {
            resume: vec![(room.channel.clone(), after)],
            ..Hello::default()
        };
        sockets.push((Socket::resumed(&bob, hello).await, after));
    }
    let mut top = 0;
    for writer in writers {
        top = writer.await.expect("no panic").max(top);
    }
    let mut all: Vec<String> = vec![];
    for (socket, after) in &mut sockets {
        socket.events(&room.channel, (top - *after) as usize).await;
        if all.is_empty() {
            all.clone_from(&socket.event_texts);
        }
        assert!(socket.event_texts == all[*after as usize..], "after {after}");
    }
}

#[tokio::test]
async fn after_a_restart_everything_comes_from_the_log() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let top = write(&ann, &room.channel, 20).await;
    let incarnation = bob.socket().await.welcome["incarnation"].clone();
    server.restart();
    let mut socket = bob.socket().await;
    assert_eq!(socket.welcome["incarnation"], incarnation);
    assert_eq!(caught_up(&mut socket, &room.channel, 2, top).await, "cold");
    let live = ann.send(&room.channel, "live again").await;
    assert_eq!(socket.event(&room.channel).await["seq"], live["seq"]);
}

#[tokio::test]
async fn hello_resumes_every_channel_it_names() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let direct = ann.open_direct(&bob).await.str("id");
    let tops = [write(&ann, &room.channel, 6).await, write(&ann, &direct, 4).await];
    let hello = Hello {
        resume: vec![(room.channel.clone(), tops[0] - 2), (direct.clone(), tops[1] - 3)],
        ..Hello::default()
    };
    let mut socket = Socket::resumed(&bob, hello).await;
    for (channel, top, missed) in [(&room.channel, tops[0], 2), (&direct, tops[1], 3)] {
        let sub_ok = socket
            .take("sub_ok", |frame| frame["t"] == "sub_ok" && frame["ch"] == **channel)
            .await;
        assert_eq!(
            (&sub_ok["from"], &sub_ok["top"]),
            (&json!(top - missed + 1), &json!(top))
        );
        let seqs: Vec<_> = socket
            .events(channel, missed as usize)
            .await
            .iter()
            .map(|event| event["seq"].as_u64().expect("a seq"))
            .collect();
        assert_eq!(seqs, (top - missed + 1..=top).collect::<Vec<_>>());
    }
    let live = ann.send(&direct, "live again").await;
    assert_eq!(socket.event(&direct).await["seq"], live["seq"]);
}

#[tokio::test]
async fn places_of_another_log_are_not_resumed_from() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let direct = ann.open_direct(&bob).await.str("id");
    let top = write(&ann, &room.channel, 3).await;
    let ours = bob.socket().await.welcome["incarnation"]
        .as_str()
        .expect("an id")
        .to_owned();
    let hello = |incarnation: &str| Hello {
        resume: vec![(room.channel.clone(), top - 1), (direct.clone(), 1)],
        incarnation: Some(incarnation.to_owned()),
    };
    let mut socket = Socket::resumed(&bob, hello("5f0c3b1e-0")).await;
    for channel in [&room.channel, &direct] {
        let err = socket.expect("err").await;
        assert_eq!(
            (&err["ch"], &err["code"], &err["retryable"]),
            (&json!(channel), &json!("resume/incarnation"), &json!(false)),
            "{err}"
        );
    }
    socket.is_alive().await;
    assert_eq!(socket.unread().count(), 0, "nothing is followed");
    let sub_ok = socket.subscribe(&room.channel, Some(0)).await;
    assert_eq!(sub_ok["from"], 1, "the client starts anew");
    let mut socket = Socket::resumed(&bob, hello(&ours)).await;
    assert_eq!(socket.expect("sub_ok").await["from"], top);
}

#[tokio::test]
async fn edits_and_deletions_missed_offline_come_too() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let one = ann.send(&room.channel, "one").await;
    let two = ann.send(&room.channel, "two").await;
    ann.edit(&room.channel, &one.str("message"), "one, corrected")
        .await
        .is(201);
    ann.delete_message(&room.channel, &two.str("message")).await.is(201);
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, two["seq"].as_u64()).await;
    let events = socket.events(&room.channel, 2).await;
    assert_eq!(
        (&events[0]["type"], &events[0]["d"]["body"]),
        (&json!("message.edited"), &json!("one, corrected"))
    );
    assert_eq!(
        (&events[1]["type"], &events[1]["d"]["message"]),
        (&json!("message.deleted"), &two["message"])
    );
}

#[tokio::test]
async fn nobody_resumes_from_the_future() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let top = write(&ann, &room.channel, 3).await;
    let mut socket = Socket::resumed(
        &ann,
        Hello {
            resume: vec![(room.channel.clone(), top + 1_000)],
            ..Hello::default()
        },
    )
    .await;
    let err = socket.expect("err").await;
    assert_eq!(
        (&err["code"], &err["ch"]),
        (&json!("resume/ahead"), &json!(room.channel)),
        "{err}"
    );
    let err = socket.try_subscribe(&room.channel, Some(top + 1)).await;
    assert_eq!(err["code"], "resume/ahead", "{err}");
    let sub_ok = socket.subscribe(&room.channel, Some(top)).await;
    assert_eq!(sub_ok["from"], top + 1);
    let live = ann.send(&room.channel, "here").await;
    assert_eq!(socket.event(&room.channel).await["seq"], live["seq"]);
}

#[tokio::test]
async fn who_was_removed_meanwhile_is_told_so() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let before = write(&ann, &room.channel, 3).await;
    ann.remove_member(&room.channel, &bob).await.accepted();
    ann.send(&room.channel, "now that he is gone").await;
    let mut socket = Socket::resumed(
        &bob,
        Hello {
            resume: vec![(room.channel.clone(), before)],
            ..Hello::default()
        },
    )
    .await;
    let told = socket
        .take("the end of the channel", |frame| {
            frame["ch"] == room.channel && frame["t"] != "ev"
        })
        .await;
    let ended = told["t"] == "sub_end" && told["reason"] == "removed";
    assert!(
        ended || (told["t"] == "err" && told["code"] == "channel/not-found"),
        "{told}"
    );
    assert!(
        socket
            .unread()
            .all(|frame| !frame.to_string().contains("now that he is gone"))
    );
}

#[tokio::test]
async fn who_may_not_see_the_past_starts_at_their_own_joining() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let group = ann.create_group(&[&bob]).await;
    write(&ann, &group, 5).await;
    let joined = ann.add_member(&group, &carol).await.accepted().u64("seq");
    let top = write(&ann, &group, 3).await;
    let mut socket = carol.socket().await;
    let sub_ok = socket.subscribe(&group, Some(0)).await;
    assert_eq!((&sub_ok["from"], &sub_ok["top"]), (&json!(joined), &json!(top)));
    let events = socket.events(&group, (top - joined + 1) as usize).await;
    assert_eq!(events[0]["seq"], joined);
    let id = socket.next_id();
    socket
        .send(&json!({"t": "gap", "id": id, "ch": group, "from": 1, "to": joined}))
        .await;
    socket.is_alive().await;
    assert!(
        socket
            .unread()
            .filter(|frame| frame["t"] == "ev")
            .all(|frame| frame["seq"].as_u64() >= Some(joined))
    );
}

#[tokio::test]
async fn a_gap_is_filled_on_request() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let top = write(&ann, &room.channel, 400).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, None).await;
    for (from, to) in [(top - 3, top), (1, 10), (7, 7)] {
        let id = socket.next_id();
        socket
            .send(&json!({"t": "gap", "id": id, "ch": room.channel, "from": from, "to": to}))
            .await;
        let events = socket.events(&room.channel, (to - from + 1) as usize).await;
        let seqs: Vec<_> = events
            .iter()
            .map(|event| event["seq"].as_u64().expect("a seq"))
            .collect();
        assert_eq!(seqs, (from..=to).collect::<Vec<_>>());
    }
    let live = ann.send(&room.channel, "live goes on").await;
    assert_eq!(socket.event(&room.channel).await["seq"], live["seq"]);
    for (from, to) in [(0, 3), (9, 3), (1, top + 1_000)] {
        let id = socket.next_id();
        socket
            .send(&json!({"t": "gap", "id": id, "ch": room.channel, "from": from, "to": to}))
            .await;
        assert_eq!(socket.answer(&id).await["t"], "err", "{from} to {to}");
    }
}
