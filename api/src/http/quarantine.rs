//! Streams that a view put aside, since an event of theirs cannot be read: folding them again, and passing over the event.

mod retry;
mod skip;

use projections::{MendError, Mended, Parked, StillParked};
use serde::Serialize;

pub(crate) use retry::retry;
pub(crate) use skip::skip;

use crate::problem::{Problem, codes};

/// A stream that waits.
#[derive(Serialize)]
pub(crate) struct ParkedShape {
    stream: String,
    /// Of the event it waits for.
    position: u64,
    reason: String,
    /// That event, and those behind it; left out of answers that are not about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
}

#[derive(Serialize)]
struct MendedShape {
    /// Of which nothing waits any more.
    streams: u64,
    events: u64,
    parked: Vec<ParkedShape>,
    /// The view is folded anew beside it, since its rows come from several streams.
    rebuilding: bool,
}

impl From<Parked> for ParkedShape {
    fn from(parked: Parked) -> Self {
        Self {
            stream: parked.stream,
            position: parked.position,
            reason: parked.reason,
            events: Some(parked.events),
        }
    }
}

impl From<StillParked> for ParkedShape {
    fn from(parked: StillParked) -> Self {
        Self {
            stream: parked.stream,
            position: parked.position,
            reason: parked.reason,
            events: None,
        }
    }
}

impl From<Mended> for MendedShape {
    fn from(mended: Mended) -> Self {
        Self {
            streams: mended.streams,
            events: mended.events,
            parked: mended.still.into_iter().map(ParkedShape::from).collect(),
            rebuilding: mended.rebuilding,
        }
    }
}

pub(crate) fn problem(error: MendError) -> Problem {
    match error {
        MendError::NoSuchView => Problem::new(&codes::ROUTE_NOT_FOUND),
        MendError::NotParked => Problem::new(&codes::VIEW_NOT_PARKED),
        MendError::NotRunning | MendError::Stale | MendError::Database(_) | MendError::Log(_) => {
            tracing::warn!(%error, "Parked events were not folded again");
            Problem::new(&codes::VIEW_UNAVAILABLE)
        }
    }
}
