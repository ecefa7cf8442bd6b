//! Following the log: every event once, in order, wherever one begins and however slow one is.

use std::sync::Arc;

use tokio::time::timeout;

use super::{Harness, given::*};
use crate::{Expected, Recorded, Tail, tail::ANNOUNCED_BATCHES_MAX};

pub async fn tail_delivers_every_event_once_in_order(harness: &mut dyn Harness) {
    const WRITERS: u128 = 4;
    const APPENDS: u128 = 40;
    let log = harness.open().await;
    write(&*log, stream(1), Expected::Any, events([9_001, 9_002])).await;
    let mut tail = Arc::clone(&log).tail(0);
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for n in 0..APPENDS {
                    write(&*log, stream(n % 3), Expected::Any, events([writer * APPENDS + n])).await;
                }
            })
        })
        .collect();
    let seen = take(&mut tail, 2 + (WRITERS * APPENDS) as usize).await;
    for writer in writers {
        writer.await.expect("a writer");
    }
    assert_eq!(seen, everything(&*log).await);
    // It waits for more rather than repeat anything.
    write(&*log, stream(1), Expected::Any, events([9_003])).await;
    assert_eq!(numbers(&take(&mut tail, 1).await), [9_003]);
    assert_eq!(tail.position(), log.head().await.expect("a head").position);
}

pub async fn tail_from_the_middle_begins_there(harness: &mut dyn Harness) {
    let log = harness.open().await;
    for n in 1..=10 {
        write(&*log, stream(n % 3), Expected::Any, events([n])).await;
    }
    let all = everything(&*log).await;
    let mut from_middle = Arc::clone(&log).tail(all[5].position);
    let mut from_end = Arc::clone(&log).tail(all[9].position);
    write(&*log, stream(1), Expected::Any, events([11, 12])).await;
    assert_eq!(numbers(&take(&mut from_middle, 6).await), [7, 8, 9, 10, 11, 12]);
    assert_eq!(numbers(&take(&mut from_end, 2).await), [11, 12]);
}

pub async fn tail_that_falls_behind_misses_nothing(harness: &mut dyn Harness) {
    let log = harness.open().await;
    write(&*log, stream(1), Expected::Any, events([1])).await;
    let mut tail = Arc::clone(&log).tail(0);
    // It has caught up and listens, and then does not look for a long while.
    assert_eq!(numbers(&take(&mut tail, 1).await), [1]);
    let more = ANNOUNCED_BATCHES_MAX as u128 + 50;
    for n in 0..more {
        write(&*log, stream(n % 3), Expected::Any, events([10 + n])).await;
    }
    let seen = take(&mut tail, more as usize).await;
    assert_eq!(seen, everything(&*log).await[1..]);
}

/// Takes batches until there are `count` events, and checks what each says of itself.
async fn take(tail: &mut Tail, count: usize) -> Vec<Arc<Recorded>> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let batch = timeout(PATIENCE, tail.next())
            .await
            .expect("more events")
            .expect("a batch");
        assert!(
            batch
                .events
                .last()
                .is_some_and(|event| event.position <= batch.scanned_to)
        );
        assert_eq!(tail.position(), batch.scanned_to);
        seen.extend(batch.events.iter().cloned());
    }
    assert_eq!(seen.len(), count, "not more events than there are");
    seen
}
