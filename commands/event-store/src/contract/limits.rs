//! How much the log takes at once.

use super::{Harness, given::*};
use crate::{APPEND_BYTES_MAX, APPEND_EVENTS_MAX, AppendError, Expected, NewEvent};

pub async fn an_oversized_append_is_refused(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let too_many = append(stream(1), Expected::Empty, events(0..=APPEND_EVENTS_MAX as u128));
    let too_long = append(stream(2), Expected::Empty, vec![of_bytes(1, APPEND_BYTES_MAX + 1)]);
    let small = |n| append(stream(n), Expected::Empty, events([n]));
    let outcomes = log.append(vec![small(3), too_many, small(4), too_long, small(5)]).await;

    let (size, max) = (APPEND_EVENTS_MAX + 1, APPEND_EVENTS_MAX);
    assert_eq!(
        outcomes[1],
        Err(AppendError::TooLarge {
            size,
            max,
            unit: "events"
        })
    );
    let (size, max) = (APPEND_BYTES_MAX + 1, APPEND_BYTES_MAX);
    assert_eq!(
        outcomes[3],
        Err(AppendError::TooLarge {
            size,
            max,
            unit: "bytes"
        })
    );
    for (place, n) in [(0, 3), (2, 4), (4, 5)] {
        assert_eq!(numbers(&outcomes[place].as_ref().expect("small enough").events), [n]);
    }
    assert_eq!(numbers(&everything(&*log).await), [3, 4, 5]);
}

pub async fn the_largest_append_is_taken(harness: &mut dyn Harness) {
    let log = harness.open().await;
    write(&*log, stream(1), Expected::Empty, events(0..APPEND_EVENTS_MAX as u128)).await;
    write(&*log, stream(2), Expected::Empty, vec![of_bytes(1, APPEND_BYTES_MAX)]).await;
    let log = harness.reopen(log).await;
    assert_eq!(all_of(&*log, &stream(1)).await.len(), APPEND_EVENTS_MAX);
    assert_eq!(all_of(&*log, &stream(2)).await[0].event, of_bytes(1, APPEND_BYTES_MAX));
}

pub async fn an_append_without_events_writes_nothing(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let small = append(stream(2), Expected::Empty, events([1]));
    let nothing = |expected| append(stream(1), expected, Vec::new());
    let outcomes = log
        .append(vec![nothing(Expected::Any), small, nothing(Expected::Revision(5))])
        .await;
    for place in [0, 2] {
        assert_eq!(outcomes[place].as_ref().expect("nothing to refuse").events, []);
    }
    assert_eq!(numbers(&everything(&*log).await), [1]);
    assert!(log.append(Vec::new()).await.is_empty());
}

fn of_bytes(number: u128, bytes: usize) -> NewEvent {
    let event = event(number);
    let payload = vec![b'x'; bytes - event.kind.len() - event.key.len()];
    NewEvent {
        payload: payload.into(),
        ..event
    }
}
