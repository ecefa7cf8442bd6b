//! The generations of the views: which there are, how far each is, and what operators have done with them.

mod list;
mod operate;

use projections::{BuildProgress, ProjectionStatus};
use serde::Serialize;

pub(crate) use list::list;
pub(crate) use operate::{cancel, pause, promote, rebuild, resume, retire, roll_back};

use super::verifications::DifferingShape;

/// One generation of a view.
#[derive(Serialize)]
struct ProjectionShape {
    name: &'static str,
    version: u32,
    generation: u64,
    state: &'static str,
    checkpoint: u64,
    head: u64,
    lag_events: u64,
    /// Age of the oldest event that is not folded yet.
    lag_seconds: f64,
    /// Events put aside.
    quarantined: u64,
    /// What its rows add up to, where sums are kept.
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressShape>,
    /// Why it is what it is, where that is not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What is known not to be what the log says; of the generation that serves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    drift: Vec<DifferingShape>,
}

#[derive(Serialize)]
struct ProgressShape {
    events: u64,
    of: u64,
    rate: f64,
    eta_s: Option<f64>,
    paused: bool,
}

impl ProjectionShape {
    fn of(status: ProjectionStatus, digest: Option<String>) -> Self {
        Self {
            name: status.name,
            version: status.version,
            generation: status.generation,
            state: status.state.as_str(),
            checkpoint: status.checkpoint,
            head: status.head,
            lag_events: status.lag_events,
            lag_seconds: status.lag_seconds,
            quarantined: status.parked,
            digest,
            progress: status.progress.map(ProgressShape::from),
            reason: status.reason,
            drift: vec![],
        }
    }
}

impl From<BuildProgress> for ProgressShape {
    fn from(progress: BuildProgress) -> Self {
        Self {
            events: progress.events,
            of: progress.of,
            rate: progress.rate,
            eta_s: progress.eta_s,
            paused: progress.paused,
        }
    }
}
