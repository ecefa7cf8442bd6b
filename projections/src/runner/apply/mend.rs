//! Folding what a view had put aside, once it can be read: the streams from the log again, each in its order, all in one transaction.

use event_store::{ReadError, StreamName};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{Folder, parked_streams};
use crate::{
    event::Decoded,
    generations::{checkpoint::Checkpoint, file::Handle},
    quarantine::{MendError, Skipped},
    registry::Projection,
    verify::{LogReader, Walked, execute, walk},
};

/// What came of folding parked streams again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mended {
    /// Streams of which nothing is parked any more.
    pub streams: u64,
    /// Events that are no longer parked, those passed over included.
    pub events: u64,
    /// Streams that still wait.
    pub still: Vec<StillParked>,
    /// The view mixes streams, and what was folded late may count otherwise than in order: it is being rebuilt as well.
    pub rebuilding: bool,
}

/// A stream that waits, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillParked {
    pub stream: String,
    pub position: u64,
    pub reason: String,
}

impl Folder {
    /// Folds the parked streams again, or only one of them. What cannot be read yet stays parked with what comes after it.
    pub(crate) fn mend(&mut self, log: &LogReader, only: Option<&StreamName>) -> Result<Mended, MendError> {
        let skipped = self.skips.of(self.name());
        let (stored, projection) = (self.stored, self.projection());
        let handle = match &mut self.handle {
            Some(handle) => handle,
            none => none.insert(Handle::open(&self.path, projection)?),
        };
        let recorder = handle.recorder.clone();
        let transaction = handle
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mended = Mending {
            transaction: &transaction,
            projection,
            log,
            skipped: &skipped,
            up_to: stored.position,
        }
        .all(only)
        .and_then(|mended| commit(&stored, &transaction).map(|()| mended))
        .and_then(|mended| Ok(recorder.store(&transaction).map(|()| mended)?));
        match mended {
            Ok(mended) => {
                transaction.commit()?;
                self.parked = parked_streams(handle)?;
                self.tell();
                Ok(mended)
            }
            Err(error) => {
                transaction.rollback()?;
                recorder.forget();
                Err(error)
            }
        }
    }
}

/// Nobody else moved the view on meanwhile.
fn commit(stored: &Checkpoint, transaction: &Transaction<'_>) -> Result<(), MendError> {
    match stored.move_to(transaction, stored)? {
        true => Ok(()),
        false => Err(MendError::Stale),
    }
}

struct Mending<'a> {
    transaction: &'a Connection,
    projection: &'static Projection,
    log: &'a LogReader,
    skipped: &'a Skipped,
    /// Later events are the writer's.
    up_to: u64,
}

impl Mending<'_> {
    fn all(&self, only: Option<&StreamName>) -> Result<Mended, MendError> {
        let mut mended = Mended::default();
        for (stream, position, reason) in self.parked()? {
            if only.is_some_and(|only| *only != stream) {
                continue;
            }
            let first = StillParked {
                stream: stream.as_str().to_owned(),
                position,
                reason,
            };
            let (events, still) = self.stream(&stream, first)?;
            mended.events += events;
            match still {
                Some(still) => mended.still.push(still),
                None => mended.streams += 1,
            }
        }
        Ok(mended)
    }

    /// The streams with the event each waits for.
    fn parked(&self) -> rusqlite::Result<Vec<(StreamName, u64, String)>> {
        let mut statement = self.transaction.prepare(include_str!("parked_since.sql"))?;
        let streams = statement.query_map([], |row| {
            let (stream, position): (String, i64) = (row.get("stream")?, row.get("position")?);
            Ok((
                StreamName::from_text(&stream),
                position.cast_unsigned(),
                row.get("reason")?,
            ))
        })?;
        streams.collect()
    }

    fn stream(&self, stream: &StreamName, first: StillParked) -> Result<(u64, Option<StillParked>), MendError> {
        if Decoded::is_lost(stream) {
            return self.lost(first);
        }
        let Some(revision) = self.log.revision_at(first.position)? else {
            return Ok((0, Some(first)));
        };
        let walked = walk(self.log, stream, revision, self.up_to, self.skipped, |events| {
            execute(self.transaction, &(self.projection.fold)(events)).map_err(MendError::from)
        })?;
        let (until, still) = match walked {
            Walked::ToTheEnd => (i64::MAX, None),
            Walked::HaltedAt { position, why } => {
                let still = StillParked {
                    position,
                    reason: why,
                    ..first
                };
                (position.cast_signed(), Some(still))
            }
        };
        let events = self
            .transaction
            .execute(include_str!("unpark.sql"), params![stream.as_str(), until])?;
        if let Some(still) = &still {
            let position = still.position.cast_signed();
            self.transaction.execute(
                include_str!("wait_for.sql"),
                params![still.reason, position, stream.as_str()],
            )?;
        }
        Ok((events as u64, still))
    }

    /// Nobody knows which stream it was of, so nothing waits behind it, and nothing is folded.
    fn lost(&self, place: StillParked) -> Result<(u64, Option<StillParked>), MendError> {
        if !self.skipped.contains(&place.position) {
            return Ok((0, Some(place)));
        }
        let events = self
            .transaction
            .execute(include_str!("unpark.sql"), params![place.stream, i64::MAX])?;
        Ok((events as u64, None))
    }
}

impl From<ReadError> for MendError {
    fn from(error: ReadError) -> Self {
        Self::Log(error)
    }
}
