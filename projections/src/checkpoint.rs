//! Where each view stands in the log, and which log that was. A view that cannot go on from where it stands starts again.

use std::collections::HashMap;

use event_store::{Head, Identity};
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection, sqlite::SqliteRow};

use crate::{columns, registry::Projection};

/// Where a view stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Raised by every rebuild, so that whoever still works on an older one cannot commit.
    pub(crate) generation: u64,
    pub(crate) position: u64,
    pub(crate) identity: Identity,
    pub(crate) version: u32,
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
    /// Empty it and fold again, with a warning in the log of the process. Views hold nothing that the log does not.
    #[default]
    Rebuild,
    /// Refuse to start.
    Refuse,
}

/// The stored checkpoints by projection.
pub(crate) async fn load(db: &mut SqliteConnection) -> sqlx::Result<HashMap<String, Checkpoint>> {
    let rows = sqlx::query(include_str!("runner/checkpoints.sql"))
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("name")?, checkpoint(row)?)))
        .collect()
}

fn checkpoint(row: &SqliteRow) -> sqlx::Result<Checkpoint> {
    Ok(Checkpoint {
        version: columns::number(row, "version")?,
        generation: columns::number(row, "generation")?,
        position: columns::number(row, "position")?,
        identity: Identity {
            id: columns::id(row, "log_id")?,
            incarnation: columns::number(row, "incarnation")?,
        },
    })
}

impl Checkpoint {
    pub(crate) fn is_of_version(&self, version: u32) -> bool {
        self.version == version
    }

    /// The log this view was folded from is `head`'s, and reaches at least as far.
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

    /// Takes the place of `from` if that is still where the view stands; false if someone else moved it.
    pub(crate) async fn move_to(&self, db: &mut SqliteConnection, name: &str, position: u64) -> sqlx::Result<bool> {
        let moved = sqlx::query(include_str!("runner/move_checkpoint.sql"))
            .bind(columns::integer(position))
            .bind(name)
            .bind(columns::integer(self.generation))
            .bind(columns::integer(self.position))
            .bind(columns::blob(self.identity.id))
            .bind(self.identity.incarnation)
            .execute(db)
            .await?;
        Ok(moved.rows_affected() == 1)
    }
}

/// Empties a view and lets it begin at the start of the log, all in one transaction.
pub(crate) async fn restart(
    db: &mut SqliteConnection,
    projection: &Projection,
    generation: u64,
    identity: Identity,
) -> sqlx::Result<Checkpoint> {
    let mut transaction = db.begin_with("begin immediate").await?;
    for table in projection.tables {
        sqlx::query(AssertSqlSafe(format!("delete from {}", table.name)))
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::query(include_str!("runner/unpark.sql"))
        .bind(projection.name)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(include_str!("runner/create_checkpoint.sql"))
        .bind(projection.name)
        .bind(projection.version)
        .bind(columns::integer(generation))
        .bind(columns::blob(identity.id))
        .bind(identity.incarnation)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Checkpoint {
        version: projection.version,
        generation,
        position: 0,
        identity,
    })
}
