//! Waiting for a condition. The deadline only bounds a failure; no test passes or fails by how long something took.

use std::time::{Duration, Instant};

use crate::server::shared_complaints;

/// Far beyond anything a slow machine needs.
pub const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// Looks until `look` finds something; `what` completes "waited for ...".
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            Instant::now() < end,
            "waited {DEADLINE:?} for {what}{}",
            shared_complaints()
        );
        tokio::time::sleep(POLL).await;
    }
}
