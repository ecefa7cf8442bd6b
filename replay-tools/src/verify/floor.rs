//! What reading the table costs at least: every column of every row, on one thread, measured in the same run as the check.

use std::time::Instant;

use event_store::ReadOnlyLog;
use serde::Serialize;

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Floor {
    pub(super) events_per_s: f64,
    /// Rate of the check divided by that of the scan.
    pub(super) ratio: f64,
}

/// Events a second; nothing for a file that SQLite cannot read through, of which the check tells more.
pub(super) fn measure(log: &ReadOnlyLog, to: u64) -> Option<f64> {
    let mut scanner = log.scanner().ok()?;
    let started = Instant::now();
    let touched = scanner.touch(0, to).ok()?;
    std::hint::black_box(touched.sum);
    Some(touched.events as f64 / started.elapsed().as_secs_f64().max(f64::EPSILON))
}

/// The faster of two: the machine may have been busy, or the file cold.
pub(super) fn best(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    Some(before?.max(after?))
}

impl Floor {
    pub(super) fn of(floor: f64, events_per_s: f64) -> Self {
        Self {
            events_per_s: floor,
            ratio: events_per_s / floor.max(f64::EPSILON),
        }
    }
}
