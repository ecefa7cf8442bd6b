//! What stays when the process does not: the events, the head and the name of the log.

use super::{Harness, given::*};
use crate::Expected;

pub async fn reopening_keeps_everything(harness: &mut dyn Harness) {
    let log = harness.open().await;
    for n in 0..20 {
        write(&*log, stream(n % 3), Expected::Any, events([n * 10, n * 10 + 1])).await;
    }
    let (before, head) = (everything(&*log).await, log.head().await.expect("a head"));

    let log = harness.reopen(log).await;
    assert_eq!(everything(&*log).await, before);
    assert_eq!(log.head().await.expect("a head"), head);
    // And it goes on where it ended.
    let last = all_of(&*log, &stream(1)).await.len() as u64 - 1;
    let next = write(&*log, stream(1), Expected::Revision(last), events([999])).await;
    assert!(next.events[0].position > head.position);
    let log = harness.reopen(log).await;
    assert_eq!(everything(&*log).await, [before, next.events].concat());
}

/// E13.
pub async fn the_log_has_one_identity_for_ever(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let identity = log.head().await.expect("a head").identity;
    write(&*log, stream(1), Expected::Any, events([1])).await;
    assert_eq!(log.head().await.expect("a head").identity, identity);
    let log = harness.reopen(log).await;
    assert_eq!(log.head().await.expect("a head").identity, identity);
    let another = harness.open().await;
    assert_ne!(another.head().await.expect("a head").identity.id, identity.id);
}

pub async fn the_head_is_the_newest_position(harness: &mut dyn Harness) {
    let log = harness.open().await;
    assert_eq!(log.head().await.expect("a head").position, 0);
    let appended = write(&*log, stream(1), Expected::Any, events([1, 2, 3])).await;
    let newest = appended.events[2].position;
    assert_eq!(log.head().await.expect("a head").position, newest);
    let again = append(stream(1), Expected::Any, events([1, 2, 3]));
    assert!(outcome(&*log, again).await.expect("the original").replayed);
    assert_eq!(log.head().await.expect("a head").position, newest);
}
