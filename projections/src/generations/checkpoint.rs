//! Where a generation stands in the log, and which log that was. One that cannot go on from where it stands is replaced.

use event_store::{Head, Identity};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::columns;

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) version: u32,
    pub(crate) position: u64,
    /// Of the lease under which it was moved last; nobody with an older one can move it on.
    pub(crate) epoch: u64,
    pub(crate) identity: Identity,
    /// Id of the event at the position, if there is one.
    pub(crate) event: Option<Uuid>,
}

/// Why a view cannot go on from its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("the view {projection} was folded from the log {stored}, and this is the log {actual}")]
    AnotherLog {
        projection: &'static str,
        stored: Identity,
        actual: Identity,
    },
    #[error("the view {projection} was folded from incarnation {stored} of the log, and this is incarnation {actual}")]
    AnotherIncarnation {
        projection: &'static str,
        stored: u32,
        actual: u32,
    },
    #[error("the view {projection} is at position {checkpoint}, beyond the end of the log at {head}")]
    AheadOfLog {
        projection: &'static str,
        checkpoint: u64,
        head: u64,
    },
}

/// What to do with a view that does not belong to the log as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnMismatch {
    /// Fold it again, with a warning in the log of the process. Views hold nothing that the log does not.
    #[default]
    Rebuild,
    /// Refuse to start.
    Refuse,
}

impl Checkpoint {
    /// At the beginning of a log.
    pub(crate) fn start(version: u32, identity: Identity) -> Self {
        Self {
            version,
            position: 0,
            epoch: 0,
            identity,
            event: None,
        }
    }

    pub(crate) fn load(db: &Connection) -> rusqlite::Result<Option<Self>> {
        db.query_row(include_str!("checkpoint.sql"), [], Self::of_row)
            .optional()
    }

    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let number = |column: &str| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok(Self {
            version: row.get("version")?,
            position: number("position")?,
            epoch: number("epoch")?,
            identity: Identity {
                id: Uuid::from_bytes(row.get("log_id")?),
                incarnation: row.get("incarnation")?,
            },
            event: row.get::<_, Option<[u8; 16]>>("event_id")?.map(Uuid::from_bytes),
        })
    }

    /// Writes the first one of a file.
    pub(crate) fn insert(&self, db: &Connection, projection: &str, generation: u64) -> rusqlite::Result<()> {
        db.execute(
            include_str!("insert_checkpoint.sql"),
            params![
                projection,
                columns::integer(generation),
                self.version,
                columns::integer(self.epoch),
                self.identity.id.as_bytes(),
                self.identity.incarnation
            ],
        )?;
        Ok(())
    }

    /// The log this generation was folded from is `head`'s, and reaches at least as far.
    pub(crate) fn fits(&self, projection: &'static str, head: &Head) -> Result<(), Mismatch> {
        let (stored, actual) = (self.identity, head.identity);
        if stored.id != actual.id {
            return Err(Mismatch::AnotherLog {
                projection,
                stored,
                actual,
            });
        }
        if stored.incarnation != actual.incarnation {
            let (stored, actual) = (stored.incarnation, actual.incarnation);
            return Err(Mismatch::AnotherIncarnation {
                projection,
                stored,
                actual,
            });
        }
        if self.position > head.position {
            return Err(Mismatch::AheadOfLog {
                projection,
                checkpoint: self.position,
                head: head.position,
            });
        }
        Ok(())
    }

    /// Makes `epoch` the one that may move the checkpoint; false if a newer one may already.
    pub(crate) fn claim(db: &Connection, epoch: u64) -> rusqlite::Result<bool> {
        let claimed = db.execute(include_str!("claim_checkpoint.sql"), [columns::integer(epoch)])?;
        Ok(claimed == 1)
    }

    /// Puts `to` in the place of this one if that is still where the generation stands; false if someone else moved it.
    pub(crate) fn move_to(&self, db: &Connection, to: &Self) -> rusqlite::Result<bool> {
        let moved = db
            .prepare_cached(include_str!("move_checkpoint.sql"))?
            .execute(params![
                columns::integer(to.position),
                to.event.map(Uuid::into_bytes),
                columns::integer(self.position),
                columns::integer(self.epoch)
            ])?;
        Ok(moved == 1)
    }
}
