//! The faults that the log in memory can be told to have.

use std::sync::Arc;

use event_store::{
    Append, AppendError, Appended, EventLog, Expected, MemoryLog, NewEvent, StreamName, UnavailableReason,
};
use uuid::Uuid;

#[tokio::test]
async fn a_fault_before_writing_leaves_nothing_and_strikes_once() {
    let log = MemoryLog::new();
    log.fail_next(UnavailableReason::DiskFull, false, false);
    assert_eq!(
        append(&log, 1).await,
        Err(unavailable(false, UnavailableReason::DiskFull))
    );
    assert_eq!(log.head().await.expect("a head").position, 0);
    assert!(!append(&log, 1).await.expect("all is well").replayed);
}

#[tokio::test]
async fn a_fault_after_writing_leaves_the_events_for_the_retry_to_find() {
    let log = MemoryLog::new();
    let mut tail = Arc::clone(&log).tail(0);
    log.fail_next(UnavailableReason::Storage, true, true);
    assert_eq!(
        append(&log, 1).await,
        Err(unavailable(true, UnavailableReason::Storage))
    );
    assert_eq!(tail.next().await.expect("a batch").scanned_to, 1);
    assert!(append(&log, 1).await.expect("the original").replayed);
}

#[tokio::test]
async fn a_log_that_was_told_to_fail_stays_failed() {
    let log = MemoryLog::new();
    log.fail_next(UnavailableReason::Failed, true, false);
    assert_eq!(append(&log, 1).await, Err(unavailable(true, UnavailableReason::Failed)));
    assert!(!log.failed().await.is_empty());
    assert_eq!(
        append(&log, 1).await,
        Err(unavailable(false, UnavailableReason::Failed))
    );
    assert!(log.read_all(0, 10).await.expect("reads go on").events.is_empty());
}

#[tokio::test]
async fn held_appends_wait_unwritten_until_they_are_released() {
    let log = MemoryLog::new();
    log.hold();
    let writer = tokio::spawn({
        let log = Arc::clone(&log);
        async move { append(&log, 1).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(log.head().await.expect("a head").position, 0);
    assert!(!writer.is_finished());
    log.release();
    writer.await.expect("a writer").expect("taken");
    assert_eq!(log.head().await.expect("a head").position, 1);
}

async fn append(log: &MemoryLog, number: u128) -> Result<Appended, AppendError> {
    let event = NewEvent {
        id: Uuid::from_u128(number),
        kind: "message.sent".into(),
        version: 1,
        actor: Uuid::nil(),
        key: "key".into(),
        intent: [0; 16],
        request_id: Uuid::nil(),
        recorded_at: chrono::DateTime::UNIX_EPOCH,
        payload: bytes::Bytes::new(),
    };
    let stream = StreamName::from_text("channel-1");
    log.append(vec![Append {
        stream,
        expected: Expected::Any,
        events: vec![event],
    }])
    .await
    .remove(0)
}

fn unavailable(maybe_committed: bool, reason: UnavailableReason) -> AppendError {
    AppendError::Unavailable {
        maybe_committed,
        reason,
    }
}
