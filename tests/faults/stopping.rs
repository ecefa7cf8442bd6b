//! SIGTERM: what was accepted is finished, sockets are told to come back, and the process ends with 0.

use std::collections::HashMap;

use verbatim_tests::{Hello, Server, Socket, Stage, fresh_key, until};

use crate::ledger::Ledger;

#[tokio::test]
async fn an_idle_server_ends_with_zero() {
    let mut server = Server::start();
    Stage::on(&server).person("ann").await;
    assert_eq!(server.terminate().await, Some(0));
}

#[tokio::test]
async fn sockets_are_told_to_come_back() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut sockets = [ann.socket().await, ann.socket().await];
    for socket in &mut sockets {
        socket.subscribe(&room.channel, None).await;
    }
    let seq = sockets[0].say(&room.channel, "before the end").await["seq"].clone();
    server.ask_to_stop();
    for socket in &mut sockets {
        let drain = socket.expect("drain").await;
        assert!(drain["after_ms"].is_u64(), "{drain}");
        assert_eq!(socket.close_code().await, Some(4420));
        assert_eq!(socket.event(&room.channel).await["seq"], seq);
    }
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn while_sockets_leave_new_ones_are_sent_elsewhere() {
    let mut server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_DRAIN_WINDOW_MS", "10000");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let mut sockets = vec![];
    for _ in 0..12 {
        sockets.push(ann.socket().await);
    }
    let mut unintroduced = Socket::unintroduced(stage.address()).await;
    let ticket = ann.ticket().await;
    server.ask_to_stop();
    let mut moments = vec![];
    for socket in &mut sockets {
        moments.push(socket.expect("drain").await["after_ms"].as_u64().expect("a time"));
    }
    assert!(moments.iter().all(|moment| *moment <= 10_000), "{moments:?}");
    moments.sort_unstable();
    moments.dedup();
    assert!(moments.len() > 1, "all leave at once");
    let refused = Socket::upgrade(stage.address(), &[]).await.err().expect("a refusal");
    assert_eq!(refused.status, 503);
    unintroduced.introduce(&ticket, &Hello::default()).await;
    assert_eq!(unintroduced.close_code().await, Some(4420));
    for socket in &mut sockets {
        assert_eq!(socket.close_code().await, Some(4420));
    }
    assert_eq!(server.exit_code().await, Some(0));
}

/// What one socket sent until it was closed, by key, and what it was answered.
async fn send_until_closed(mut socket: Socket, channel: String) -> (Socket, HashMap<String, bool>) {
    const IN_FLIGHT: usize = 8;
    let mut sent = HashMap::new();
    let mut waiting = HashMap::new();
    loop {
        let key = fresh_key();
        // A frame that could not be handed over may have been, in part.
        let Some(id) = socket.try_post_message(&channel, &key, "to the end").await else {
            break;
        };
        sent.insert(key.clone(), false);
        waiting.insert(id, key);
        if waiting.len() < IN_FLIGHT {
            continue;
        }
        let answer = socket.try_take("an answer", |frame| frame["t"] == "ok").await;
        let Some(answer) = answer else { break };
        if let Some(key) = answer["id"].as_str().and_then(|id| waiting.remove(id)) {
            sent.insert(key, true);
        }
    }
    while let Some(answer) = socket.try_take("an answer", |frame| frame["t"] == "ok").await {
        if let Some(key) = answer["id"].as_str().and_then(|id| waiting.remove(id)) {
            sent.insert(key, true);
        }
    }
    (socket, sent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_is_answered_before_the_close_and_nothing_else_is_done() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let mut senders = vec![];
    for name in ["ann", "bob", "eve"] {
        let person = stage.person(name).await;
        let room = stage.room(&[&person]).await;
        for _ in 0..6 {
            let sending = send_until_closed(person.socket().await, room.channel.clone());
            senders.push((person.clone(), room.channel.clone(), tokio::spawn(sending)));
        }
    }
    until("some messages", async || {
        (senders[0].0.events_after(&senders[0].1, 50).await.len() >= 50).then_some(())
    })
    .await;
    server.ask_to_stop();
    let mut answered: HashMap<(String, String), HashMap<String, bool>> = HashMap::new();
    let mut people = vec![];
    for (person, channel, sending) in senders {
        let (mut socket, sent) = sending.await.expect("no panic");
        assert_eq!(socket.close_code().await, Some(4420));
        let place = (person.id.clone(), channel.clone());
        answered.entry(place).or_default().extend(sent);
        people.push((person, channel));
    }
    assert_eq!(server.exit_code().await, Some(0));
    server.launch();
    people.dedup_by_key(|(person, _)| person.id.clone());
    for (person, channel) in people {
        let sent = &answered[&(person.id.clone(), channel.clone())];
        let events = person.all_events(&channel).await;
        let written: Vec<&str> = events.iter().filter_map(|event| event["key"].as_str()).collect();
        for (key, was_answered) in sent {
            let is_written = written.contains(&key.as_str());
            assert_eq!(is_written, *was_answered, "{key} is in the log: {is_written}");
        }
    }
}

#[tokio::test]
async fn who_reads_nothing_does_not_hold_up_the_end() {
    let mut server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_OUTBOUND_SOFT_BYTES", "1000000");
        options.set("VERBATIM_LIMIT_OUTBOUND_HARD_BYTES", "100000000");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut stuck = Socket::narrow(&ann, Hello::default()).await;
    stuck.subscribe(&room.channel, None).await;
    let mut writing = ann.socket().await;
    let body = "x".repeat(7_500);
    for _ in 0..800 {
        writing.say(&room.channel, &body).await;
    }
    assert_eq!(server.terminate().await, Some(0));
}

#[tokio::test]
async fn a_long_poll_does_not_hold_up_the_end() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let top = ann.listed(&room.channel).await["top"].as_u64().expect("a top");
    let poll = ann.get(&format!("/channels/{}/events?after={top}&wait_ms=30000", room.channel));
    let poll = tokio::spawn(poll.try_send());
    // Another answered request shows that the server had time to take the poll.
    ann.get("/users/me").send().await.is(200);
    server.ask_to_stop();
    assert_eq!(server.exit_code().await, Some(0));
    if let Ok(answer) = poll.await.expect("no panic") {
        assert!(matches!(answer.status, 200 | 503), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_the_end_is_there_afterwards() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let people = vec![stage.person("ann").await, stage.person("bob").await];
    let room = stage.room(&people.iter().collect::<Vec<_>>()).await;
    let ledger = Ledger::new(people, vec![room.channel]);
    let writers = ledger.write();
    until("some acknowledgements", async || (ledger.acks() >= 100).then_some(())).await;
    server.ask_to_stop();
    assert_eq!(server.exit_code().await, Some(0));
    ledger.stop();
    for writer in writers {
        writer.await.expect("no panic");
    }
    server.launch();
    ledger.assert_log_agrees().await;
    ledger.repeat_from(0, 5).await;
    ledger.settle().await;
    ledger.assert_log_agrees().await;
    ledger.assert_pages_agree().await;
}

#[tokio::test]
async fn a_server_that_was_stopped_starts_again() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let key = fresh_key();
    for _ in 0..3 {
        ann.send_keyed(&room.channel, &key, "once").await.accepted();
        assert_eq!(server.terminate().await, Some(0));
        server.launch();
    }
    assert_eq!(ann.all_messages(&room.channel).await.len(), 1);
}

#[tokio::test]
async fn marks_that_were_waiting_are_not_lost() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let seq = ann.send(&room.channel, "hello").await.u64("seq");
    let mut socket = bob.socket().await;
    socket
        .send(&serde_json::json!({"t": "read", "ch": room.channel, "seq": seq}))
        .await;
    socket.is_alive().await;
    assert_eq!(server.terminate().await, Some(0));
    server.launch();
    assert_eq!(bob.listed(&room.channel).await["read"], seq);
}
