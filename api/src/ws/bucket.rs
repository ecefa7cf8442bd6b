//! How many frames one socket may send: a token bucket of its own, without locks, since a socket lives on one thread. Commands are counted
//! by person, in `rates`.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use super::protocol::{BadFrame, ClientFrame};
use crate::{
    app::App,
    problem::{Problem, codes},
};

/// Refusals for haste that are answered before it is flooding, and how many of them are forgiven in a second.
const REFUSALS_MAX: usize = 200;
const REFUSALS_FORGIVEN_PER_SECOND: usize = 10;

/// What one socket may still send.
pub(super) struct Budget {
    /// `None` when rates are lifted.
    frames: Option<Cell<Bucket>>,
    refusals: Cell<Bucket>,
}

impl Budget {
    pub(super) fn new(app: &App, now: Instant) -> Self {
        let (per_second, burst) = (app.limits.frames_per_second, app.limits.frames_burst);
        let frames = app
            .settings
            .rate_limits
            .then(|| Cell::new(Bucket::new(per_second, burst, now)));
        Self {
            frames,
            refusals: Cell::new(Bucket::new(REFUSALS_FORGIVEN_PER_SECOND, REFUSALS_MAX, now)),
        }
    }

    /// One more frame. The problem says how long to wait.
    pub(super) fn pay_for(&self, frame: &Result<ClientFrame, BadFrame>, now: Instant) -> Result<(), Problem> {
        self.pay(price(frame), now)
    }

    /// One more frame that says nothing: a ping, or an empty array.
    pub(super) fn pay_for_nothing(&self, now: Instant) -> Result<(), Problem> {
        self.pay(Some(1), now)
    }

    fn pay(&self, price: Option<u32>, now: Instant) -> Result<(), Problem> {
        match (&self.frames, price) {
            (Some(frames), Some(price)) => {
                taken_from(frames, price, now).map_err(|wait| Problem::new(&codes::RATE_LIMITED).retry_after(wait))
            }
            (None, _) | (_, None) => Ok(()),
        }
    }

    /// One more refusal for haste; false when there have been too many.
    pub(super) fn forgives(&self, now: Instant) -> bool {
        taken_from(&self.refusals, 1, now).is_ok()
    }
}

fn taken_from(cell: &Cell<Bucket>, tokens: u32, now: Instant) -> Result<(), Duration> {
    let mut bucket = cell.get();
    let taken = bucket.take(tokens, now);
    cell.set(bucket);
    taken
}

/// As much as can be paid in advance, refilled steadily.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// The time one token takes to come back.
    each: Duration,
    /// How far in the future `full_at` may lie.
    depth: Duration,
    full_at: Instant,
}

impl Bucket {
    fn new(per_second: usize, burst: usize, now: Instant) -> Self {
        let each = Duration::from_secs(1) / u32::try_from(per_second).unwrap_or(u32::MAX).max(1);
        Self {
            each,
            depth: each * u32::try_from(burst).unwrap_or(u32::MAX).max(1),
            full_at: now,
        }
    }

    /// Takes so many tokens; when there are too few, none, and says how long until there are enough.
    fn take(&mut self, tokens: u32, now: Instant) -> Result<(), Duration> {
        let price = (self.each * tokens).min(self.depth);
        let full_at = self.full_at.max(now) + price;
        match full_at.checked_duration_since(now + self.depth) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => {
                self.full_at = full_at;
                Ok(())
            }
        }
    }
}

/// What a frame costs of `frames_per_second`; commands have a budget of their own.
fn price(frame: &Result<ClientFrame, BadFrame>) -> Option<u32> {
    use ClientFrame::*;
    match frame {
        Ok(Cmd(_)) => None,
        // Reads up to `max_replay` events.
        Ok(Gap(_)) => Some(10),
        // Asks for the state of a channel.
        Ok(Who(_)) => Some(5),
        Ok(Sub(_)) => Some(2),
        Ok(Hello(_) | Unsub(_) | Got(_) | Read(_) | Typing(_) | Presence(_) | Pong(_) | Reauth(_)) | Err(_) => Some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, start);
        for _ in 0..3 {
            assert_eq!(bucket.take(1, start), Ok(()));
        }
        assert_eq!(bucket.take(1, start), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(1, start + Duration::from_millis(100)), Ok(()));
        assert!(bucket.take(1, start + Duration::from_millis(100)).is_err());
    }

    #[test]
    fn what_was_refused_costs_nothing() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1, 1, start);
        assert_eq!(bucket.take(1, start), Ok(()));
        for _ in 0..100 {
            assert_eq!(bucket.take(1, start), Err(Duration::from_secs(1)));
        }
        assert_eq!(bucket.take(1, start + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn who_was_quiet_has_a_burst_and_not_more() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 5, start);
        let later = start + Duration::from_secs(3_600);
        assert_eq!(bucket.take(5, later), Ok(()));
        assert!(bucket.take(1, later).is_err());
    }

    #[test]
    fn what_costs_more_than_a_burst_waits_for_a_full_bucket() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 5, start);
        assert_eq!(bucket.take(50, start), Ok(()));
        assert_eq!(bucket.take(50, start), Err(Duration::from_millis(500)));
    }
}
