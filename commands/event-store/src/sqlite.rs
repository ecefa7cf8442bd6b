//! The log in one SQLite file: one writer thread that commits everything waiting in groups, and a few readers beside it. Durable at
//! WAL with synchronous FULL. The schema comes from the crate `migrations`; this module only refuses to work without it.

mod checkpoint;
mod checksum;
mod group;
mod heads;
mod lock;
mod open;
mod options;
mod queue;
mod read_only;
mod reader;
mod row;
mod scan;
mod writer;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::broadcast;

pub use self::{
    lock::LogLock,
    options::{CommitStats, OnCommit, OpenError, SqliteOptions},
    read_only::{Ends, ReadOnlyLog, StreamBrief},
    scan::{RawEvent, Scanned, Scanner, Touched},
};
use self::{
    open::End,
    queue::{Job, Queue},
    reader::Readers,
    writer::Writer,
};
use crate::{
    Append, AppendError, Committed, EventLog, Head, Identity, Page, ReadError, StreamName, StreamPage, Tail,
    UnavailableReason,
    admission::{self, Outcome},
    failure::Failure,
    tail,
};

/// What SQLite itself sets.
const NO_PAGE_LIMIT: u32 = 4_294_967_294;

/// Dropping it waits until everything accepted is written and the file is closed.
pub struct SqliteLog {
    identity: Identity,
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    /// `None` only while it is being dropped, as is the writer.
    readers: Option<Readers>,
    writer: Option<JoinHandle<()>>,
    _lock: LogLock,
}

/// What the writer tells the others.
struct Shared {
    position: AtomicU64,
    announced: broadcast::Sender<Committed>,
    failure: Failure,
    page_limit: AtomicU32,
}

impl SqliteLog {
    /// Blocks for a moment; after a crash, for as long as the rest of the write-ahead log takes.
    pub fn open(options: SqliteOptions) -> Result<Arc<Self>, OpenError> {
        open::check_version()?;
        if !options.path.exists() {
            return Err(OpenError::Missing { path: options.path });
        }
        let lock = LogLock::acquire(&options.path)?;
        let (connection, identity, end) = open::writer(&options)?;
        Self::start(&options, lock, connection, identity, end)
    }

    /// Says that the log at the path was restored: cursors and checkpoints of any incarnation up to `above` belong to another past. While
    /// nobody has the log open; blocks for a moment.
    pub fn raise_incarnation(options: &SqliteOptions, above: u32) -> Result<Identity, OpenError> {
        open::check_version()?;
        if !options.path.exists() {
            return Err(OpenError::Missing {
                path: options.path.clone(),
            });
        }
        let _lock = LogLock::acquire(&options.path)?;
        let (connection, _, _) = open::writer(options)?;
        open::raise_incarnation(&connection, above)
    }

    fn start(
        options: &SqliteOptions,
        lock: LogLock,
        connection: Connection,
        identity: Identity,
        end: End,
    ) -> Result<Arc<Self>, OpenError> {
        let shared = Arc::new(Shared::at(end.position));
        let queue = Arc::new(Queue::new(options.queue_events_max, options.queue_bytes_max));
        let readers = Readers::start(options)?;
        let writer = Writer::new(connection, end, Arc::clone(&queue), Arc::clone(&shared), options);
        let thread = thread::Builder::new().name("log-writer".to_owned());
        let writer = thread.spawn(move || writer.run()).map_err(OpenError::Thread)?;
        Ok(Arc::new(Self {
            identity,
            shared,
            queue,
            readers: Some(readers),
            writer: Some(writer),
            _lock: lock,
        }))
    }

    /// Keeps the database file below so many pages (4 KiB) from the next append on, as if the disk ended there; `None` lifts it.
    pub fn limit_pages(&self, pages: Option<u32>) {
        self.shared
            .page_limit
            .store(pages.unwrap_or(NO_PAGE_LIMIT), Ordering::Release);
    }

    fn readers(&self) -> Result<&Readers, ReadError> {
        self.readers.as_ref().ok_or(ReadError::Unavailable {
            reason: UnavailableReason::Closed,
        })
    }

    async fn write(&self, appends: Vec<Append>) -> Vec<Outcome> {
        let count = appends.len();
        let unavailable = |maybe_committed, reason| {
            vec![
                Err(AppendError::Unavailable {
                    maybe_committed,
                    reason
                });
                count
            ]
        };
        let (job, answered) = Job::new(appends);
        if let Err(reason) = self.queue.push(job) {
            return unavailable(false, reason);
        }
        // The writer answers every job; only its panic can lose one.
        answered
            .await
            .unwrap_or_else(|_| unavailable(true, UnavailableReason::Failed))
    }
}

impl Shared {
    fn at(position: u64) -> Self {
        Self {
            position: position.into(),
            announced: broadcast::Sender::new(tail::ANNOUNCED_BATCHES_MAX),
            failure: Failure::new(),
            page_limit: NO_PAGE_LIMIT.into(),
        }
    }
}

#[async_trait::async_trait]
impl EventLog for SqliteLog {
    async fn append(&self, appends: Vec<Append>) -> Vec<Outcome> {
        let (admitted, refusals) = admission::admit(appends);
        let outcomes = if admitted.is_empty() {
            Vec::new()
        } else {
            self.write(admitted).await
        };
        refusals.among(outcomes)
    }

    async fn read_stream(&self, stream: &StreamName, from: u64, limit: usize) -> Result<StreamPage, ReadError> {
        let stream = stream.clone();
        self.readers()?
            .ask(move |reader| reader.read_stream(&stream, from, limit))
            .await
    }

    async fn read_all(&self, after: u64, limit: usize) -> Result<Page, ReadError> {
        self.readers()?.ask(move |reader| reader.read_all(after, limit)).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        Ok(Head {
            identity: self.identity,
            position: self.shared.position.load(Ordering::Acquire),
        })
    }

    fn tail(self: Arc<Self>, after: u64) -> Tail {
        let announced = self.shared.announced.subscribe();
        Tail::new(self, announced, after)
    }

    async fn failed(&self) -> String {
        self.shared.failure.declared().await
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        self.queue.close(UnavailableReason::Closed);
        // The readers go first, so that the writer's last checkpoint finds nobody in its way.
        self.readers = None;
        let Some(writer) = self.writer.take() else { return };
        // A callback of the writer may hold the last reference; a thread cannot wait for itself.
        if writer.thread().id() != thread::current().id() {
            let _ = writer.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::{Expected, NewEvent};

    #[tokio::test]
    async fn after_a_commit_of_unknown_outcome_nothing_more_is_acknowledged() {
        let folder = tempfile::tempdir().expect("folder");
        let options = SqliteOptions::new(folder.path().join("log.db"));
        migrations::migrate_log(&options.path).await.expect("a migrated log");
        let (log, broken) = with_commits_that_break(&options);
        append(&log, 1).await.expect("all is well");

        broken.store(true, Ordering::Relaxed);
        let reason = UnavailableReason::Failed;
        assert_eq!(
            append(&log, 2).await,
            Err(AppendError::Unavailable {
                maybe_committed: true,
                reason
            })
        );
        assert!(log.failed().await.starts_with("a commit returned"));
        broken.store(false, Ordering::Relaxed);
        // Not even a repetition, for what it would return may not be on the disk.
        for number in [3, 1] {
            assert_eq!(
                append(&log, number).await,
                Err(AppendError::Unavailable {
                    maybe_committed: false,
                    reason
                })
            );
        }
        assert_eq!(log.read_all(0, 10).await.expect("reads go on").events.len(), 1);

        drop(log);
        let log = SqliteLog::open(options).expect("the log after a restart");
        assert!(append(&log, 1).await.expect("the original").replayed);
        append(&log, 3).await.expect("all is well again");
    }

    /// A log whose commits return an error while the switch is on, as they do when a sync does.
    fn with_commits_that_break(options: &SqliteOptions) -> (Arc<SqliteLog>, Arc<AtomicBool>) {
        let lock = LogLock::acquire(&options.path).expect("nobody has it");
        let (connection, identity, end) = open::writer(options).expect("a connection");
        let broken = Arc::new(AtomicBool::new(false));
        let switch = Arc::clone(&broken);
        connection
            .commit_hook(Some(move || switch.load(Ordering::Relaxed)))
            .expect("a hook");
        (
            SqliteLog::start(options, lock, connection, identity, end).expect("a log"),
            broken,
        )
    }

    async fn append(log: &SqliteLog, number: u128) -> Outcome {
        let event = NewEvent {
            id: uuid::Uuid::from_u128(number),
            kind: "message.sent".into(),
            version: 1,
            actor: uuid::Uuid::nil(),
            key: "key".into(),
            intent: [0; 16],
            request_id: uuid::Uuid::nil(),
            recorded_at: chrono::DateTime::UNIX_EPOCH,
            payload: bytes::Bytes::new(),
        };
        let stream = StreamName::from_text("channel-1");
        log.append(vec![Append {
            stream,
            expected: Expected::Any,
            events: vec![event],
        }])
        .await
        .remove(0)
    }
}
