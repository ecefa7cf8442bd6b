//! A disk without room: writes are refused by name, reads go on, and writes come back with the room, without a restart.

use serde_json::json;
use verbatim_tests::{Stage, fresh_key, until};

use crate::shim::FailingDisk;

#[tokio::test]
async fn a_full_disk_refuses_writes_by_name_and_recovers_without_a_restart() {
    let disk = FailingDisk::new();
    let mut server = disk.serve();
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let before = ann.send(&room.channel, "before").await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, None).await;
    let pid = server.pid();

    disk.fill();
    let refused = fresh_key();
    let answer = ann.send_keyed(&room.channel, &refused, "no room for this").await;
    let answer = answer.problem_code(507, "service/disk-full");
    assert!(
        answer.header("retry-after").is_some() && answer["retry_after_ms"].is_u64(),
        "{}",
        answer.text
    );
    let by_socket = fresh_key();
    let err = socket
        .command(
            "message.send",
            &room.channel,
            &by_socket,
            json!({"body": "nor for this"}),
        )
        .await;
    assert_eq!(
        (&err["code"], &err["retryable"]),
        (&json!("service/disk-full"), &json!(true)),
        "{err}"
    );
    // Reads go on.
    stage.get("/healthz").send().await.is(200);
    assert_eq!(bob.page(&room.channel, "").await.items().len(), 1);
    assert_eq!(
        bob.all_events(&room.channel).await.last().expect("events")["event"],
        before["event"]
    );
    assert_eq!(socket.subscribe(&room.channel, Some(0)).await["top"], before["seq"]);

    disk.make_room();
    let sent = until("writes to come back", async || {
        let answer = ann.send_keyed(&room.channel, &refused, "no room for this").await;
        matches!(answer.status, 200 | 201).then_some(answer)
    })
    .await;
    assert_eq!(sent.u64("seq"), before.u64("seq") + 1, "what was refused left no hole");
    let ok = socket
        .command(
            "message.send",
            &room.channel,
            &by_socket,
            json!({"body": "nor for this"}),
        )
        .await;
    assert_eq!(ok["seq"], before.u64("seq") + 2, "{ok}");
    assert!(server.is_running());
    assert_eq!(server.pid(), pid);
    let bodies: Vec<_> = bob
        .all_messages(&room.channel)
        .await
        .iter()
        .map(|item| item["body"].clone())
        .collect();
    assert_eq!(bodies, ["before", "no room for this", "nor for this"]);
    server.restart();
    assert_eq!(bob.all_messages(&room.channel).await.len(), 3);
}
