//! The differences found in the views that serve, for everyone who asks.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::Differing;

/// By view, each at most [`super::DIFFERENCES_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Drift(Mutex<BTreeMap<&'static str, Vec<Differing>>>);

impl Drift {
    pub(crate) fn of(&self, projection: &str) -> Vec<Differing> {
        self.0.lock().get(projection).cloned().unwrap_or_default()
    }

    pub(super) fn set(&self, projection: &'static str, differing: Vec<Differing>) {
        self.0.lock().insert(projection, differing);
    }
}
