//! The facts the cases are told with: streams and events by number, appends, and the log read back as a whole.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::DateTime;
use uuid::Uuid;

use crate::{Append, AppendError, Appended, EventLog, Expected, NewEvent, Recorded, StreamName};

/// Longer than any case takes; only there so that a broken adapter fails instead of hanging.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn stream(number: u128) -> StreamName {
    StreamName::new("channel", Uuid::from_u128(number))
}

/// The same number is the same event in every byte.
pub(super) fn event(number: u128) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(number),
        kind: "message.sent".into(),
        version: 1,
        actor: Uuid::from_u128(7),
        key: format!("key {number}").into(),
        intent: number.to_be_bytes(),
        request_id: Uuid::from_u128(number ^ 0xffff),
        recorded_at: DateTime::from_timestamp_micros(1_700_000_000_000_000 + number as i64).expect("a date"),
        payload: Bytes::from(format!("{{\"number\":{number}}}")),
    }
}

pub(super) fn events(numbers: impl IntoIterator<Item = u128>) -> Vec<NewEvent> {
    numbers.into_iter().map(event).collect()
}

pub(super) fn append(stream: StreamName, expected: Expected, events: Vec<NewEvent>) -> Append {
    Append {
        stream,
        expected,
        events,
    }
}

pub(super) async fn outcome(log: &dyn EventLog, append: Append) -> Result<Appended, AppendError> {
    let mut outcomes = log.append(vec![append]).await;
    assert_eq!(outcomes.len(), 1, "an outcome for each append");
    outcomes.remove(0)
}

/// Appends what must be taken now and was not there before.
pub(super) async fn write(log: &dyn EventLog, to: StreamName, expected: Expected, events: Vec<NewEvent>) -> Appended {
    let appended = outcome(log, append(to, expected, events)).await.expect("a good append");
    assert!(!appended.replayed, "a new append");
    appended
}

/// The whole log, in pages that divide nothing evenly.
pub(super) async fn everything(log: &dyn EventLog) -> Vec<Arc<Recorded>> {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let page = log.read_all(after, 7).await.expect("a page");
        assert!(page.scanned_to >= after, "a page goes forward");
        if page.events.is_empty() {
            return events;
        }
        after = page.scanned_to;
        events.extend(page.events);
    }
}

pub(super) async fn all_of(log: &dyn EventLog, stream: &StreamName) -> Vec<Arc<Recorded>> {
    log.read_stream(stream, 0, usize::MAX).await.expect("a stream").events
}

/// The numbers of the events, as [`event`] was given them.
pub(super) fn numbers<'a>(events: impl IntoIterator<Item = &'a Arc<Recorded>>) -> Vec<u128> {
    events.into_iter().map(|recorded| recorded.event.id.as_u128()).collect()
}

pub(super) fn revisions(events: &[Arc<Recorded>]) -> Vec<u64> {
    events.iter().map(|recorded| recorded.revision).collect()
}
