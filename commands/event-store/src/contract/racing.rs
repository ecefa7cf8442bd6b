//! Many writers at once: one winner where there can be only one, nothing lost where all may win, and one order for everyone.

use std::sync::Arc;

use tokio::sync::Barrier;

use super::{Harness, given::*};
use crate::{AppendError, Expected};

/// E10.
pub async fn of_racing_exact_appends_exactly_one_wins(harness: &mut dyn Harness) {
    const WRITERS: u128 = 16;
    const ROUNDS: u64 = 15;
    let log = harness.open().await;
    for round in 0..ROUNDS {
        let start = Arc::new(Barrier::new(WRITERS as usize));
        let racers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (log, start) = (Arc::clone(&log), Arc::clone(&start));
                let number = u128::from(round) * 100 + writer;
                let append = append(stream(1), Expected::after(round), events([number]));
                tokio::spawn(async move {
                    start.wait().await;
                    outcome(&*log, append).await
                })
            })
            .collect();
        let mut winners = 0;
        for racer in racers {
            match racer.await.expect("a writer") {
                Ok(appended) => {
                    assert!(!appended.replayed);
                    assert_eq!(revisions(&appended.events), [round]);
                    winners += 1;
                }
                Err(lost) => assert_eq!(lost, AppendError::Conflict { actual: Some(round) }),
            }
        }
        assert_eq!(winners, 1);
    }
    assert_eq!(revisions(&everything(&*log).await), (0..ROUNDS).collect::<Vec<_>>());
}

/// E11.
pub async fn an_append_without_expectation_loses_nothing(harness: &mut dyn Harness) {
    const WRITERS: u128 = 8;
    const APPENDS: u128 = 25;
    let log = harness.open().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for n in 0..APPENDS {
                    write(&*log, stream(1), Expected::Any, events([writer * APPENDS + n])).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("a writer");
    }
    let mut stored = numbers(&all_of(&*log, &stream(1)).await);
    stored.sort_unstable();
    assert_eq!(stored, (0..WRITERS * APPENDS).collect::<Vec<_>>());
}

/// E3 and E4: what one writer has been told is in the log before what it writes next, and a later acknowledgement that was awaited
/// after an earlier one never has the lower position.
pub async fn racing_writers_never_reorder_the_log(harness: &mut dyn Harness) {
    const WRITERS: u128 = 8;
    const APPENDS: u128 = 30;
    let log = harness.open().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut positions = Vec::new();
                for n in 0..APPENDS {
                    let to = stream((writer + n) % 5);
                    let appended = write(&*log, to, Expected::Any, events([writer * APPENDS + n])).await;
                    positions.push(appended.events[0].position);
                }
                positions
            })
        })
        .collect();
    for writer in writers {
        let positions = writer.await.expect("a writer");
        assert!(positions.is_sorted_by(|one, next| one < next));
    }
    let all = everything(&*log).await;
    assert_eq!(all.len(), (WRITERS * APPENDS) as usize);
    for writer in 0..WRITERS {
        let own: Vec<_> = numbers(&all)
            .into_iter()
            .filter(|number| number / APPENDS == writer)
            .collect();
        assert!(own.is_sorted());
    }
}
