//! The log that the first released format wrote. It is never written anew: whatever is released later must open it, check it, fold it
//! through every view, and know every key that was acknowledged in it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use domain::{
    Actor, Coded, Decider, EventId, Meta, channel::Channel, inbox::Inbox, report::Report, space::Space, user::User,
};
use event_store::{Append, EventLog, Expected, NewEvent, Recorded, SqliteLog, SqliteOptions, StreamName};
use projections::Views;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::world::replay;

const EVENTS: u64 = 332;
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/logs/released_1");

/// A copy, since opening leaves files beside it; the folder lives as long as the copy is needed.
pub(crate) fn fixture() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("log.sqlite");
    std::fs::copy(format!("{GOLDEN}.sqlite"), &copy).expect("copied");
    (folder, copy)
}

/// As the service finds it at its start.
async fn opened() -> (TempDir, Arc<SqliteLog>) {
    let (folder, copy) = fixture();
    migrations::migrate_log(&copy)
        .await
        .expect("it can be brought to today's schema");
    let log = SqliteLog::open(SqliteOptions::new(copy)).expect("a log");
    (folder, log)
}

async fn all(log: &SqliteLog) -> Vec<Arc<Recorded>> {
    let page = log.read_all(0, 10_000).await.expect("readable");
    assert!(page.damaged.is_empty());
    page.events
}

/// Folds everything into new views, and tells what each of them put aside.
async fn folded(folder: &Path, log: &Arc<SqliteLog>) -> BTreeMap<&'static str, u64> {
    const PATIENCE: Duration = Duration::from_secs(60);
    let head = log.head().await.expect("a head");
    let views = Views::open(&folder.join("views"), &head).await.expect("views");
    let running = views.start(log.clone());
    assert!(views.wait_for(head.position, PATIENCE).await);
    running.stop().await.expect("stopped");
    views
        .status()
        .into_iter()
        .map(|view| (view.name, view.parked))
        .collect()
}

#[tokio::test]
async fn the_log_of_the_first_release_opens_and_is_whole() {
    let (folder, log) = opened().await;
    assert_eq!(log.head().await.expect("a head").position, EVENTS);
    drop(log);
    let data = folder.path().to_string_lossy().into_owned();
    let told = replay(&["verify", "--data-dir", &data]).is(0).out;
    assert!(told.contains("332 events in 29 streams: whole"), "{told}");
}

#[tokio::test]
async fn what_it_says_is_what_its_text_says() {
    let (_folder, log) = opened().await;
    let text = std::fs::read_to_string(format!("{GOLDEN}.jsonl")).expect("the text");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let events = all(&log).await;
    assert_eq!((events.len() as u64, lines.len() as u64), (EVENTS, EVENTS));
    for (recorded, line) in events.iter().zip(lines) {
        let event = &recorded.event;
        let payload: Value = serde_json::from_slice(&event.payload).expect("JSON");
        let at: chrono::DateTime<chrono::Utc> = serde_json::from_value(line["recorded_at"].clone()).expect("a time");
        assert_eq!(
            (recorded.position, recorded.revision, recorded.stream.as_str()),
            (
                line["position"].as_u64().expect("a number"),
                line["revision"].as_u64().expect("a number"),
                line["stream"].as_str().expect("text")
            )
        );
        assert_eq!(
            (&line["type"], &line["version"]),
            (&(*event.kind).into(), &event.version.into())
        );
        assert_eq!(
            (&line["id"], &line["actor"]),
            (&event.id.to_string().into(), &event.actor.to_string().into())
        );
        assert_eq!(
            (&line["key"], &line["payload"], at),
            (&(*event.key).into(), &payload, event.recorded_at)
        );
    }
}

#[tokio::test]
async fn every_view_folds_all_of_it() {
    let (folder, log) = opened().await;
    let parked = folded(folder.path(), &log).await;
    assert_eq!(parked.len(), projections::ALL.len());
    assert!(parked.values().all(|parked| *parked == 0), "{parked:?}");
    drop(log);
    let data = folder.path().to_string_lossy().into_owned();
    let report = replay(&["verify", "--data-dir", &data, "--format", "json"])
        .is(0)
        .json()
        .remove(0);
    for view in ["timeline", "channel_list", "directory", "reports", "audit"] {
        let rows = report["views"]
            .as_array()
            .expect("views")
            .iter()
            .find(|found| found["projection"] == view);
        assert!(
            rows.is_some_and(|found| found["rows"].as_u64() > Some(0)),
            "{view} is empty: {report}"
        );
    }
}

#[tokio::test]
async fn every_key_that_was_acknowledged_is_known_to_the_log_and_to_the_rules() {
    let (_folder, log) = opened().await;
    let events = all(&log).await;
    // The events of one command were appended together.
    let together = |a: &Arc<Recorded>, b: &Arc<Recorded>| {
        (&a.stream, &a.event.actor, &a.event.key) == (&b.stream, &b.event.actor, &b.event.key)
    };
    for command in events.chunk_by(together) {
        let append = Append {
            stream: command[0].stream.clone(),
            expected: Expected::Any,
            events: command.iter().map(|recorded| recorded.event.clone()).collect(),
        };
        let again = log.append(vec![append]).await.remove(0).expect("the original result");
        assert!(
            again.replayed && again.events == command,
            "position {}",
            command[0].position
        );
    }
    assert_eq!(log.head().await.expect("a head").position, EVENTS);
    let mut streams: BTreeMap<&StreamName, Vec<&Recorded>> = BTreeMap::new();
    for recorded in &events {
        streams.entry(&recorded.stream).or_default().push(recorded);
    }
    for (stream, events) in streams {
        match stream.category() {
            User::CATEGORY => knows_all::<User>(&events),
            Space::CATEGORY => knows_all::<Space>(&events),
            Channel::CATEGORY => knows_all::<Channel>(&events),
            Report::CATEGORY => knows_all::<Report>(&events),
            // Of these only the newest are known by their keys, and only have to be.
            Inbox::CATEGORY | "audit" => {}
            other => panic!("nothing was released in {other}"),
        }
    }
}

fn knows_all<D: Decider>(events: &[&Recorded]) {
    let mut state = D::State::default();
    for recorded in events {
        let stored = &recorded.event;
        let event = D::Event::decode(&stored.kind, stored.version, &stored.payload).expect("it can be read");
        let meta = Meta {
            id: EventId::from(stored.id),
            revision: recorded.revision,
            actor: Actor::from_uuid(stored.actor),
            at: stored.recorded_at,
        };
        D::evolve(&mut state, &event, &meta);
    }
    for recorded in events {
        let seen = D::seen(&state, EventId::from(recorded.event.id));
        assert_eq!(seen, Some(recorded.revision), "position {}", recorded.position);
    }
}

#[tokio::test]
async fn events_of_a_later_version_are_put_aside_and_hold_up_nobody_else() {
    let (folder, log) = opened().await;
    let events = all(&log).await;
    let of_channels: Vec<_> = events
        .iter()
        .filter(|recorded| &*recorded.event.kind == "channel.created")
        .collect();
    let (one, other) = (&of_channels[0].stream, &of_channels[1].stream);
    let like = events
        .iter()
        .find(|recorded| &*recorded.event.kind == "message.sent")
        .expect("a message");
    let write = async |stream: &StreamName, number: u128, kind: &str, version: u16, payload: &'static [u8]| {
        let event = NewEvent {
            id: Uuid::from_u128(number),
            kind: kind.into(),
            version,
            payload: payload.into(),
            ..like.event.clone()
        };
        let append = Append {
            stream: stream.clone(),
            expected: Expected::Any,
            events: vec![event],
        };
        log.append(vec![append]).await.remove(0).expect("appended");
    };
    write(one, 1, "message.sung", 1, b"{}").await;
    write(one, 2, "message.sent", 1, b"{}").await;
    write(other, 3, "channel.updated", 9_999, b"{}").await;
    let unknown = StreamName::new("weather", Uuid::from_u128(4));
    write(&unknown, 4, "rain.fell", 1, b"not even JSON").await;
    let parked = folded(folder.path(), &log).await;
    // The one that follows an unread event in its stream waits behind it. Nobody folds the weather.
    assert_eq!((parked["timeline"], parked["directory"]), (3, 0), "{parked:?}");
    drop(log);
    let data = folder.path().to_string_lossy().into_owned();
    let report = replay(&["verify", "--data-dir", &data, "--format", "json"])
        .is(3)
        .json()
        .remove(0);
    let findings = report["findings"].as_array().expect("findings");
    assert_eq!(
        findings.iter().filter(|found| found["what"] == "unreadable").count(),
        4,
        "{report}"
    );
    assert_eq!(findings.len(), 4);
}
