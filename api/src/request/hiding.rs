//! What is not for somebody is answered like what does not exist, and after the same time. A thing that others use is in memory, an id
//! that names nothing is looked for on the disk first: without this the difference could be measured by asking often.

use std::time::Duration;

use tokio::time::Instant;

use crate::problem::Problem;

/// Longer than either answer takes on a machine that has time, and not worth noticing to whoever mistypes an id.
const HIDING: Duration = Duration::from_millis(10);
const NOT_FOUND: u16 = 404;

/// Waits until every such answer to a question of that moment may leave.
pub(crate) async fn hide(status: u16, asked: Instant) {
    if status == NOT_FOUND {
        tokio::time::sleep_until(asked + HIDING).await;
    }
}

/// The same, of a refusal.
pub(crate) async fn hide_problem(problem: &Problem, asked: Instant) {
    hide(problem.kind().status, asked).await;
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::problem::codes;

    #[tokio::test]
    async fn what_hides_is_answered_at_one_time_however_soon_it_was_known() {
        let asked = Instant::now();
        let not_found = Problem::new(&codes::CHANNEL_NOT_FOUND);
        assert!(hide_problem(&not_found, asked).now_or_never().is_none());
        hide_problem(&not_found, asked).await;
        assert!(asked.elapsed() >= HIDING);
        // Whoever took longer than that waits for nothing.
        assert!(hide_problem(&not_found, asked).now_or_never().is_some());
    }

    #[tokio::test]
    async fn other_answers_do_not_wait() {
        let asked = Instant::now();
        let forbidden = Problem::new(&codes::CHANNEL_FORBIDDEN);
        assert!(hide_problem(&forbidden, asked).now_or_never().is_some());
        assert!(hide(200, asked).now_or_never().is_some());
    }
}
