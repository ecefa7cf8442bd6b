//! All views behind one handle: opened beside a log, kept up to date by [`Views::start`], asked from anywhere. What a view holds and
//! answers is in its own file.

use std::{path::Path, sync::Arc, time::Duration};

use event_store::{EventLog, Head};
use prometheus_client::registry::Registry;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    AuditTrail, ChannelList, Directory, Mismatch, OnMismatch, ProjectionStatus, Reports, Running, Timeline,
    checkpoint::{self, Checkpoint},
    metrics::Metrics,
    progress::Progress,
    registry::{ALL, Projection},
    runner::{self, Options},
};

/// Connections that read. Each is a thread, and a page takes far less than a millisecond.
const READ_CONNECTIONS: u32 = 4;
/// How long a read waits for a connection, and any statement for a lock, before it is an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of the writer, in KiB: the inner pages of every index of a few million messages.
const WRITER_CACHE_KIB: u32 = 64 * 1024;

/// Pages of the write-ahead log before they are copied into the database: 16 MiB, since pages of indexes on random ids are written
/// again and again, and only their last version needs copying.
const WAL_PAGES_MAX: &str = "4000";

/// The views of one log. Cheap to clone; all clones see the same.
#[derive(Debug, Clone)]
pub struct Views {
    pub timeline: Timeline,
    pub channel_list: ChannelList,
    pub directory: Directory,
    pub reports: Reports,
    pub audit: AuditTrail,
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) database: SqliteConnectOptions,
    pub(crate) progress: Progress,
    pub(crate) metrics: Metrics,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the views cannot be opened")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// A view could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the views cannot be read")]
pub struct ViewError(#[from] sqlx::Error);

impl Views {
    /// Opens the views at `path`, whose schema must be there already. They can be asked at once, as of where they stand.
    ///
    /// A view of another version of its fold is emptied, to be folded again. So is one that belongs to another log, to another
    /// incarnation of it, or to more of it than there is now, with a warning.
    pub async fn open(path: &Path, head: &Head) -> Result<Self, OpenError> {
        Self::open_with(path, head, OnMismatch::default()).await
    }

    pub async fn open_with(path: &Path, head: &Head, on_mismatch: OnMismatch) -> Result<Self, OpenError> {
        let database = database(path);
        let mut writer = database.connect().await?;
        let checkpoints = settle(&mut writer, head, on_mismatch).await?;
        writer.close().await?;
        let reads = reads(&database).await?;
        let stands = checkpoints
            .iter()
            .map(|(projection, at)| (*projection, at.generation, at.position));
        Ok(Self {
            timeline: Timeline::new(reads.clone()),
            channel_list: ChannelList::new(reads.clone()),
            directory: Directory::new(reads.clone()),
            reports: Reports::new(reads.clone()),
            audit: AuditTrail::new(reads),
            shared: Arc::new(Shared {
                progress: Progress::new(stands, head.position),
                metrics: Metrics::default(),
                database,
            }),
        })
    }

    /// Starts folding `log`, which must be the one the views were opened with, until told to stop.
    pub fn start(&self, log: Arc<dyn EventLog>) -> Running {
        self.start_with(log, Options::default())
    }

    pub fn start_with(&self, log: Arc<dyn EventLog>, options: Options) -> Running {
        runner::start(self.shared.clone(), log, options)
    }

    /// Waits until everything up to `position` can be read from every view; false when it takes longer than `timeout`.
    pub async fn wait_for(&self, position: u64, timeout: Duration) -> bool {
        let mut reached = self.shared.progress.reached();
        if *reached.borrow() >= position {
            return true;
        }
        let _waiting = self.shared.progress.wait();
        matches!(
            tokio::time::timeout(timeout, reached.wait_for(|reached| *reached >= position)).await,
            Ok(Ok(_))
        )
    }

    /// The position of the log up to which every view has everything.
    pub fn position(&self) -> u64 {
        *self.shared.progress.reached().borrow()
    }

    /// How many events the slowest view is behind the newest one seen in the log.
    pub fn lag(&self) -> u64 {
        self.shared.progress.head().saturating_sub(self.position())
    }

    pub fn status(&self) -> Vec<ProjectionStatus> {
        self.shared.progress.status()
    }

    pub fn register(&self, registry: &mut Registry) {
        self.shared.metrics.register(registry);
    }
}

/// Views can be folded again, so a power cut may cost their newest transactions, but never their consistency. What is deleted is
/// overwritten, since deleted words are to be gone.
fn database(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        // A statement of many rows keeps a journal of its own, which would be a file made and removed each time.
        .pragma("temp_store", "memory")
        .pragma("secure_delete", "on")
        .pragma("wal_autocheckpoint", WAL_PAGES_MAX)
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"))
        .disable_statement_logging()
}

async fn reads(database: &SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    SqlitePoolOptions::new()
        .max_connections(READ_CONNECTIONS)
        .acquire_timeout(BUSY_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(
            database
                .clone()
                .pragma("cache_size", "-16384")
                .pragma("query_only", "on"),
        )
        .await
}

/// Where every view stands, after those that cannot go on were emptied.
async fn settle(
    db: &mut SqliteConnection,
    head: &Head,
    on_mismatch: OnMismatch,
) -> Result<Vec<(&'static Projection, Checkpoint)>, OpenError> {
    let mut stored = checkpoint::load(db).await?;
    let mut settled = Vec::with_capacity(ALL.len());
    for projection in ALL {
        let found = stored.remove(projection.name);
        let checkpoint = match found {
            Some(found) if stands(projection, &found, head, on_mismatch)? => found,
            found => {
                let generation = found.map_or(1, |found| found.generation + 1);
                checkpoint::restart(db, projection, generation, head.identity).await?
            }
        };
        settled.push((*projection, checkpoint));
    }
    Ok(settled)
}

/// Whether a view can go on from `found`.
fn stands(
    projection: &'static Projection,
    found: &Checkpoint,
    head: &Head,
    on_mismatch: OnMismatch,
) -> Result<bool, Mismatch> {
    let name = projection.name;
    if !found.is_of_version(projection.version) {
        tracing::info!(
            projection = name,
            version = projection.version,
            "View {name} has a new version and is rebuilt"
        );
        return Ok(false);
    }
    match (found.fits(name, head), on_mismatch) {
        (Ok(()), _) => Ok(true),
        (Err(mismatch), OnMismatch::Refuse) => Err(mismatch),
        (Err(mismatch), OnMismatch::Rebuild) => {
            tracing::warn!(projection = name, "View {name} is rebuilt: {mismatch}");
            Ok(false)
        }
    }
}
