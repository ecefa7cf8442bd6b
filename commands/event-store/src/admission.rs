//! What every adapter asks of an append before it may wait to be written, so that no adapter is more generous than another.

use std::collections::HashSet;

use chrono::DateTime;
use uuid::Uuid;

use crate::{Append, AppendError, Appended, Expected, NewEvent};

/// Events of one append. A command makes a handful; an import may bring a full group.
pub const APPEND_EVENTS_MAX: usize = 1024;
/// Bytes of one append: the payloads, kinds and keys of its events together.
pub const APPEND_BYTES_MAX: usize = 1 << 20;

pub(crate) type Outcome = Result<Appended, AppendError>;

/// Answers of appends that may not go on, by their place in the call.
pub(crate) struct Refusals(Vec<(usize, AppendError)>);

/// The appends that may go on, and the answers of those that may not.
pub(crate) fn admit(appends: Vec<Append>) -> (Vec<Append>, Refusals) {
    let mut admitted = Vec::with_capacity(appends.len());
    let mut refusals = Vec::new();
    for (place, mut append) in appends.into_iter().enumerate() {
        match check(&append) {
            Ok(()) => {
                cut_to_micros(&mut append);
                admitted.push(append);
            }
            Err(error) => refusals.push((place, error)),
        }
    }
    (admitted, Refusals(refusals))
}

impl Refusals {
    /// The refused appends take their places between the outcomes of the others.
    pub(crate) fn among(self, mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
        for (place, error) in self.0 {
            outcomes.insert(place, Err(error));
        }
        outcomes
    }
}

/// What counts against [`APPEND_BYTES_MAX`].
pub(crate) fn bytes_of(append: &Append) -> usize {
    append
        .events
        .iter()
        .map(|event| event.payload.len() + event.kind.len() + event.key.len())
        .sum()
}

/// Whether a stream whose newest event has revision `last` is as expected.
pub(crate) fn holds(expected: Expected, last: Option<u64>) -> bool {
    match expected {
        Expected::Any => true,
        Expected::Empty => last.is_none(),
        Expected::Revision(revision) => last == Some(revision),
    }
}

/// An id that stands twice in one append.
pub(crate) fn repeated_id(events: &[NewEvent]) -> Option<Uuid> {
    if events.len() < 2 {
        return None;
    }
    let mut seen = HashSet::with_capacity(events.len());
    events.iter().map(|event| event.id).find(|id| !seen.insert(*id))
}

fn check(append: &Append) -> Result<(), AppendError> {
    let (events, bytes) = (append.events.len(), bytes_of(append));
    if events > APPEND_EVENTS_MAX {
        return Err(AppendError::TooLarge {
            size: events,
            max: APPEND_EVENTS_MAX,
            unit: "events",
        });
    }
    if bytes > APPEND_BYTES_MAX {
        return Err(AppendError::TooLarge {
            size: bytes,
            max: APPEND_BYTES_MAX,
            unit: "bytes",
        });
    }
    Ok(())
}

/// The log keeps microseconds, and what it answers now equals what it will read later.
fn cut_to_micros(append: &mut Append) {
    for event in &mut append.events {
        let micros = event.recorded_at.timestamp_micros();
        event.recorded_at = DateTime::from_timestamp_micros(micros).unwrap_or(event.recorded_at);
    }
}
