//! Appends that come again: the same ones return what they returned, for ever; others may not use their ids.

use std::sync::Arc;

use super::{Harness, given::*};
use crate::{AppendError, EventLog, Expected, NewEvent, Recorded};

/// E6.
pub async fn same_event_ids_return_the_original_result(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let original = given_an_append_between_others(&*log).await;
    expect_the_original(&*log, &original).await;
}

/// E6.
pub async fn same_event_ids_return_the_original_result_after_reopening(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let original = given_an_append_between_others(&*log).await;
    let log = harness.reopen(log).await;
    expect_the_original(&*log, &original).await;
}

/// E6.
pub async fn the_same_append_many_times_at_once_is_written_once(harness: &mut dyn Harness) {
    let log = harness.open().await;
    for (round, expected) in [Expected::Empty, Expected::Any, Expected::Any].into_iter().enumerate() {
        let numbers_of_round = (round as u128 * 10 + 1)..(round as u128 * 10 + 3);
        let retries = (0..40).map(|_| {
            let (log, append) = (
                Arc::clone(&log),
                append(stream(1), expected, events(numbers_of_round.clone())),
            );
            tokio::spawn(async move { outcome(&*log, append).await.expect("the original") })
        });
        let mut answers = Vec::new();
        for retry in retries.collect::<Vec<_>>() {
            answers.push(retry.await.expect("a retry"));
        }
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
        assert!(answers.iter().all(|answer| answer.events == answers[0].events));
    }
    assert_eq!(numbers(&everything(&*log).await), [1, 2, 11, 12, 21, 22]);
}

/// E6.
pub async fn the_same_append_twice_in_one_call_is_written_once(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let same = append(stream(1), Expected::Empty, events([1, 2, 3]));
    let next = append(stream(1), Expected::Revision(2), events([4]));
    let mut other_intent = same.clone();
    other_intent.events[0].intent = [9; 16];
    let outcomes = log.append(vec![same.clone(), next, same, other_intent]).await;

    let [first, _, second, reuse] = &outcomes[..] else {
        panic!("four outcomes")
    };
    let (first, second) = (first.as_ref().expect("taken"), second.as_ref().expect("the original"));
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!(numbers(&first.events), [1, 2, 3]);
    assert_eq!(first.events, second.events);
    assert_eq!(reuse, &Err(AppendError::IdReuse { id: event(1).id }));
    assert_eq!(numbers(&everything(&*log).await), [1, 2, 3, 4]);
}

/// E6. A retry that is decided on a newer state may come with other consequences; it still is the same append.
pub async fn a_repetition_is_known_by_its_first_event(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let original = given_an_append_between_others(&*log).await;
    for again in [events([10]), events([10, 77]), events([10, 11, 12, 13, 14])] {
        let answer = outcome(&*log, append(stream(1), Expected::Any, again))
            .await
            .expect("the original");
        assert!(answer.replayed);
        assert_eq!(answer.events, original);
    }
    assert_eq!(everything(&*log).await.len(), 7);
}

/// E7.
pub async fn same_id_with_another_intent_is_refused(harness: &mut dyn Harness) {
    let log = harness.open().await;
    given_an_append_between_others(&*log).await;
    expect_reuse(&*log).await;
}

/// E7.
pub async fn same_id_with_another_intent_is_refused_after_reopening(harness: &mut dyn Harness) {
    let log = harness.open().await;
    given_an_append_between_others(&*log).await;
    let log = harness.reopen(log).await;
    expect_reuse(&*log).await;
}

/// E7.
pub async fn an_id_from_the_middle_of_an_append_begins_no_other(harness: &mut dyn Harness) {
    let log = harness.open().await;
    given_an_append_between_others(&*log).await;
    for expected in EXPECTATIONS {
        let refused = outcome(&*log, append(stream(1), expected, events([11, 12]))).await;
        assert_eq!(refused, Err(AppendError::IdReuse { id: event(11).id }), "{expected:?}");
    }
    assert_eq!(everything(&*log).await.len(), 7);
}

/// Stale, right and none, for a stream with six events.
const EXPECTATIONS: [Expected; 4] = [
    Expected::Empty,
    Expected::Revision(1),
    Expected::Revision(5),
    Expected::Any,
];

async fn given_an_append_between_others(log: &dyn EventLog) -> Vec<Arc<Recorded>> {
    write(log, stream(1), Expected::Empty, events([1, 2])).await;
    write(log, stream(2), Expected::Empty, events([3])).await;
    let original = write(log, stream(1), Expected::Revision(1), events([10, 11, 12])).await;
    write(log, stream(1), Expected::Revision(4), events([4])).await;
    original.events
}

async fn expect_the_original(log: &dyn EventLog, original: &[Arc<Recorded>]) {
    for expected in EXPECTATIONS {
        let again = append(stream(1), expected, events([10, 11, 12]));
        let answer = outcome(log, again).await.expect("the original");
        assert!(answer.replayed, "{expected:?}");
        assert_eq!(answer.events, original, "{expected:?}");
    }
    let newest = outcome(log, append(stream(1), Expected::Revision(4), events([4])))
        .await
        .expect("the original");
    assert_eq!((newest.replayed, revisions(&newest.events)), (true, vec![5]));
    assert_eq!(numbers(&everything(log).await), [1, 2, 3, 10, 11, 12, 4]);
}

async fn expect_reuse(log: &dyn EventLog) {
    for expected in EXPECTATIONS {
        let other = NewEvent {
            intent: [9; 16],
            ..event(10)
        };
        let refused = outcome(log, append(stream(1), expected, vec![other])).await;
        assert_eq!(refused, Err(AppendError::IdReuse { id: event(10).id }), "{expected:?}");
    }
    assert_eq!(numbers(&everything(log).await), [1, 2, 3, 10, 11, 12, 4]);
}
