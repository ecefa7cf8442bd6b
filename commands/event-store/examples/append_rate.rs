//! How fast the SQLite log takes appends, beside a bare loop of inserts with the same batches on the same table and settings, in
//! alternation. Ratios within one run mean something; absolute figures only do on the machine they come from.
//!
//! `cargo run --release -p event-store --example append_rate [seconds per measurement] [alternations]`

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use event_store::{Append, CommitStats, EventLog, Expected, NewEvent, SqliteLog, SqliteOptions, StreamName};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// Producers, and events of each of their appends.
const SHAPES: [(usize, usize); 6] = [(1, 1), (16, 1), (64, 1), (256, 1), (1024, 1), (8, 64)];
const STREAMS: usize = 200;
const PAYLOAD: &[u8] = &[b'x'; 300];

#[derive(Debug, Clone, Copy)]
struct Rate {
    events: f64,
    commits: f64,
}

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u64>().expect("a number"));
    let time = Duration::from_secs(numbers.next().unwrap_or(3));
    let alternations = numbers.next().unwrap_or(2);
    println!(
        "{:>9} {:>6} {:>13} {:>11} {:>10} {:>13} {:>6}",
        "producers", "batch", "log events/s", "commits/s", "per commit", "bare events/s", "ratio"
    );
    for (producers, batch) in SHAPES {
        for _ in 0..alternations {
            let log = log_rate(producers, batch, time).await;
            let per_commit = (log.events / log.commits).round().max(1.0);
            let bare = bare_rate(per_commit as usize, time).await;
            let ratio = log.events / bare.events;
            println!(
                "{producers:>9} {batch:>6} {:>13.0} {:>11.0} {per_commit:>10.0} {:>13.0} {ratio:>6.2}",
                log.events, log.commits, bare.events
            );
        }
    }
}

/// Each producer appends to a stream, waits for the answer and goes on.
async fn log_rate(producers: usize, batch: usize, time: Duration) -> Rate {
    let (_folder, path) = new_log().await;
    let (commits, events) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let count = {
        let (commits, events) = (Arc::clone(&commits), Arc::clone(&events));
        move |stats: CommitStats| {
            commits.fetch_add(1, Ordering::Relaxed);
            events.fetch_add(stats.events as u64, Ordering::Relaxed);
        }
    };
    let options = SqliteOptions {
        on_commit: Some(Arc::new(count)),
        ..SqliteOptions::new(&path)
    };
    let log = SqliteLog::open(options).expect("a log");
    let over = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let producing: Vec<_> = (0..producers)
        .map(|producer| tokio::spawn(produce(Arc::clone(&log), producer, batch, Arc::clone(&over))))
        .collect();
    tokio::time::sleep(time).await;
    over.store(true, Ordering::Relaxed);
    for producer in producing {
        producer.await.expect("a producer");
    }
    rate(&events, &commits, begun.elapsed())
}

async fn produce(log: Arc<SqliteLog>, producer: usize, batch: usize, over: Arc<AtomicBool>) {
    let mut number = producer as u128 * 1_000_000_000;
    while !over.load(Ordering::Relaxed) {
        let stream = StreamName::new("channel", Uuid::from_u128((producer % STREAMS) as u128));
        let events = (0..batch as u128).map(|place| event(number + place)).collect();
        number += batch as u128;
        let outcomes = log
            .append(vec![Append {
                stream,
                expected: Expected::Any,
                events,
            }])
            .await;
        assert!(outcomes[0].is_ok(), "{:?}", outcomes[0]);
    }
}

/// What any program would do without a log around it: begin, insert row after row with a prepared statement, commit.
async fn bare_rate(batch: usize, time: Duration) -> Rate {
    let (_folder, path) = new_log().await;
    tokio::task::spawn_blocking(move || insert_in_a_loop(&path, batch, time))
        .await
        .expect("a loop")
}

fn insert_in_a_loop(path: &Path, batch: usize, time: Duration) -> Rate {
    let connection = Connection::open(path).expect("a connection");
    connection
        .execute_batch("pragma journal_mode = wal; pragma synchronous = full")
        .expect("settings");
    connection
        .execute_batch(&format!(
            "pragma wal_autocheckpoint = {}",
            SqliteOptions::WAL_AUTOCHECKPOINT
        ))
        .expect("settings");
    let columns = "position, stream, revision, event_id, part, kind, version, actor, key, intent, request_id, recorded_at, payload, checksum";
    let sql = format!("insert into events ({columns}) values (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, 0)");
    let mut insert = connection.prepare(&sql).expect("a statement");
    let (mut position, mut commits) = (0u64, 0u64);
    let begun = Instant::now();
    while begun.elapsed() < time {
        connection.execute_batch("begin immediate").expect("begun");
        for _ in 0..batch {
            position += 1;
            let (stream, revision) = (position as usize % STREAMS, position / STREAMS as u64);
            let event = event(u128::from(position));
            insert
                .execute(params![
                    position.cast_signed(),
                    stream as i64,
                    revision.cast_signed(),
                    event.id.as_bytes(),
                    &*event.kind,
                    event.version,
                    event.actor.as_bytes(),
                    &*event.key,
                    event.intent,
                    event.request_id.as_bytes(),
                    event.recorded_at.timestamp_micros(),
                    &*event.payload,
                ])
                .expect("inserted");
        }
        connection
            .execute("update head set position = ?", [position.cast_signed()])
            .expect("moved");
        connection.execute_batch("commit").expect("committed");
        commits += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    Rate {
        events: position as f64 / seconds,
        commits: commits as f64 / seconds,
    }
}

fn rate(events: &AtomicU64, commits: &AtomicU64, time: Duration) -> Rate {
    let per_second = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64 / time.as_secs_f64();
    Rate {
        events: per_second(events),
        commits: per_second(commits),
    }
}

/// Ids as random as the derived ones are.
fn event(number: u128) -> NewEvent {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_le_bytes());
    NewEvent {
        id,
        kind: "message.sent".into(),
        version: 1,
        actor: id,
        key: "0198c7a2-6f0e-7d4b-8c3c-8e550d6f7a21".into(),
        intent: *id.as_bytes(),
        request_id: id,
        recorded_at: chrono::DateTime::UNIX_EPOCH,
        payload: PAYLOAD.into(),
    }
}

async fn new_log() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.db");
    migrations::migrate_log(&path).await.expect("a migrated log");
    (folder, path)
}
