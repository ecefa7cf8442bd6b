//! Where a server listens. A restart takes another port, and everyone who holds the address follows.

use std::sync::{Arc, PoisonError, RwLock};

#[derive(Debug, Clone, Default)]
pub struct Address(Arc<RwLock<String>>);

impl Address {
    /// `127.0.0.1:40123`.
    pub fn authority(&self) -> String {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority())
    }

    pub fn ws(&self, path: &str) -> String {
        format!("ws://{}{path}", self.authority())
    }

    pub(crate) fn moved_to(&self, authority: &str) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = authority.to_owned();
    }
}
