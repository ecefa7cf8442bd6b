//! What is read: the one order, what was acknowledged, the same bytes, whole batches, page after page.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Harness, given::*};
use crate::{Damaged, EventLog, Expected, NewEvent, ReadError, StreamName};

/// E1, from the other side.
pub async fn a_reader_never_sees_part_of_a_batch(harness: &mut dyn Harness) {
    const BATCH: usize = 5;
    let log = harness.open().await;
    let writer = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            for batch in 0..60 {
                write(
                    &*log,
                    stream(1),
                    Expected::Any,
                    events((1..=BATCH as u128).map(|n| batch * 10 + n)),
                )
                .await;
            }
        }
    });
    let reading = async {
        while !writer.is_finished() {
            assert_eq!(all_of(&*log, &stream(1)).await.len() % BATCH, 0);
            assert_eq!(
                log.read_all(0, usize::MAX).await.expect("a page").events.len() % BATCH,
                0
            );
        }
    };
    timeout(PATIENCE, reading).await.expect("the writer ends");
    writer.await.expect("a writer");
    assert_eq!(all_of(&*log, &stream(1)).await.len(), 60 * BATCH);
}

/// E3.
pub async fn read_all_agrees_with_every_stream_order(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let calls = (1..=60).map(|n| {
        append(
            stream(n % 7),
            Expected::Any,
            events((0..n % 4 + 1).map(|part| n * 10 + part)),
        )
    });
    for outcome in log.append(calls.collect()).await {
        outcome.expect("taken");
    }
    let all = everything(&*log).await;
    assert!(all.is_sorted_by(|one, next| one.position < next.position));
    for n in 0..7 {
        let of_stream: Vec<_> = all.iter().filter(|event| event.stream == stream(n)).cloned().collect();
        assert_eq!(of_stream, all_of(&*log, &stream(n)).await);
        assert_eq!(revisions(&of_stream), (0..of_stream.len() as u64).collect::<Vec<_>>());
    }
}

/// E4.
pub async fn no_late_arrival(harness: &mut dyn Harness) {
    const WRITERS: u128 = 6;
    const APPENDS: u128 = 40;
    let log = harness.open().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for n in 0..APPENDS {
                    let number = (writer * APPENDS + n) * 10;
                    write(&*log, stream(number % 4), Expected::Any, events([number, number + 1])).await;
                }
            })
        })
        .collect();

    let (mut seen, mut checkpoint) = (Vec::new(), 0);
    let following = async {
        while seen.len() < (WRITERS * APPENDS * 2) as usize {
            let page = log.read_all(checkpoint, 5).await.expect("a page");
            assert!(
                page.events
                    .iter()
                    .all(|event| checkpoint < event.position && event.position <= page.scanned_to)
            );
            seen.extend(page.events);
            checkpoint = page.scanned_to;
        }
    };
    timeout(PATIENCE, following)
        .await
        .expect("every event is seen by a reader that only goes forward");
    for writer in writers {
        writer.await.expect("a writer");
    }
    assert_eq!(seen, everything(&*log).await);
}

/// E5.
pub async fn acknowledged_means_visible(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for n in 0..30 {
                    let appended = write(&*log, stream(writer % 3), Expected::Any, events([writer * 100 + n])).await;
                    expect_visible(&*log, &appended.events[0]).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("a writer");
    }
}

async fn expect_visible(log: &dyn EventLog, event: &Arc<crate::Recorded>) {
    let page = log
        .read_stream(&event.stream, event.revision, 1)
        .await
        .expect("a stream");
    assert_eq!(page.events, std::slice::from_ref(event));
    assert!(page.last_revision >= Some(event.revision));
    let page = log.read_all(event.position - 1, 1).await.expect("a page");
    assert_eq!(page.events, std::slice::from_ref(event));
    assert!(log.head().await.expect("a head").position >= event.position);
}

/// E9.
pub async fn bytes_come_back_identical(harness: &mut dyn Harness) {
    let log = harness.open().await;
    let to = StreamName::from_text("channel-ünïcode, not even a uuid");
    let sent = unusual_events();
    let appended = write(&*log, to.clone(), Expected::Empty, sent.clone()).await;
    let log = harness.reopen(log).await;

    let read = all_of(&*log, &to).await;
    assert_eq!(read, appended.events);
    assert_eq!(read, everything(&*log).await);
    for (read, sent) in read.iter().zip(&sent) {
        let micros = DateTime::from_timestamp_micros(sent.recorded_at.timestamp_micros()).expect("a date");
        assert_eq!(
            read.event,
            NewEvent {
                recorded_at: micros,
                ..sent.clone()
            }
        );
        assert_eq!(read.stream, to);
    }
}

fn unusual_events() -> Vec<NewEvent> {
    let now = event(0).recorded_at;
    vec![
        NewEvent {
            payload: (0..=u8::MAX).collect(),
            ..event(1)
        },
        NewEvent {
            payload: Bytes::new(),
            kind: "".into(),
            key: "".into(),
            ..event(2)
        },
        NewEvent {
            payload: vec![0; 100_000].into(),
            key: "\0 ' \" % 🦀".into(),
            ..event(3)
        },
        NewEvent {
            key: "k".repeat(64).into(),
            kind: "k".repeat(256).into(),
            version: u16::MAX,
            ..event(4)
        },
        NewEvent {
            id: Uuid::max(),
            actor: Uuid::nil(),
            request_id: Uuid::max(),
            intent: [0xff; 16],
            ..event(5)
        },
        NewEvent {
            recorded_at: now + TimeDelta::nanoseconds(123_456_789),
            ..event(6)
        },
        NewEvent {
            recorded_at: DateTime::UNIX_EPOCH - TimeDelta::microseconds(1),
            version: 0,
            ..event(7)
        },
        NewEvent {
            recorded_at: DateTime::UNIX_EPOCH - TimeDelta::nanoseconds(1),
            ..event(8)
        },
    ]
}

pub async fn pages_have_no_seam(harness: &mut dyn Harness) {
    let log = harness.open().await;
    for n in 0..23 {
        write(&*log, stream(n % 2), Expected::Any, events([n])).await;
    }
    let all = everything(&*log).await;
    let of_stream = all_of(&*log, &stream(1)).await;
    for limit in 1..=24 {
        let mut seen = Vec::new();
        while let page = log
            .read_all(seen.last().map_or(0, position), limit)
            .await
            .expect("a page")
            && !page.events.is_empty()
        {
            assert!(page.events.len() <= limit);
            seen.extend(page.events);
        }
        assert_eq!(seen, all);
        let mut seen = Vec::new();
        while let page = log
            .read_stream(&stream(1), seen.len() as u64, limit)
            .await
            .expect("a stream")
            && !page.events.is_empty()
        {
            assert!(page.events.len() <= limit);
            assert_eq!(page.last_revision, Some(10));
            seen.extend(page.events);
        }
        assert_eq!(seen, of_stream);
    }
    let beyond = log.read_all(all[22].position, 10).await.expect("a page");
    assert_eq!((beyond.events.len(), beyond.scanned_to), (0, all[22].position));
}

fn position(event: &Arc<crate::Recorded>) -> u64 {
    event.position
}

pub async fn a_stream_that_was_never_written_is_empty(harness: &mut dyn Harness) {
    let log = harness.open().await;
    write(&*log, stream(1), Expected::Any, events([1])).await;
    let page = log.read_stream(&stream(2), 0, 10).await.expect("a stream");
    assert_eq!((page.events.len(), page.last_revision), (0, None));
    let page = log.read_stream(&stream(1), 1, 10).await.expect("a stream");
    assert_eq!((page.events.len(), page.last_revision), (0, Some(0)));
}

/// A damaged event is its own stream's affair: the order goes on around it, and nothing of it is handed out.
pub async fn a_damaged_event_is_named_and_holds_up_no_other_stream(harness: &mut dyn Harness) {
    let log = harness.open().await;
    for n in 1..=6 {
        write(&*log, stream(n % 2), Expected::Any, events([n])).await;
    }
    let position = everything(&*log).await[2].position;
    let log = harness.damage(log, position).await;
    let page = log.read_all(0, 100).await.expect("a page");
    assert_eq!(numbers(&page.events), [1, 2, 4, 5, 6]);
    let place = Damaged {
        position,
        stream: Some(stream(1)),
        revision: Some(1),
    };
    assert_eq!(page.damaged, [place]);
    assert_eq!(page.scanned_to, page.events[4].position);
    assert_eq!(
        log.read_stream(&stream(1), 0, 100).await,
        Err(ReadError::Damaged { position })
    );
    assert_eq!(
        numbers(&log.read_stream(&stream(1), 0, 1).await.expect("what is before").events),
        [1]
    );
    assert_eq!(
        numbers(&log.read_stream(&stream(1), 2, 9).await.expect("what is after").events),
        [5]
    );
    assert_eq!(numbers(&all_of(&*log, &stream(0)).await), [2, 4, 6]);
}

/// However small the pages are.
pub async fn pages_and_tails_go_past_a_damaged_event(harness: &mut dyn Harness) {
    let log = harness.open().await;
    write(&*log, stream(1), Expected::Any, events(1..=5)).await;
    let position = everything(&*log).await[1].position;
    let log = harness.damage(log, position).await;
    let (mut read, mut after) = (Vec::new(), 0);
    while read.len() < 4 {
        let page = log.read_all(after, 1).await.expect("a page");
        assert_eq!(page.places(), 1);
        assert!(page.scanned_to > after, "a page goes forward");
        after = page.scanned_to;
        read.extend(page.events);
    }
    assert_eq!(numbers(&read), [1, 3, 4, 5]);
    let mut tail = Arc::clone(&log).tail(0);
    let (mut told, mut damaged) = (Vec::new(), Vec::new());
    while told.len() < 4 {
        let batch = timeout(PATIENCE, tail.next())
            .await
            .expect("in time")
            .expect("readable");
        told.extend(batch.events.iter().cloned());
        damaged.extend(batch.damaged);
    }
    assert_eq!(numbers(&told), [1, 3, 4, 5]);
    assert_eq!(
        damaged.iter().map(|place| place.position).collect::<Vec<_>>(),
        [position]
    );
}
