//! Folding again from the log what a view holds: one stream alone into a database that is thrown away, up to where the view stands.

use std::sync::Arc;

use event_store::{EventLog, ReadError, Recorded, StreamName};
use rusqlite::Connection;
use tokio::runtime::Handle;

use super::{VerifyError, view::Snapshot};
use crate::{
    Event,
    event::{Decoded, Unreadable},
    quarantine::Skipped,
    registry::{Projection, Statement},
};

/// Events read and folded at a time.
pub(super) const PAGE_EVENTS: usize = 512;

/// The log, for those who may wait.
#[derive(Clone)]
pub(crate) struct LogReader {
    log: Arc<dyn EventLog>,
    runtime: Handle,
}

impl LogReader {
    /// To be called on the runtime whose other threads read.
    pub(crate) fn new(log: Arc<dyn EventLog>) -> Self {
        Self {
            log,
            runtime: Handle::current(),
        }
    }

    pub(super) fn all(&self, after: u64, limit: usize) -> Result<event_store::Page, ReadError> {
        self.runtime.block_on(self.log.read_all(after, limit))
    }

    /// Which place in its stream the event at a position has, whole or damaged, if that can be told.
    pub(crate) fn revision_at(&self, position: u64) -> Result<Option<u64>, ReadError> {
        let page = self.all(position.saturating_sub(1), 1)?;
        let whole = page.events.first().map(|recorded| recorded.revision);
        let damaged = page.damaged.first().and_then(|place| place.revision);
        Ok(whole.or(damaged))
    }

    fn stream(&self, stream: &StreamName, from: u64, limit: usize) -> Result<Vec<Arc<Recorded>>, ReadError> {
        let page = self.runtime.block_on(self.log.read_stream(stream, from, limit))?;
        Ok(page.events)
    }
}

/// What came of reading a stream from its start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    ToTheEnd,
    /// The event there cannot be read.
    HaltedAt {
        position: u64,
        why: String,
    },
}

/// Hands out the events of a stream from a revision on, in order and in pages, those in `skipped` left out, up to and with the position
/// `up_to`. It halts where an event cannot be read.
pub(crate) fn walk<E: From<ReadError>>(
    log: &LogReader,
    stream: &StreamName,
    mut from: u64,
    up_to: u64,
    skipped: &Skipped,
    mut take: impl FnMut(&[&Event]) -> Result<(), E>,
) -> Result<Walked, E> {
    // One by one where a page holds something damaged, to get as far as there is something whole.
    let mut limit = PAGE_EVENTS;
    loop {
        let page = match log.stream(stream, from, limit) {
            Ok(page) => page,
            Err(ReadError::Damaged { .. }) if limit > 1 => {
                limit = 1;
                continue;
            }
            Err(ReadError::Damaged { position }) if position > up_to => return Ok(Walked::ToTheEnd),
            Err(ReadError::Damaged { position }) if skipped.contains(&position) => {
                from += 1;
                continue;
            }
            Err(ReadError::Damaged { position }) => {
                let why = Unreadable::Damaged.to_string();
                return Ok(Walked::HaltedAt { position, why });
            }
            Err(error) => return Err(error.into()),
        };
        let decoded: Vec<Decoded> = page
            .iter()
            .filter(|recorded| recorded.position <= up_to && !skipped.contains(&recorded.position))
            .map(|recorded| Decoded::of(recorded))
            .collect();
        let readable: Vec<&Event> = decoded
            .iter()
            .map_while(|decoded| decoded.event.as_ref().ok())
            .collect();
        take(&readable)?;
        if let Some((position, why)) = decoded.get(readable.len()).and_then(Decoded::unreadable) {
            return Ok(Walked::HaltedAt { position, why });
        }
        let ended = page.len() < limit || page.last().is_none_or(|last| last.position > up_to);
        if ended {
            return Ok(Walked::ToTheEnd);
        }
        from += page.len() as u64;
    }
}

/// A database with the tables of a view and nothing in them. It is nobody's, and gone when it is closed.
pub(super) fn scratch(projection: &Projection) -> rusqlite::Result<Connection> {
    // Without a name it is in a file of its own once it is large, and in memory before that.
    let connection = Connection::open("")?;
    connection.pragma_update(None, "journal_mode", "off")?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.execute_batch(projection.schema.tables)?;
    Ok(connection)
}

pub(crate) fn execute(connection: &Connection, statements: &[Statement]) -> rusqlite::Result<()> {
    for statement in statements {
        connection.prepare_cached(statement.sql)?.execute([&*statement.rows])?;
    }
    Ok(())
}

/// What one stream alone makes of a view's tables, up to where the snapshot of the view is. `None` where the log can no longer be read
/// where the view once could.
pub(super) fn stream(
    log: &LogReader,
    snapshot: &Snapshot,
    stream: &StreamName,
    skipped: &Skipped,
) -> Result<Option<Connection>, VerifyError> {
    let projection = snapshot.projection;
    let folded = scratch(projection)?;
    let parked_at = snapshot.parked_at(stream)?;
    let up_to = parked_at.map_or(snapshot.position, |parked| parked - 1);
    folded.execute_batch("begin")?;
    let walked = walk(log, stream, 0, up_to, skipped, |events| {
        execute(&folded, &(projection.fold)(events)).map_err(VerifyError::from)
    })?;
    folded.execute_batch("commit")?;
    Ok(match walked {
        Walked::ToTheEnd => Some(folded),
        Walked::HaltedAt { .. } => None,
    })
}
