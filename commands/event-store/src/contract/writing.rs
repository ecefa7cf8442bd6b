//! Single writers: batches, revisions, expectations, and calls that bring many appends.

use super::{Harness, given::*};
use crate::{AppendError, Expected};

/// E1.
pub async fn a_batch_is_all_or_nothing(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let batch = write(&*log, stream(1), Expected::Empty, events(1..=3)).await;
    assert_eq!(numbers(&batch.events), [1, 2, 3]);

    let stale = append(stream(1), Expected::Revision(1), events(4..=6));
    assert_eq!(
        outcome(&*log, stale).await,
        Err(AppendError::Conflict { actual: Some(2) })
    );
    let used = append(stream(1), Expected::Revision(2), events([7, 8, 2]));
    assert_eq!(
        outcome(&*log, used).await,
        Err(AppendError::IdReuse { id: event(2).id })
    );
    let twice = append(stream(1), Expected::Revision(2), events([9, 10, 9]));
    assert_eq!(
        outcome(&*log, twice).await,
        Err(AppendError::IdReuse { id: event(9).id })
    );

    assert_eq!(numbers(&all_of(&*log, &stream(1)).await), [1, 2, 3]);
    assert_eq!(numbers(&everything(&*log).await), [1, 2, 3]);
}

/// E2.
pub async fn revisions_have_no_hole(harness: &mut dyn Harness) {
    let log = harness.open().await;
    write(&*log, stream(1), Expected::Empty, events([1])).await;
    let refused = append(stream(1), Expected::Empty, events(100..=105));
    outcome(&*log, refused).await.expect_err("the stream is not empty");
    write(&*log, stream(2), Expected::Any, events(200..=204)).await;
    write(&*log, stream(1), Expected::Revision(0), events(2..=71)).await;
    let refused = append(stream(1), Expected::Any, events([300, 71]));
    outcome(&*log, refused).await.expect_err("71 is there already");
    write(&*log, stream(1), Expected::Any, events(72..=80)).await;

    let read = all_of(&*log, &stream(1)).await;
    assert_eq!(numbers(&read), (1..=80).collect::<Vec<_>>());
    assert_eq!(revisions(&read), (0..80).collect::<Vec<_>>());
    assert_eq!(revisions(&all_of(&*log, &stream(2)).await), [0, 1, 2, 3, 4]);
}

pub async fn stale_revision_is_a_conflict_and_writes_nothing(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let nothing_there = append(stream(1), Expected::Revision(0), events([1]));
    assert_eq!(
        outcome(&*log, nothing_there).await,
        Err(AppendError::Conflict { actual: None })
    );

    write(&*log, stream(1), Expected::Empty, events([1, 2])).await;
    for expected in [
        Expected::Empty,
        Expected::Revision(0),
        Expected::Revision(2),
        Expected::Revision(u64::MAX),
    ] {
        let stale = append(stream(1), expected, events([3]));
        assert_eq!(
            outcome(&*log, stale).await,
            Err(AppendError::Conflict { actual: Some(1) }),
            "{expected:?}"
        );
    }
    assert_eq!(numbers(&everything(&*log).await), [1, 2]);
    let page = log.read_stream(&stream(1), 0, 10).await.expect("a stream");
    assert_eq!(page.last_revision, Some(1));
}

pub async fn one_conflict_among_many_streams_harms_no_other(harness: &mut dyn Harness) {
    let log = harness.open().await;
    write(&*log, stream(13), Expected::Empty, events([1])).await;
    write(&*log, stream(17), Expected::Empty, events([2])).await;

    let mut call: Vec<_> = (10..30)
        .map(|n| append(stream(n), Expected::Empty, events([n * 100, n * 100 + 1])))
        .collect();
    // And one that reuses an id for something else.
    call[7].expected = Expected::Any;
    call[7].events[0] = event(2);
    call[7].events[0].intent = [9; 16];
    let outcomes = log.append(call).await;

    for (n, outcome) in (10..30).zip(&outcomes) {
        match n {
            13 => assert_eq!(outcome, &Err(AppendError::Conflict { actual: Some(0) })),
            17 => assert_eq!(outcome, &Err(AppendError::IdReuse { id: event(2).id })),
            n => {
                let appended = outcome.as_ref().expect("no conflict here");
                assert_eq!(numbers(&appended.events), [n * 100, n * 100 + 1]);
                assert_eq!(all_of(&*log, &stream(n)).await, appended.events);
            }
        }
    }
    assert_eq!(numbers(&all_of(&*log, &stream(13)).await), [1]);
    assert_eq!(numbers(&all_of(&*log, &stream(17)).await), [2]);
    assert_eq!(everything(&*log).await.len(), 2 + 18 * 2);
}

pub async fn several_appends_to_one_stream_in_one_call(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let outcomes = log
        .append(vec![
            append(stream(1), Expected::Empty, events([1, 2])),
            append(stream(2), Expected::Any, events([3])),
            append(stream(1), Expected::Revision(1), events([4])),
            append(stream(1), Expected::Revision(1), events([5])),
            append(stream(1), Expected::Any, events([6])),
            append(stream(1), Expected::Revision(3), events([7, 8])),
        ])
        .await;
    assert_eq!(outcomes[3], Err(AppendError::Conflict { actual: Some(2) }));
    let taken = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
    assert_eq!(
        taken.flat_map(|appended| numbers(&appended.events)).collect::<Vec<_>>(),
        [1, 2, 3, 4, 6, 7, 8]
    );
    let read = all_of(&*log, &stream(1)).await;
    assert_eq!(numbers(&read), [1, 2, 4, 6, 7, 8]);
    assert_eq!(revisions(&read), [0, 1, 2, 3, 4, 5]);
}
