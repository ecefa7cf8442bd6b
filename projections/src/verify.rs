//! Whether views hold what the log says: their rows are compared with the sums their writer kept, which finds hands and disks, and with
//! what the log makes of the same streams now, which finds everything else. Nothing here changes a view.

mod background;
mod drift;
mod refold;
mod rows;
mod view;
mod whole;

use event_store::{ReadError, StreamName};
use uuid::Uuid;

pub use background::Pace;
pub(crate) use background::run as in_background;
pub(crate) use drift::Drift;
pub(crate) use refold::{LogReader, Walked, execute, walk};
pub use rows::{Difference, DifferingRow};
pub use whole::{Extent, Refusal, Verification, VerificationState};
pub(crate) use whole::{Verifications, verify};

use crate::{
    digest::{Scope, Table},
    quarantine::Skipped,
};
use view::Snapshot;

/// Differences of one view that are named. More than a person can look at; whoever has that many rebuilds.
pub(crate) const DIFFERENCES_MAX: usize = 100;

/// A key of a table whose rows are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    pub table: &'static str,
    /// The id by which the table is summed, in its public form.
    pub key: String,
    /// The first row that differs, where folding the key's own stream again can tell.
    pub row: Option<DifferingRow>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("the view cannot be read")]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error("the scratch copy cannot be kept on the disk")]
    Io(#[from] std::io::Error),
    #[error("streams were retried or skipped meanwhile")]
    Changed,
    #[error("it was told to stop")]
    Stopped,
}

/// The stream that all rows of `key` come from, if there is one.
fn stream_of(table: &Table, key: &[u8]) -> Option<StreamName> {
    match (table.scope, Uuid::from_slice(key)) {
        (Scope::Stream(category), Ok(id)) => Some(StreamName::new(category, id)),
        (Scope::Stream(_) | Scope::Many(_), _) => None,
    }
}

/// Names a key that was found by its sums, with the first row that differs from what the log makes.
fn named(
    log: &LogReader,
    snapshot: &Snapshot,
    table: &'static Table,
    key: &[u8],
    skipped: &Skipped,
) -> Result<Differing, VerifyError> {
    let row = match stream_of(table, key) {
        Some(stream) => refold::stream(log, snapshot, &stream, skipped)?
            .map(|folded| rows::first_difference(&snapshot.connection, &folded, table, key))
            .transpose()?
            .flatten(),
        None => None,
    };
    Ok(Differing {
        table: table.name,
        key: table.public_key(key),
        row,
    })
}

/// Folds one stream again and compares its rows in all tables that come from it alone.
fn refolded(
    log: &LogReader,
    snapshot: &Snapshot,
    category: &str,
    key: &[u8],
    skipped: &Skipped,
) -> Result<Vec<(&'static Table, Differing)>, VerifyError> {
    let Ok(id) = Uuid::from_slice(key) else {
        return Ok(vec![]);
    };
    let stream = StreamName::new(category, id);
    let Some(folded) = refold::stream(log, snapshot, &stream, skipped)? else {
        tracing::warn!(
            projection = snapshot.projection.name,
            stream = stream.as_str(),
            "What {stream} holds cannot be read any more, so its rows cannot be verified"
        );
        return Ok(vec![]);
    };
    let tables = snapshot.projection.tables.iter();
    let mut differing = vec![];
    for table in tables.filter(|table| category_of(table) == category) {
        if let Some(row) = rows::first_difference(&snapshot.connection, &folded, table, key)? {
            let found = Differing {
                table: table.name,
                key: table.public_key(key),
                row: Some(row),
            };
            differing.push((table, found));
        }
    }
    Ok(differing)
}

/// Nothing for tables whose rows come from several streams.
fn category_of(table: &Table) -> &'static str {
    match table.scope {
        Scope::Stream(category) => category,
        Scope::Many(_) => "",
    }
}
