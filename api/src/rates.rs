//! How often one may: commands by person and channel, sign-ins by account and address, tickets by person. Every limiter forgets who
//! was quiet, and holds a bounded number of keys. Sizes and counts are bounded elsewhere and stay when rates are lifted.

use std::{
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use domain::{ChannelId, Handle, UserId};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};

use crate::{
    limits::Limits,
    problem::{Problem, codes},
};

/// Keys one limiter may hold; beyond it those who are not known yet wait.
const KEYS_MAX: usize = 200_000;
/// After this many checks a limiter forgets who was quiet.
const SWEEP_EVERY: u32 = 20_000;

pub struct Rates {
    commands: Option<Limiter<UserId>>,
    channel_commands: Option<Limiter<(UserId, ChannelId)>>,
    logins_by_account: Option<Limiter<Handle>>,
    logins_by_address: Option<Limiter<IpAddr>>,
    registrations: Option<Limiter<IpAddr>>,
    tickets: Option<Limiter<UserId>>,
    reports: Option<Limiter<UserId>>,
}

impl Rates {
    /// With `on` false nothing is ever refused here.
    pub fn new(limits: &Limits, on: bool) -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        const MINUTE: Duration = Duration::from_secs(60);
        const HOUR: Duration = Duration::from_secs(3600);
        let per_channel = (limits.channel_commands_per_second, limits.channel_commands_burst);
        Self {
            commands: Limiter::new(on, SECOND, limits.commands_per_second, limits.commands_burst),
            channel_commands: Limiter::new(on, SECOND, per_channel.0, per_channel.1),
            logins_by_account: Limiter::new(on, MINUTE, limits.logins_per_minute, limits.logins_per_minute),
            logins_by_address: Limiter::new(on, MINUTE, limits.logins_per_minute, limits.logins_per_minute),
            registrations: Limiter::new(on, HOUR, limits.registrations_per_hour, limits.registrations_per_hour),
            tickets: Limiter::new(on, MINUTE, limits.tickets_per_minute, limits.tickets_per_minute),
            reports: Limiter::new(on, HOUR, limits.reports_per_hour, limits.reports_per_hour),
        }
    }

    /// One more command of this person. The problem says how long to wait.
    pub fn command(&self, user: UserId) -> Result<(), Problem> {
        self.command_with_standing(user).0
    }

    /// The same, with what is left afterwards; `None` when rates are lifted.
    pub fn command_with_standing(&self, user: UserId) -> (Result<(), Problem>, Option<Standing>) {
        let Some(limiter) = &self.commands else {
            return (Ok(()), None);
        };
        match limiter.check(&user) {
            Ok(standing) => (Ok(()), Some(standing)),
            Err(wait) => (Err(refused(wait)), Some(limiter.empty())),
        }
    }

    /// One more command of this person in this channel.
    pub fn channel_command(&self, user: UserId, channel: ChannelId) -> Result<(), Problem> {
        check(self.channel_commands.as_ref(), &(user, channel))
    }

    /// One more try to sign in from this address.
    pub fn login_from(&self, from: IpAddr) -> Result<(), Problem> {
        check(self.logins_by_address.as_ref(), &from)
    }

    /// One more try to sign in to this account, whether or not it exists.
    pub fn login_to(&self, account: &Handle) -> Result<(), Problem> {
        check(self.logins_by_account.as_ref(), account)
    }

    pub fn registration(&self, from: IpAddr) -> Result<(), Problem> {
        check(self.registrations.as_ref(), &from)
    }

    pub fn report(&self, user: UserId) -> Result<(), Problem> {
        check(self.reports.as_ref(), &user)
    }

    pub fn ticket(&self, user: UserId) -> Result<(), Problem> {
        check(self.tickets.as_ref(), &user)
    }
}

fn check<K: Clone + Eq + Hash>(limiter: Option<&Limiter<K>>, key: &K) -> Result<(), Problem> {
    limiter.map_or(Ok(()), |limiter| limiter.check(key).map(|_| ()).map_err(refused))
}

fn refused(wait: Duration) -> Problem {
    Problem::new(&codes::RATE_LIMITED).retry_after(wait)
}

/// What is left of a quota, for the headers that tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub burst: u32,
    pub remaining: u32,
    /// From nothing left to everything.
    pub window_seconds: u64,
    /// Until everything is there again.
    pub reset_seconds: u64,
}

impl Standing {
    fn new(burst: NonZeroU32, remaining: u32, each: Duration) -> Self {
        let burst = burst.get();
        let seconds = |cells: u32| u64::try_from((each * cells).as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
        Self {
            burst,
            remaining,
            window_seconds: seconds(burst).max(1),
            reset_seconds: seconds(burst.saturating_sub(remaining)),
        }
    }
}

type Buckets<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

struct Limiter<K: Clone + Eq + Hash> {
    buckets: Buckets<K>,
    each: Duration,
    burst: NonZeroU32,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    fn new(on: bool, period: Duration, count: usize, burst: usize) -> Option<Self> {
        let each = period / u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let burst = u32::try_from(burst)
            .ok()
            .and_then(NonZeroU32::new)
            .unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(each)?.allow_burst(burst);
        let buckets = RateLimiter::dashmap(quota).with_middleware();
        on.then(|| Self {
            buckets,
            each,
            burst,
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
        })
    }

    /// What is left, or the wait when it is too soon.
    fn check(&self, key: &K) -> Result<Standing, Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.sweep();
        }
        if self.buckets.len() >= KEYS_MAX {
            self.sweep();
            if self.buckets.len() >= KEYS_MAX {
                return Err(Duration::from_secs(1));
            }
        }
        match self.buckets.check_key(key) {
            Ok(state) => Ok(Standing::new(self.burst, state.remaining_burst_capacity(), self.each)),
            Err(too_soon) => Err(too_soon.wait_time_from(self.clock.now())),
        }
    }

    fn empty(&self) -> Standing {
        Standing::new(self.burst, 0, self.each)
    }

    fn sweep(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId::from_u128(1);
    const BOB: UserId = UserId::from_u128(2);

    fn tight() -> Limits {
        Limits {
            tickets_per_minute: 2,
            ..Limits::default()
        }
    }

    #[test]
    fn one_persons_hurry_does_not_slow_another() {
        let rates = Rates::new(&tight(), true);
        rates.ticket(ANN).expect("the first");
        rates.ticket(ANN).expect("the second");
        let refused = rates.ticket(ANN).expect_err("the third");
        assert_eq!(refused.code(), "rate/limited");
        let wait = refused.retry_after_ms().expect("a wait");
        assert!((1..=30_000).contains(&wait), "{wait}");
        rates.ticket(BOB).expect("Bob's first");
    }

    #[test]
    fn what_is_left_is_told() {
        let limits = Limits {
            commands_per_second: 1,
            commands_burst: 2,
            ..Limits::default()
        };
        let rates = Rates::new(&limits, true);
        let remaining = |_| rates.command_with_standing(ANN).1.expect("rates are on").remaining;
        assert_eq!([0, 1, 2].map(remaining), [1, 0, 0]);
        assert!(rates.command(ANN).is_err());
        let standing = rates.command_with_standing(BOB).1.expect("rates are on");
        assert_eq!((standing.burst, standing.window_seconds), (2, 2));
    }

    #[test]
    fn lifted_rates_refuse_nothing() {
        let rates = Rates::new(&tight(), false);
        for _ in 0..10 {
            rates.ticket(ANN).expect("never refused");
        }
    }
}
