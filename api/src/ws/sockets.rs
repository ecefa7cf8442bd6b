//! How many sockets and event streams there are on this node, over all its workers: by person and by address.

use std::{hash::Hash, net::IpAddr, sync::Arc};

use dashmap::{DashMap, Entry};
use domain::UserId;

/// Counts of what is open. Cheap to clone.
#[derive(Clone, Default)]
pub struct Sockets {
    by_user: Counts<UserId>,
    by_address: Counts<IpAddr>,
    streams_by_user: Counts<UserId>,
}

impl Sockets {
    /// A place for one more socket of `user`, unless they have `most` already: the oldest are kept.
    pub(super) fn enter(&self, user: UserId, most: usize) -> Option<Place<UserId>> {
        self.by_user.enter(user, most)
    }

    /// A place for one more socket from `address`.
    pub(super) fn enter_from(&self, address: IpAddr, most: usize) -> Option<Place<IpAddr>> {
        self.by_address.enter(address, most)
    }

    /// A place for one more event stream of `user`.
    pub(crate) fn enter_stream(&self, user: UserId, most: usize) -> Option<Place<UserId>> {
        self.streams_by_user.enter(user, most)
    }
}

struct Counts<K: Eq + Hash>(Arc<DashMap<K, usize>>);

/// A counted socket or stream; gives its place back when dropped.
pub(crate) struct Place<K: Eq + Hash + Copy> {
    counts: Counts<K>,
    key: K,
}

impl<K: Eq + Hash> Default for Counts<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash> Clone for Counts<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash + Copy> Counts<K> {
    fn enter(&self, key: K, most: usize) -> Option<Place<K>> {
        let mut count = self.0.entry(key).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(count);
        Some(Place {
            counts: self.clone(),
            key,
        })
    }
}

impl<K: Eq + Hash + Copy> Drop for Place<K> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.counts.0.entry(self.key) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId::from_u128(1);

    #[test]
    fn the_oldest_sockets_are_kept_and_places_come_back() {
        let sockets = Sockets::default();
        let first = sockets.enter(ANN, 2).expect("first");
        let _second = sockets.enter(ANN, 2).expect("second");
        assert!(sockets.enter(ANN, 2).is_none());
        drop(first);
        assert!(sockets.enter(ANN, 2).is_some());
    }

    #[test]
    fn a_person_without_sockets_is_forgotten() {
        let sockets = Sockets::default();
        drop(sockets.enter(ANN, 1));
        assert!(sockets.by_user.0.is_empty());
    }
}
