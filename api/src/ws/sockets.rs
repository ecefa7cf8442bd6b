//! How many sockets each person has on this node, over all its workers.

use std::sync::Arc;

use dashmap::{DashMap, Entry};
use domain::UserId;

/// Counts of open sockets. Cheap to clone.
#[derive(Clone, Default)]
pub struct Sockets(Arc<DashMap<UserId, usize>>);

/// A counted socket; gives its place back when dropped.
pub(super) struct Place {
    sockets: Sockets,
    user: UserId,
}

impl Sockets {
    /// A place for one more socket of `user`, unless they have `most` already: the oldest are kept.
    pub(super) fn enter(&self, user: UserId, most: usize) -> Option<Place> {
        let mut count = self.0.entry(user).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(count);
        Some(Place {
            sockets: self.clone(),
            user,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.sockets.0.entry(self.user) {
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

    #[test]
    fn the_oldest_sockets_are_kept_and_places_come_back() {
        let (sockets, ann) = (Sockets::default(), UserId::from_u128(1));
        let first = sockets.enter(ann, 2).expect("first");
        let _second = sockets.enter(ann, 2).expect("second");
        assert!(sockets.enter(ann, 2).is_none());
        drop(first);
        assert!(sockets.enter(ann, 2).is_some());
    }

    #[test]
    fn a_person_without_sockets_is_forgotten() {
        let sockets = Sockets::default();
        drop(sockets.enter(UserId::from_u128(1), 1));
        assert!(sockets.0.is_empty());
    }
}
