//! The first week of a small town, kept as a file, folded through every view: however it is cut and wherever it is interrupted, the
//! tables must come out as the other file says. `UPDATE_GOLDEN=1` writes both anew.
#![allow(clippy::unwrap_used)]

mod world;

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use event_store::{Append, EventLog, Expected, MemoryLog, NewEvent, Recorded, StreamName};
use projections::{ALL, Operation, ProjectionState, ProjectionStatus, Promote};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use world::{PATIENCE, at_once, dump, fold_all, open};

/// An event of the log as a line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    position: u64,
    stream: String,
    revision: u64,
    id: Uuid,
    #[serde(rename = "type")]
    kind: String,
    version: u16,
    actor: Uuid,
    key: String,
    recorded_at: DateTime<Utc>,
    payload: Box<RawValue>,
}

#[tokio::test]
async fn every_batch_size_gives_the_tables_of_the_golden_file() {
    let log = golden_log().await;
    let expected = golden_tables(&log).await;
    for batch_events_max in [1, 3, 7, 1000] {
        let folder = tempfile::tempdir().unwrap();
        fold_all(folder.path(), &log, batch_events_max).await;
        assert_eq!(dump(folder.path()).await, expected, "in batches of {batch_events_max}");
    }
}

#[tokio::test]
async fn folding_twice_in_the_same_views_changes_nothing() {
    let log = golden_log().await;
    let expected = golden_tables(&log).await;
    let folder = tempfile::tempdir().unwrap();
    fold_all(folder.path(), &log, 7).await;
    fold_all(folder.path(), &log, 7).await;
    assert_eq!(dump(folder.path()).await, expected);
}

#[tokio::test]
async fn a_fold_interrupted_anywhere_goes_on_from_its_checkpoint() {
    let log = golden_log().await;
    let expected = golden_tables(&log).await;
    let events = log.read_all(0, usize::MAX).await.unwrap().events;
    for cut in [1, events.len() / 3, events.len() / 2, events.len() - 1] {
        let folder = tempfile::tempdir().unwrap();
        // The log as it was then, under the identity it has: a memory log hands out its own, so it is grown instead of copied.
        let growing = MemoryLog::new();
        append_all(&growing, &events[..cut]).await;
        fold_all(folder.path(), &growing, 3).await;
        append_all(&growing, &events[cut..]).await;
        fold_all(folder.path(), &growing, 3).await;
        assert_eq!(dump(folder.path()).await, expected, "cut after {cut}");
    }
}

#[tokio::test]
async fn a_runner_killed_at_work_leaves_views_that_go_on_to_the_same_tables() {
    let log = golden_log().await;
    let expected = golden_tables(&log).await;
    let head = log.head().await.unwrap().position;
    let folder = tempfile::tempdir().unwrap();
    let mut interrupted = 0;
    for kill_at in (1..head).step_by(head as usize / 20) {
        let views = open(folder.path(), &log).await;
        let running = views.start_with(log.clone(), at_once(1));
        assert!(views.wait_for(kill_at, PATIENCE).await);
        drop(running);
        interrupted += u32::from(views.position() < head);
    }
    assert!(interrupted > 0, "every kill came after the end");
    fold_all(folder.path(), &log, 1000).await;
    assert_eq!(dump(folder.path()).await, expected);
}

#[tokio::test]
async fn a_rebuild_of_every_view_beside_live_folding_comes_to_the_same_tables() {
    let log = golden_log().await;
    let expected = golden_tables(&log).await;
    let events = log.read_all(0, usize::MAX).await.unwrap().events;
    let growing = MemoryLog::new();
    append_all(&growing, &events[..events.len() / 2]).await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &growing).await;
    let running = views.start_with(growing.clone(), at_once(5));
    let rebuild = Operation::Rebuild {
        promote: Promote::WhenEqual,
        events_per_s: Some(2000),
    };
    for projection in ALL {
        views.operate(projection.name, rebuild).await.unwrap();
    }
    for event in &events[events.len() / 2..] {
        append(&growing, &event.stream, event.event.clone()).await;
        tokio::task::yield_now().await;
    }
    let rebuilt = |status: &ProjectionStatus| status.generation == 2 && status.state == ProjectionState::Serving;
    let all = async {
        while views.status().iter().filter(|status| rebuilt(status)).count() < ALL.len() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    assert!(views.wait_for(growing.head().await.unwrap().position, PATIENCE).await);
    running.stop().await.unwrap();
    assert_eq!(dump(folder.path()).await, expected);
}

#[tokio::test]
async fn the_golden_log_is_what_the_first_week_writes() {
    let week = world::first_week().await;
    let written = week.log.read_all(0, usize::MAX).await.unwrap().events;
    assert_eq!(
        lines(&written),
        std::fs::read_to_string(golden_file("jsonl").await).unwrap()
    );
}

#[tokio::test]
async fn the_golden_file_has_rows_in_every_table_of_every_projection() {
    let log = golden_log().await;
    let tables: serde_json::Value = serde_json::from_str(&golden_tables(&log).await).unwrap();
    for table in ALL.iter().flat_map(|projection| projection.tables) {
        let table = table.name;
        assert_ne!(tables[table].as_array().map(Vec::len).unwrap_or(0), 0, "{table}");
    }
}

#[tokio::test]
async fn the_golden_log_has_every_kind_of_event() {
    use domain::Coded as _;
    let events = golden_log().await.read_all(0, usize::MAX).await.unwrap().events;
    let kinds = [
        domain::user::Event::KINDS,
        domain::space::Event::KINDS,
        domain::channel::Event::KINDS,
        domain::inbox::Event::KINDS,
        domain::report::Event::KINDS,
        domain::audit::Event::KINDS,
    ];
    for (kind, version) in kinds.concat() {
        let found = events
            .iter()
            .any(|recorded| &*recorded.event.kind == kind && recorded.event.version == version);
        assert!(found, "{kind} version {version}");
    }
}

/// One rewrite a process, before anyone reads; the tests of this file run at the same time.
async fn golden_file(extension: &str) -> PathBuf {
    static REWRITTEN: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
    let file = |extension| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/golden/logs/first_week")
            .with_extension(extension)
    };
    REWRITTEN
        .get_or_init(|| async {
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                let week = world::first_week().await;
                let folder = tempfile::tempdir().unwrap();
                fold_all(folder.path(), &week.log, 1).await;
                std::fs::write(
                    file("jsonl"),
                    lines(&week.log.read_all(0, usize::MAX).await.unwrap().events),
                )
                .unwrap();
                std::fs::write(file("expected.json"), dump(folder.path()).await).unwrap();
            }
        })
        .await;
    file(extension)
}

async fn golden_tables(log: &Arc<MemoryLog>) -> String {
    assert_ne!(log.head().await.unwrap().position, 0);
    std::fs::read_to_string(golden_file("expected.json").await).unwrap()
}

async fn golden_log() -> Arc<MemoryLog> {
    let text = std::fs::read_to_string(golden_file("jsonl").await).unwrap();
    let log = MemoryLog::new();
    for line in text.lines() {
        let line: Line = serde_json::from_str(line).unwrap();
        let (position, revision) = (line.position, line.revision);
        let appended = append(&log, &StreamName::from_text(&line.stream), line.event()).await;
        assert_eq!((appended.position, appended.revision), (position, revision));
    }
    log
}

async fn append_all(log: &Arc<MemoryLog>, events: &[Arc<Recorded>]) {
    for recorded in events {
        append(log, &recorded.stream, recorded.event.clone()).await;
    }
}

async fn append(log: &Arc<MemoryLog>, stream: &StreamName, event: NewEvent) -> Arc<Recorded> {
    let append = Append {
        stream: stream.clone(),
        expected: Expected::Any,
        events: vec![event],
    };
    log.append(vec![append]).await.remove(0).unwrap().events.remove(0)
}

fn lines(events: &[Arc<Recorded>]) -> String {
    events
        .iter()
        .map(|recorded| serde_json::to_string(&Line::of(recorded)).unwrap() + "\n")
        .collect()
}

impl Line {
    fn of(recorded: &Recorded) -> Self {
        let event = &recorded.event;
        Self {
            position: recorded.position,
            stream: recorded.stream.as_str().to_owned(),
            revision: recorded.revision,
            id: event.id,
            kind: event.kind.to_string(),
            version: event.version,
            actor: event.actor,
            key: event.key.to_string(),
            recorded_at: event.recorded_at,
            payload: serde_json::from_slice(&event.payload).unwrap(),
        }
    }

    fn event(self) -> NewEvent {
        NewEvent {
            id: self.id,
            kind: self.kind.into(),
            version: self.version,
            actor: self.actor,
            key: self.key.into(),
            intent: [0; 16],
            request_id: Uuid::nil(),
            recorded_at: self.recorded_at,
            payload: self.payload.get().as_bytes().to_vec().into(),
        }
    }
}
