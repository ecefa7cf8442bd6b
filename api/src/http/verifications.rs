//! Whether views hold what the log says, because an operator asks, and what is known about it.

mod begin;
mod read;

use projections::{Differing, MendError, Verification, Views};
use serde::Serialize;

pub(crate) use begin::begin;
pub(crate) use read::read;

use super::quarantine::ParkedShape;

/// A verification, finished or not.
#[derive(Serialize)]
pub(crate) struct VerificationShape {
    state: &'static str,
    /// How far in the log it is, and in the end where was compared.
    position: u64,
    tables: usize,
    differing: Vec<DifferingShape>,
}

/// Names what differs, never what it holds.
#[derive(Serialize)]
pub(crate) struct DifferingShape {
    table: &'static str,
    key: String,
    row: Option<RowShape>,
}

#[derive(Serialize)]
struct RowShape {
    row: String,
    columns: Vec<String>,
    kind: &'static str,
}

/// What is known about a view: its differences as the background verifier found them, the streams it put aside, and the newest verification
/// that was asked for.
#[derive(Serialize)]
pub(crate) struct Trust {
    drift: Vec<DifferingShape>,
    quarantined: Vec<ParkedShape>,
    verification: Option<VerificationShape>,
}

impl Trust {
    pub(crate) fn of(views: &Views, name: &str) -> Result<Self, MendError> {
        Ok(Self {
            drift: views.drift(name).into_iter().map(DifferingShape::from).collect(),
            quarantined: views.quarantined(name)?.into_iter().map(ParkedShape::from).collect(),
            verification: views.verification(name).map(VerificationShape::from),
        })
    }
}

impl From<Verification> for VerificationShape {
    fn from(verification: Verification) -> Self {
        Self {
            state: verification.state.as_str(),
            position: verification.position,
            tables: verification.tables,
            differing: verification.differing.into_iter().map(DifferingShape::from).collect(),
        }
    }
}

impl From<Differing> for DifferingShape {
    fn from(differing: Differing) -> Self {
        Self {
            table: differing.table,
            key: differing.key,
            row: differing.row.map(|row| RowShape {
                row: row.row,
                columns: row.columns,
                kind: row.kind.as_str(),
            }),
        }
    }
}
