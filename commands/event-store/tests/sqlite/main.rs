//! What only the SQLite log can promise: damage is found, one writer at a time, a full disk passes, and a killed process loses nothing.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::DateTime;
use event_store::{
    Append, AppendError, Appended, CommitStats, EventLog, Expected, LogLock, NewEvent, OpenError, ReadError, SqliteLog,
    SqliteOptions, StreamName, UnavailableReason,
};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

mod agreement;
mod damage;
mod kill;
mod opening;
mod read_only;
mod writing;

async fn new_log() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("log.db");
    migrations::migrate_log(&path).await.expect("a migrated log");
    (folder, path)
}

fn open(path: &Path) -> Arc<SqliteLog> {
    SqliteLog::open(SqliteOptions::new(path)).expect("a log")
}

fn change(path: &Path, sql: &str) {
    let connection = Connection::open(path).expect("another connection");
    connection
        .execute_batch("pragma ignore_check_constraints = on")
        .expect("a setting");
    connection.execute_batch(sql).expect("a change");
}

async fn append(log: &SqliteLog, to: u128, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, AppendError> {
    let mut outcomes = log
        .append(vec![Append {
            stream: stream(to),
            expected,
            events,
        }])
        .await;
    outcomes.remove(0)
}

fn refused(reason: UnavailableReason) -> AppendError {
    AppendError::Unavailable {
        maybe_committed: false,
        reason,
    }
}

fn stream(number: u128) -> StreamName {
    StreamName::new("channel", Uuid::from_u128(number))
}

fn event(number: u128) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(number),
        kind: "message.sent".into(),
        version: 1,
        actor: Uuid::from_u128(7),
        key: format!("key {number}").into(),
        intent: number.to_be_bytes(),
        request_id: Uuid::from_u128(number ^ 0xffff),
        recorded_at: DateTime::from_timestamp_micros(1_700_000_000_000_000).expect("a date"),
        payload: format!("{{\"number\":{number}}}").into(),
    }
}
