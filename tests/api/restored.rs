//! A log put back from an older copy behind everything that knew its future: the server notices by itself and says so to everyone who
//! comes with a place in what is gone.

use std::{fs, path::Path};

use serde_json::json;
use verbatim_tests::{Hello, Server, Socket, Stage};

/// Copies the files of a log over those of another.
fn put_log(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _none = fs::remove_file(to.join(format!("log.sqlite{suffix}")));
        let file = from.join(format!("log.sqlite{suffix}"));
        if file.exists() {
            fs::copy(&file, to.join(format!("log.sqlite{suffix}"))).expect("a copy");
        }
    }
}

#[tokio::test]
async fn a_log_restored_from_an_older_copy_is_another_incarnation_and_nothing_of_its_lost_future_is_served() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    ann.send(&room.channel, "kept").await.is(201);
    let kept = bob.page(&room.channel, "").await.body["hi"].as_u64().expect("a top");
    assert_eq!(server.terminate().await, Some(0));
    let copy = tempfile::tempdir().expect("a folder");
    put_log(&server.data(), copy.path());

    server.launch();
    let lost = ann.send(&room.channel, "lost").await.is(201);
    for number in 0..5 {
        ann.send(&room.channel, &format!("lost, too {number}")).await.is(201);
    }
    let lost_position = lost.str("pos");
    let incarnation = bob.socket().await.welcome["incarnation"]
        .as_str()
        .expect("an id")
        .to_owned();
    let top = bob.page(&room.channel, "").await.body["hi"].as_u64().expect("a top");
    assert_eq!(server.terminate().await, Some(0));
    put_log(copy.path(), &server.data());

    server.launch();
    assert!(
        server
            .printed()
            .iter()
            .any(|line| line.contains("restored from a backup")),
        "nothing is said of it"
    );
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.signed_in(&ann.handle).await, stage.signed_in(&bob.handle).await);
    // Who resumes where the lost future was learns that it is gone.
    let hello = Hello {
        resume: vec![(room.channel.clone(), top)],
        incarnation: Some(incarnation.clone()),
    };
    let mut socket = Socket::resumed(&bob, hello).await;
    assert_ne!(socket.welcome["incarnation"], json!(incarnation));
    assert_eq!(socket.expect("err").await["code"], "resume/incarnation");
    bob.get(&format!("/channels/{}/messages?min_pos={lost_position}", room.channel))
        .send()
        .await
        .problem(422);
    // Views are those of the log as it is.
    let page = bob.page(&room.channel, "").await;
    assert_eq!(page.body["hi"], kept);
    assert!(!page.text.contains("lost"), "{}", page.text);
    // Seqs go on densely from what was kept.
    let sub_ok = socket.subscribe(&room.channel, Some(kept)).await;
    assert_eq!(sub_ok["from"], kept + 1);
    let new = ann.send(&room.channel, "new").await.is(201);
    assert_eq!(new.u64("seq"), kept + 1);
    let event = socket.event(&room.channel).await;
    assert_eq!((&event["seq"], &event["d"]["body"]), (&json!(kept + 1), &json!("new")));
    let events = bob.all_events(&room.channel).await;
    assert_eq!(events.last().expect("an event")["seq"], kept + 1);

    // A start after that is an ordinary one.
    server.restart();
    let raised = bob.socket().await.welcome["incarnation"].clone();
    assert_eq!(raised, socket.welcome["incarnation"]);
    server.assert_no_panic();
}

#[tokio::test]
async fn an_incarnation_can_be_raised_by_hand_while_no_server_runs() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let before = ann.socket().await.welcome["incarnation"].clone();
    assert!(
        !server.run(&["raise-incarnation"]).status.success(),
        "the log is in use"
    );
    server.kill9();
    let raised = server.run(&["raise-incarnation"]);
    assert!(raised.status.success(), "{}", String::from_utf8_lossy(&raised.stderr));
    server.launch();
    let stage = Stage::on(&server);
    let ann = stage.signed_in(&ann.handle).await;
    assert_ne!(ann.socket().await.welcome["incarnation"], before);
    ann.create_space("after it").await;
}
