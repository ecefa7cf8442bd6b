//! Who is typing where: leases that are renewed by typing on and end by themselves. Others are told at the beginning, now and then while
//! it lasts, and at the end.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use dashmap::{DashMap, Entry};
use domain::{ChannelId, UserId};

/// Leases on this node at once; typing beyond it is not told.
const LEASES_MAX: usize = 100_000;

pub(in crate::ws) struct Typing {
    leases: DashMap<(ChannelId, UserId), Held>,
    /// So that every message of those who never type costs one look at a number.
    count: AtomicUsize,
    born: AtomicU64,
    time: Duration,
}

#[derive(Debug)]
struct Held {
    id: u64,
    until: Instant,
    told: Instant,
}

/// Names one lease, also after another has taken its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ws) struct Lease {
    pub(in crate::ws) ch: ChannelId,
    pub(in crate::ws) by: UserId,
    pub(in crate::ws) until: Instant,
    id: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::ws) struct Typed {
    /// Others should be told.
    pub(in crate::ws) is_news: bool,
    /// A lease that did not exist before.
    pub(in crate::ws) lease: Option<Lease>,
}

/// What is left of a lease.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ws) enum Left {
    Until(Instant),
    /// It has ended just now.
    Ended,
    Nothing,
}

impl Typing {
    pub(super) fn new(time: Duration) -> Self {
        Self {
            leases: DashMap::new(),
            count: AtomicUsize::new(0),
            born: AtomicU64::new(0),
            time,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Others are told at most twice in the time of a lease.
    pub(super) fn types(&self, ch: ChannelId, by: UserId, now: Instant) -> Typed {
        let until = now + self.time;
        match self.leases.entry((ch, by)) {
            Entry::Occupied(mut held) => {
                let held = held.get_mut();
                held.until = until;
                let is_news = now >= held.told + self.time / 2;
                if is_news {
                    held.told = now;
                }
                Typed { is_news, lease: None }
            }
            Entry::Vacant(_) if self.count() >= LEASES_MAX => Typed {
                is_news: false,
                lease: None,
            },
            Entry::Vacant(place) => {
                let id = self.born.fetch_add(1, Ordering::Relaxed);
                self.count.fetch_add(1, Ordering::Relaxed);
                place.insert(Held { id, until, told: now });
                Typed {
                    is_news: true,
                    lease: Some(Lease { ch, by, until, id }),
                }
            }
        }
    }

    /// Ends a lease before its time; whether there was one.
    pub(super) fn stops(&self, ch: ChannelId, by: UserId) -> bool {
        self.count() > 0 && self.remove_if(ch, by, |_| true)
    }

    pub(super) fn look(&self, lease: Lease, now: Instant) -> Left {
        let Lease { ch, by, id, .. } = lease;
        if self.remove_if(ch, by, |held| held.id == id && held.until <= now) {
            return Left::Ended;
        }
        match self.leases.get(&(ch, by)) {
            Some(held) if held.id == id => Left::Until(held.until),
            Some(_) | None => Left::Nothing,
        }
    }

    fn remove_if(&self, ch: ChannelId, by: UserId, is_over: impl Fn(&Held) -> bool) -> bool {
        let removed = self.leases.remove_if(&(ch, by), |_, held| is_over(held)).is_some();
        if removed {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: ChannelId = ChannelId::from_u128(1);
    const ANN: UserId = UserId::from_u128(2);
    const BOB: UserId = UserId::from_u128(3);
    const SECOND: Duration = Duration::from_secs(1);

    fn typing() -> (Typing, Instant) {
        (Typing::new(6 * SECOND), Instant::now())
    }

    #[test]
    fn others_are_told_at_the_beginning_and_now_and_then() {
        let (typing, start) = typing();
        let told: Vec<_> = (0..10)
            .map(|second| typing.types(ROOM, ANN, start + second * SECOND).is_news)
            .collect();
        assert_eq!(told, [true, false, false, true, false, false, true, false, false, true]);
        assert!(typing.types(ROOM, BOB, start).is_news);
    }

    #[test]
    fn a_lease_ends_by_itself_and_only_once() {
        let (typing, start) = typing();
        let lease = typing.types(ROOM, ANN, start).lease.expect("a new lease");
        assert_eq!(typing.look(lease, start + 5 * SECOND), Left::Until(start + 6 * SECOND));
        assert_eq!(typing.look(lease, start + 6 * SECOND), Left::Ended);
        assert_eq!(typing.look(lease, start + 6 * SECOND), Left::Nothing);
        assert!(!typing.stops(ROOM, ANN));
    }

    #[test]
    fn typing_on_renews_the_lease() {
        let (typing, start) = typing();
        let lease = typing.types(ROOM, ANN, start).lease.expect("a new lease");
        assert_eq!(typing.types(ROOM, ANN, start + 4 * SECOND).lease, None);
        assert_eq!(typing.look(lease, start + 6 * SECOND), Left::Until(start + 10 * SECOND));
    }

    #[test]
    fn a_lease_that_was_stopped_does_not_end_the_next_one() {
        let (typing, start) = typing();
        let first = typing.types(ROOM, ANN, start).lease.expect("a new lease");
        assert!(typing.stops(ROOM, ANN));
        let second = typing.types(ROOM, ANN, start + SECOND).lease.expect("another lease");
        assert_eq!(typing.look(first, start + 100 * SECOND), Left::Nothing);
        assert_eq!(typing.look(second, start + 100 * SECOND), Left::Ended);
    }
}
