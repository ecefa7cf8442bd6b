//! A sync that fails: nobody can say what is on the disk, so nothing more is acknowledged, the process ends with its own code, and the
//! next one reads what is really there.

use verbatim_tests::{Stage, until};

use crate::{ledger::Ledger, shim::FailingDisk};

/// Says "the log failed in a way that leaves an outcome unknown" to whoever supervises the process.
const LOG_FAILED: i32 = 74;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_sync_nothing_is_acknowledged_and_the_next_process_has_everything() {
    let disk = FailingDisk::new();
    let mut server = disk.serve();
    let stage = Stage::on(&server);
    let people = vec![stage.person("ann").await, stage.person("bob").await];
    let room = stage.room(&people.iter().collect::<Vec<_>>()).await;
    let ledger = Ledger::new(people, vec![room.channel]);
    let writers = ledger.write();
    until("some acknowledgements", async || (ledger.acks() >= 50).then_some(())).await;
    disk.stop_syncing();
    let after_the_failure = ledger.sent();
    assert_eq!(server.exit_code().await, Some(LOG_FAILED));
    ledger.stop();
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert_eq!(ledger.acked_since(after_the_failure), 0, "acknowledged without a sync");
    disk.sync_again();
    server.launch();
    ledger.assert_log_agrees().await;
    ledger.repeat_from(0, 5).await;
    ledger.settle().await;
    ledger.assert_log_agrees().await;
    ledger.assert_pages_agree().await;
}

#[tokio::test]
async fn an_unknown_outcome_is_never_called_a_success() {
    let disk = FailingDisk::new();
    let mut server = disk.serve();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    disk.stop_syncing();
    let key = verbatim_tests::fresh_key();
    // The process may be gone before the answer is: that is an unknown outcome too.
    if let Ok(answer) = ann.sending(&room.channel, &key, "did it happen?").try_send().await {
        answer.problem_code(503, "outcome/unknown");
    }
    assert_eq!(server.exit_code().await, Some(LOG_FAILED));
    disk.sync_again();
    server.launch();
    ann.send_keyed(&room.channel, &key, "did it happen?").await.accepted();
    assert_eq!(ann.all_messages(&room.channel).await.len(), 1);
}
