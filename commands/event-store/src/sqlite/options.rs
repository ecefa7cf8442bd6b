//! What may be chosen when the log is opened, and what can go wrong at it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Told about every commit, on the writer's thread: it must not wait for anything.
pub type OnCommit = Arc<dyn Fn(CommitStats) + Send + Sync>;

#[derive(Clone)]
pub struct SqliteOptions {
    pub path: PathBuf,
    /// Connections that read, each on a thread of its own.
    pub readers: usize,
    /// Events that may wait to be written; beyond it appends are refused as `Overloaded`.
    pub queue_events_max: usize,
    /// Bytes that may wait to be written.
    pub queue_bytes_max: usize,
    /// Pages (4 KiB) of write-ahead log after which the writer copies them into the database.
    pub wal_autocheckpoint: u32,
    /// How long another connection's lock on the file is waited for.
    pub busy_timeout: Duration,
    pub on_commit: Option<OnCommit>,
}

/// One transaction of the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitStats {
    pub events: usize,
    /// Appends that were decided in it, the refused and repeated ones included.
    pub appends: usize,
    /// Payload bytes.
    pub bytes: usize,
    pub duration: Duration,
}

impl SqliteOptions {
    /// Reads come from the page cache, so a few readers saturate the cores of a small machine.
    pub const READERS: usize = 2;
    /// Sixteen full groups, less than a second of work: who waits behind more than that had better be told.
    pub const QUEUE_EVENTS_MAX: usize = 16 * 1024;
    pub const QUEUE_BYTES_MAX: usize = 32 << 20;
    /// A compromise: 10,000 pages write 15 % faster and double the 99th percentile of the latency.
    pub const WAL_AUTOCHECKPOINT: u32 = 2_000;
    pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            readers: Self::READERS,
            queue_events_max: Self::QUEUE_EVENTS_MAX,
            queue_bytes_max: Self::QUEUE_BYTES_MAX,
            wal_autocheckpoint: Self::WAL_AUTOCHECKPOINT,
            busy_timeout: Self::BUSY_TIMEOUT,
            on_commit: None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("there is no log at {}", path.display())]
    Missing { path: PathBuf },
    #[error("the log at {} is in use by another process", path.display())]
    InUse { path: PathBuf },
    #[error("the lock file {} cannot be used", path.display())]
    Lock { path: PathBuf, source: io::Error },
    #[error("SQLite {found} is too old, {} is needed", super::open::SQLITE_VERSION_MIN)]
    SqliteTooOld { found: String },
    #[error("the file is not a log or was not migrated")]
    NotMigrated,
    #[error("SQLite keeps {setting} at {found} where {wanted} is needed")]
    Setting {
        setting: &'static str,
        wanted: &'static str,
        found: String,
    },
    #[error("the log says that it ends at position {head}, but its events end at {newest}")]
    Damaged { head: u64, newest: u64 },
    #[error("the log cannot be opened")]
    Sqlite(#[from] rusqlite::Error),
    #[error("a thread for the log cannot be started")]
    Thread(#[source] io::Error),
}
