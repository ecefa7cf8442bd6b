//! A timer wheel: things that are due some time from now, in slots of a tenth of a second, so that ten thousand sockets cost one timer and
//! whoever is not due costs nothing. Who is due what, and when again, is the business of its owner.

use std::time::{Duration, Instant};

/// The width of a slot: nothing is due more than this too late.
pub(super) const GRAIN: Duration = Duration::from_millis(100);
/// One turn takes longer than any pause of today's defaults. What is due after it comes around early and is put back.
const SLOTS: usize = 512;

pub(super) struct Wheel<T> {
    slots: Vec<Vec<T>>,
    /// The slot that is due next, and when.
    hand: usize,
    due: Instant,
}

impl<T> Wheel<T> {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            slots: std::iter::repeat_with(Vec::new).take(SLOTS).collect(),
            hand: 0,
            due: now + GRAIN,
        }
    }

    /// Puts something in the slot that is due at `due` or just after it, or in the last one there is.
    pub(super) fn put(&mut self, due: Instant, thing: T) {
        let ahead = due
            .saturating_duration_since(self.due)
            .as_nanos()
            .div_ceil(GRAIN.as_nanos());
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX).min(SLOTS - 1);
        self.slots[(self.hand + ahead) % SLOTS].push(thing);
    }

    /// What has become due by `now`, in the order of the slots.
    pub(super) fn turn(&mut self, now: Instant) -> Vec<T> {
        let mut things = Vec::new();
        while self.due <= now {
            things.append(&mut std::mem::take(&mut self.slots[self.hand]));
            self.hand = (self.hand + 1) % SLOTS;
            self.due += GRAIN;
        }
        things
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn things_come_when_they_are_due_and_not_before() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        wheel.put(start + ms(1_000), "second");
        wheel.put(start + ms(300), "first");
        assert!(wheel.turn(start + ms(299)).is_empty());
        assert_eq!(wheel.turn(start + ms(300)), ["first"]);
        assert!(wheel.turn(start + ms(999)).is_empty());
        assert_eq!(wheel.turn(start + ms(1_000)), ["second"]);
        assert!(wheel.turn(start + ms(100_000)).is_empty());
    }

    #[test]
    fn between_two_slots_the_later_one_is_taken() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        wheel.put(start + ms(301), ());
        assert!(wheel.turn(start + ms(399)).is_empty());
        assert_eq!(wheel.turn(start + ms(400)).len(), 1);
    }

    #[test]
    fn what_is_overdue_comes_with_the_next_turn() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        wheel.turn(start + ms(5_000));
        wheel.put(start, ());
        assert_eq!(wheel.turn(start + ms(5_100)).len(), 1);
    }

    #[test]
    fn what_lies_beyond_one_turn_comes_around_early() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        wheel.put(start + ms(10_000_000), ());
        let horizon = GRAIN * SLOTS as u32;
        assert!(wheel.turn(start + horizon - GRAIN).is_empty());
        assert_eq!(wheel.turn(start + horizon).len(), 1);
    }

    #[test]
    fn a_long_pause_loses_nothing_and_keeps_the_order() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        for tenth in 1..=20_u64 {
            wheel.put(start + ms(tenth * 100), tenth);
        }
        assert_eq!(wheel.turn(start + ms(500_000)), (1..=20).collect::<Vec<_>>());
        wheel.put(start + ms(500_100), 21);
        assert_eq!(wheel.turn(start + ms(500_100)), [21]);
    }
}
