//! Copying the write-ahead log into the database: when it is due, how, and when it must not happen. Only the writer's connection does
//! it, between groups, so that it never adds to the time of a commit that somebody already waits for.

use std::{cell::Cell, ffi::c_int, time::Duration};

use rusqlite::{Connection, config::DbConfig, hooks::Wal};

/// When readers have kept the write-ahead log from beginning again for this many checkpoints, they are waited for.
const CHECKPOINTS_BEFORE_RESTART: u32 = 16;
/// Our own readers are done sooner; a foreign one, such as a backup, is not waited for.
const RESTART_WAIT: Duration = Duration::from_millis(50);

/// The checkpoints of one writer. Lives on its thread.
pub(super) struct Checkpoints {
    every_pages: u32,
    busy_timeout: Duration,
    /// Pages that were in the write-ahead log at the last checkpoint.
    last_at: u32,
}

impl Checkpoints {
    /// Replaces SQLite's own, which would run inside of commits and keep its errors to itself.
    pub(super) fn of(connection: &Connection, every_pages: u32, busy_timeout: Duration) -> Self {
        connection.wal_hook(Some(remember_wal_pages));
        Self {
            every_pages: every_pages.max(1),
            busy_timeout,
            last_at: 0,
        }
    }

    pub(super) fn run_if_due(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let pages = WAL_PAGES.get();
        if pages < self.last_at {
            self.last_at = 0;
        }
        if pages - self.last_at < self.every_pages {
            return Ok(());
        }
        // Whatever comes of it, the next one is due after as many pages again.
        self.last_at = pages;
        match pages / self.every_pages {
            CHECKPOINTS_BEFORE_RESTART.. => self.restart(connection),
            _ => checkpoint(connection, "passive"),
        }
    }

    fn restart(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(RESTART_WAIT)?;
        let outcome = checkpoint(connection, "restart");
        connection.busy_timeout(self.busy_timeout)?;
        outcome
    }
}

/// Leaves an empty write-ahead log, unless another connection reads on.
pub(super) fn everything(connection: &Connection) -> rusqlite::Result<()> {
    checkpoint(connection, "truncate")
}

/// Closes a connection whose last sync is in doubt. SQLite would checkpoint, and so sync again, which must not make the doubt look
/// settled.
pub(super) fn close_without(connection: Connection) {
    match connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
        Ok(_) => drop(connection),
        // The process is to end anyway; its end closes the file without a word.
        Err(_) => std::mem::forget(connection),
    }
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("pragma wal_checkpoint({mode})"), [], |_| Ok(()))
}

thread_local! {
    /// Pages in the write-ahead log after the last commit of this thread. The hook that is told them can carry nothing along.
    static WAL_PAGES: Cell<u32> = const { Cell::new(0) };
}

fn remember_wal_pages(_: &Wal, pages: c_int) -> rusqlite::Result<()> {
    WAL_PAGES.set(u32::try_from(pages).unwrap_or(0));
    Ok(())
}
