//! One class of requests: a bucket for each key, and room for a bounded number of keys. When there are more, those that are not known
//! yet share a few buckets: nobody who is known suffers from strangers who come under ever new names, and nobody is refused for being
//! new alone.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use dashmap::{DashMap, Entry};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};
use parking_lot::Mutex;
use prometheus_client::metrics::gauge::Gauge;

use super::Standing;

/// Keys one class may hold: some four megabytes.
pub(super) const KEYS_MAX: i64 = 100_000;
/// Buckets that further keys share.
pub(super) const SHARED_BUCKETS: usize = 256;
/// Who was quiet is forgotten this often, and sooner where there is no room, but never in each request.
const SWEEP_EVERY_MS: u64 = 60_000;
const SWEEP_FULL_EVERY_MS: u64 = 1_000;

pub(super) struct Limiter {
    name: &'static str,
    buckets: RateLimiter<u64, Shared, DefaultClock, StateInformationMiddleware>,
    store: Arc<Buckets>,
    each: Duration,
    burst: NonZeroU32,
    clock: DefaultClock,
    started: Instant,
    /// Milliseconds since the start.
    swept_at: AtomicU64,
}

impl Limiter {
    pub(super) fn new(name: &'static str, period: Duration, count: usize, burst: usize, keys: Gauge) -> Self {
        let each = period / u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let burst = u32::try_from(burst)
            .ok()
            .and_then(NonZeroU32::new)
            .unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(each)
            .unwrap_or(Quota::per_second(burst))
            .allow_burst(burst);
        let store = Arc::new(Buckets::new(keys));
        let clock = DefaultClock::default();
        Self {
            name,
            buckets: RateLimiter::new(quota, Shared(Arc::clone(&store)), clock.clone()),
            store,
            each,
            burst,
            clock,
            started: Instant::now(),
            swept_at: AtomicU64::new(0),
        }
    }

    /// What is left, or the wait when it is too soon.
    pub(super) fn check(&self, key: u64) -> Result<Standing, Duration> {
        self.sweep_when_due();
        match self.buckets.check_key(&key) {
            Ok(state) => Ok(self.standing(state.remaining_burst_capacity())),
            Err(too_soon) => Err(too_soon.wait_time_from(self.clock.now()).max(Duration::from_millis(1))),
        }
    }

    /// Nothing is left for that long.
    pub(super) fn empty(&self, wait: Duration) -> Standing {
        Standing {
            reset_seconds: whole_seconds(wait).max(1),
            ..self.standing(0)
        }
    }

    /// Takes one check back.
    pub(super) fn give_back(&self, key: u64) {
        self.store.give_back(key, self.each);
    }

    fn standing(&self, remaining: u32) -> Standing {
        let burst = self.burst.get();
        Standing {
            policy: self.name,
            burst,
            remaining,
            window_seconds: whole_seconds(self.each * burst).max(1),
            reset_seconds: whole_seconds(self.each * burst.saturating_sub(remaining)),
        }
    }

    fn sweep_when_due(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let swept_at = self.swept_at.load(Ordering::Relaxed);
        let pause = if self.store.is_full() {
            SWEEP_FULL_EVERY_MS
        } else {
            SWEEP_EVERY_MS
        };
        let due = now.saturating_sub(swept_at) >= pause;
        let ours = || {
            self.swept_at
                .compare_exchange(swept_at, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if due && ours() {
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
        }
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        self.store.known.len()
    }
}

fn whole_seconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// When each key's bucket is full again, as the limiter notes it.
struct Buckets {
    known: DashMap<u64, Nanos>,
    /// How many are known; also what `/metrics` shows.
    count: Gauge,
    strangers: Vec<Mutex<Option<Nanos>>>,
}

impl Buckets {
    fn new(count: Gauge) -> Self {
        Self {
            known: DashMap::new(),
            count,
            strangers: (0..SHARED_BUCKETS).map(|_| Mutex::default()).collect(),
        }
    }

    fn is_full(&self) -> bool {
        self.count.get() >= KEYS_MAX
    }

    /// Keys are hashes already.
    fn shared(&self, key: u64) -> &Mutex<Option<Nanos>> {
        &self.strangers[key as usize % SHARED_BUCKETS]
    }

    fn give_back(&self, key: u64, each: Duration) {
        let earlier = |at: Nanos| at.saturating_sub(each.into());
        if let Some(mut at) = self.known.get_mut(&key) {
            *at = earlier(*at);
        } else if let Some(at) = self.shared(key).lock().as_mut() {
            *at = earlier(*at);
        }
    }
}

/// The store as the limiter's library takes it.
struct Shared(Arc<Buckets>);

impl StateStore for Shared {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        match self.0.known.entry(*key) {
            Entry::Occupied(mut known) => {
                let (measured, at) = measure(Some(*known.get()))?;
                known.insert(at);
                Ok(measured)
            }
            Entry::Vacant(new) if !self.0.is_full() => {
                let (measured, at) = measure(None)?;
                new.insert(at);
                self.0.count.inc();
                Ok(measured)
            }
            Entry::Vacant(new) => {
                drop(new);
                let mut shared = self.0.shared(*key).lock();
                let (measured, at) = measure(*shared)?;
                *shared = Some(at);
                Ok(measured)
            }
        }
    }
}

impl ShrinkableKeyedStateStore<u64> for Shared {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.known.retain(|_, at| {
            let stays = *at > drop_below;
            if !stays {
                self.0.count.dec();
            }
            stays
        });
    }

    fn shrink_to_fit(&self) {
        self.0.known.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.0.known.len()
    }

    fn is_empty(&self) -> bool {
        self.0.known.is_empty()
    }
}
