//! SIGTERM: what was accepted is finished, sockets are told to come back, and the process ends with 0.

use verbatim_tests::{Server, Stage, fresh_key, until};

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
