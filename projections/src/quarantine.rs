//! Events that a view could not read, and the later ones of their streams behind them: what operators see of them, and their wishes to the
//! writer: to fold them once they can be read, or to pass over one that never will be. Folding is in `runner/apply/mend.rs`.

mod skips;

use std::{collections::VecDeque, path::Path, time::Duration};

use event_store::{ReadError, StreamName};
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Notify, oneshot};

pub(crate) use skips::{Skipped, Skips};

use crate::runner::Mended;

/// Streams of one view that are shown.
const SHOWN_MAX: usize = 100;
/// Wishes that wait for the writer; operators are few.
const WISHES_MAX: usize = 16;
/// How long a wish may take. Folding a long stream again takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stream put aside, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    pub stream: String,
    /// Of the event it waits for.
    pub position: u64,
    pub reason: String,
    /// That event, and those behind it.
    pub events: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum MendError {
    #[error("no view has this name")]
    NoSuchView,
    #[error("the view does not wait for the event at this position")]
    NotParked,
    #[error("the views are not folded now")]
    NotRunning,
    #[error("somebody else folds the view")]
    Stale,
    #[error("the view cannot be written")]
    Database(#[from] rusqlite::Error),
    #[error("the log cannot be read")]
    Log(ReadError),
}

/// Of an operator to the writer of the views.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) projection: &'static str,
    /// All parked ones without.
    pub(crate) stream: Option<StreamName>,
    pub(crate) answer: oneshot::Sender<Result<Mended, MendError>>,
}

/// Wishes until the writer has time for them, between two batches.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    waiting: Mutex<VecDeque<Wish>>,
    made: Notify,
}

impl Wishes {
    pub(crate) async fn make(&self, projection: &'static str, stream: Option<StreamName>) -> Result<Mended, MendError> {
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock();
            if waiting.len() >= WISHES_MAX {
                return Err(MendError::NotRunning);
            }
            waiting.push_back(Wish {
                projection,
                stream,
                answer,
            });
        }
        self.made.notify_one();
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(mended)) => mended,
            Ok(Err(_)) | Err(_) => Err(MendError::NotRunning),
        }
    }

    /// Resolves when somebody wishes something.
    pub(crate) async fn made(&self) {
        self.made.notified().await;
    }

    pub(crate) fn take(&self) -> Option<Wish> {
        let mut waiting = self.waiting.lock();
        while let Some(wish) = waiting.pop_front() {
            // Who gave up waiting must not be surprised later.
            if !wish.answer.is_closed() {
                return Some(wish);
            }
        }
        None
    }
}

/// The streams that wait in one generation, in the order in which they began to.
pub(crate) fn parked(path: &Path) -> rusqlite::Result<Vec<Parked>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let mut statement = connection.prepare(include_str!("quarantine/parked.sql"))?;
    let streams = statement.query_map([SHOWN_MAX as i64], |row| {
        let (position, events): (i64, i64) = (row.get("position")?, row.get("events")?);
        Ok(Parked {
            stream: row.get("stream")?,
            position: position.cast_unsigned(),
            reason: row.get("reason")?,
            events: events.cast_unsigned(),
        })
    })?;
    streams.collect()
}
