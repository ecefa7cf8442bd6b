//! Where a view is read: connections to the file of the generation that serves. Another one can take its place at any time, and
//! whoever reads at that moment finishes where they began.

use std::{path::Path, sync::Arc, time::Duration};

use parking_lot::RwLock;
use sqlx::{
    ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// Connections that read one view. Each is a thread, and a page takes far less than a millisecond.
const READ_CONNECTIONS: u32 = 4;
/// How long a read waits for a connection, or for a lock, before it is an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of each, in KiB; what the system caches is no further than a call.
const READER_CACHE_KIB: u32 = 4 * 1024;

/// The connections of one view. All clones see the same.
#[derive(Debug, Clone)]
pub(crate) struct Reads(Arc<RwLock<SqlitePool>>);

impl Reads {
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self(Arc::new(RwLock::new(pool)))
    }

    /// The generation that serves now. A question of several statements asks once, so that all of them see the same generation.
    pub(crate) fn current(&self) -> SqlitePool {
        self.0.read().clone()
    }

    /// From now on `pool` is read. The one before closes when the last read of it ends.
    pub(crate) fn swap(&self, pool: SqlitePool) {
        *self.0.write() = pool;
    }
}

/// Connections to the file of one generation, which must be there.
pub(crate) async fn pool(path: &Path) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("temp_store", "memory")
        .pragma("cache_size", format!("-{READER_CACHE_KIB}"))
        .pragma("query_only", "on")
        .disable_statement_logging();
    SqlitePoolOptions::new()
        .max_connections(READ_CONNECTIONS)
        .acquire_timeout(BUSY_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options)
        .await
}
