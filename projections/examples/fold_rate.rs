//! How fast the views fold, each and all together: `cargo run --release -p projections --example fold_rate -- [events] [batch]`.
//! The log is in memory, so that only decoding and the views are measured.
#![allow(clippy::unwrap_used, reason = "a measurement may stop at the first surprise")]

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::{
    ChannelId, Coded, Decider, EventId, MessageBody, MessageId, UserId,
    channel::{self, Channel},
    inbox::{self, Inbox},
};
use event_store::{Append, EventLog, Expected, MemoryLog, NewEvent, StreamName};
use projections::{ALL, Options, Views};
use prometheus_client::{encoding::text::encode, registry::Registry};
use uuid::Uuid;

const CHANNELS: u64 = 20;
const PEOPLE: u64 = 100;
const BODY_CHARS: usize = 200;
/// Of a hundred events, roughly as people write: mostly messages, some marks, edits and deletions.
const MARKS: u64 = 8;
const EDITS: u64 = 3;
const DELETIONS: u64 = 1;

#[tokio::main]
async fn main() {
    let events: u64 = std::env::args().nth(1).map_or(200_000, |count| count.parse().unwrap());
    let log = MemoryLog::new();
    for batch in 0..events.div_ceil(256) {
        let appends = (batch * 256..events.min((batch + 1) * 256)).map(nth_event).collect();
        log.append(appends)
            .await
            .into_iter()
            .for_each(|result| drop(result.unwrap()));
    }
    let folder = tempfile::tempdir().unwrap();
    let views = Views::open(folder.path(), &log.head().await.unwrap()).await.unwrap();
    let started = Instant::now();
    let options = std::env::args().nth(2).map(|count| Options {
        batch_events_max: count.parse().unwrap(),
        ..Options::default()
    });
    let running = views.start_with(log.clone(), options.unwrap_or_default());
    assert!(views.wait_for(events, Duration::from_secs(3600)).await);
    let took = started.elapsed().as_secs_f64();
    running.stop().await.unwrap();
    report(&views, events, took);
    let bytes: u64 = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    println!("{:<14} {:>9} bytes/event on disk", "", bytes / events);
    pages(&views).await;
}

fn report(views: &Views, events: u64, took: f64) {
    let mut registry = Registry::default();
    views.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    for projection in ALL {
        let name = projection.name;
        let sum = format!("projection_apply_duration_seconds_sum{{projection=\"{name}\"}} ");
        let seconds: f64 = text
            .lines()
            .find_map(|line| line.strip_prefix(&sum))
            .unwrap()
            .parse()
            .unwrap();
        println!("{name:<14} {:>9.0} events/s", events as f64 / seconds);
    }
    println!("{:<14} {:>9.0} events/s", "all together", events as f64 / took);
}

/// A page near the end and one in the depth of the longest channel.
async fn pages(views: &Views) {
    for anchor in [projections::Anchor::Latest, projections::Anchor::Before(500)] {
        let started = Instant::now();
        for _ in 0..200 {
            views.timeline.page(channel_id(0), 1, anchor, 50).await.unwrap();
        }
        println!(
            "{anchor:<14?} {:>9.0} us a page of 50",
            started.elapsed().as_secs_f64() * 1e6 / 200.0
        );
    }
}

fn nth_event(number: u64) -> Append {
    let who = UserId::from_u128(u128::from(number.wrapping_mul(0x9e37_79b9) % PEOPLE) + 1);
    let channel = channel_id(number % CHANNELS);
    match number % 100 {
        kind if kind < MARKS => {
            let read = inbox::Event::Read(inbox::Read {
                channel,
                seq: number / CHANNELS,
            });
            append(Inbox::CATEGORY, who.uuid(), who, number, &read)
        }
        kind if kind < MARKS + EDITS => {
            let edited = channel::Edited {
                message: earlier(number),
                seq: None,
                version: 2,
                body: body(number),
                mentions: vec![],
            };
            append(
                Channel::CATEGORY,
                channel.uuid(),
                who,
                number,
                &channel::Event::Edited(edited),
            )
        }
        kind if kind < MARKS + EDITS + DELETIONS => {
            let deleted = channel::Deleted {
                message: earlier(number),
                author: None,
                reason: None,
            };
            append(
                Channel::CATEGORY,
                channel.uuid(),
                who,
                number,
                &channel::Event::Deleted(deleted),
            )
        }
        _ => {
            let message = MessageId::from(id(number));
            let sent = channel::Sent {
                message,
                body: body(number),
                reply_to: None,
                reply_to_author: None,
                thread: None,
                depth: 0,
                mentions: vec![],
            };
            append(
                Channel::CATEGORY,
                channel.uuid(),
                who,
                number,
                &channel::Event::Sent(sent),
            )
        }
    }
}

fn append<E: Coded>(category: &str, stream: Uuid, actor: UserId, number: u64, event: &E) -> Append {
    let new = NewEvent {
        id: id(number).uuid(),
        kind: event.kind().into(),
        version: event.version(),
        actor: actor.uuid(),
        key: "k".into(),
        intent: [0; 16],
        request_id: Uuid::nil(),
        recorded_at: DateTime::<Utc>::from_timestamp_micros(1_700_000_000_000_000 + number.cast_signed()).unwrap(),
        payload: event.encode().into(),
    };
    Append {
        stream: StreamName::new(category, stream),
        expected: Expected::Any,
        events: vec![new],
    }
}

/// Random in appearance, as ids of events are.
fn id(number: u64) -> EventId {
    EventId::from(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()))
}

/// A message of the same channel, somewhat earlier.
fn earlier(number: u64) -> MessageId {
    MessageId::from(id(number.saturating_sub(CHANNELS * 5)))
}

fn channel_id(number: u64) -> ChannelId {
    ChannelId::from(Uuid::new_v5(&Uuid::NAMESPACE_URL, &number.to_be_bytes()))
}

fn body(number: u64) -> MessageBody {
    MessageBody::parse(&format!("{number:0BODY_CHARS$}")).unwrap()
}
