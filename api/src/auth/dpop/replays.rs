//! Which proofs were shown: each is remembered, as a hash, for as long as it would be good.

use std::collections::HashMap;

use parking_lot::Mutex;
use prometheus_client::metrics::gauge::Gauge;
use sha2::{Digest, Sha256};

use super::Unproved;

/// More than three thousand a second, each kept for a minute; about 16 MiB.
const KEPT_MAX: usize = 200_000;
/// Below so many, old ones are not worth looking for.
const SWEEP_MIN: usize = 1_024;

type Hash = [u8; 32];

#[derive(Debug, Default)]
pub(super) struct Replays {
    kept: Mutex<Kept>,
    gauge: Gauge,
}

#[derive(Debug, Default)]
struct Kept {
    /// Until when, in seconds.
    by_hash: HashMap<Hash, i64>,
    /// At this size old ones are forgotten; after that it is twice of what is left, so that the cost is shared.
    sweep_at: usize,
}

impl Replays {
    pub(super) fn new(gauge: Gauge) -> Self {
        Self {
            kept: Mutex::default(),
            gauge,
        }
    }

    /// Ok for whoever comes first with it. With no room left nobody is let in: nobody could tell them from a thief.
    pub(super) fn first(&self, thumbprint: &str, id: &str, until: i64, now: i64) -> Result<(), Unproved> {
        let hash = hash(thumbprint, id);
        let mut kept = self.kept.lock();
        if kept.by_hash.len() >= kept.sweep_at.clamp(SWEEP_MIN, KEPT_MAX) {
            kept.by_hash.retain(|_, until| *until >= now);
            kept.sweep_at = kept.by_hash.len() * 2;
        }
        if kept.by_hash.contains_key(&hash) {
            return Err(Unproved::Wrong);
        }
        if kept.by_hash.len() >= KEPT_MAX {
            return Err(Unproved::Busy);
        }
        kept.by_hash.insert(hash, until);
        self.gauge.set(i64::try_from(kept.by_hash.len()).unwrap_or(i64::MAX));
        Ok(())
    }
}

fn hash(thumbprint: &str, id: &str) -> Hash {
    Sha256::new()
        .chain_update(thumbprint)
        .chain_update([0])
        .chain_update(id)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_good_once_for_each_key() {
        let replays = Replays::default();
        assert_eq!(replays.first("a", "1", 60, 0), Ok(()));
        assert_eq!(replays.first("a", "1", 60, 0), Err(Unproved::Wrong));
        assert_eq!(replays.first("a", "1", 60, 60), Err(Unproved::Wrong));
        assert_eq!(replays.first("b", "1", 60, 0), Ok(()));
        assert_eq!(replays.first("a", "2", 60, 0), Ok(()));
    }

    #[test]
    fn what_is_kept_is_bounded_and_old_ones_make_room() {
        let replays = Replays::default();
        for number in 0..KEPT_MAX {
            assert_eq!(replays.first("a", &number.to_string(), 60, 0), Ok(()));
        }
        assert_eq!(replays.first("a", "one more", 60, 60), Err(Unproved::Busy));
        assert_eq!(replays.first("a", "one more", 120, 61), Ok(()));
        assert_eq!(replays.kept.lock().by_hash.len(), 1);
        assert_eq!(replays.gauge.get(), 1);
    }
}
