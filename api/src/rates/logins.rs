//! Which addresses an account has been signed in to from. Guesses are counted for each account over all addresses that are strange to
//! it, so that many addresses guess no faster than one; an address that the account is known from is never refused for them, so that
//! nobody is locked out by strangers. The decision record on strange addresses has the reasons.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;

/// Accounts whose addresses are remembered; the one that was signed in to the longest ago is forgotten first.
const ACCOUNTS_MAX: NonZeroUsize = NonZeroUsize::new(50_000).expect("not zero");
/// Addresses of one account: its person's home, work, train. One more takes the place of the oldest.
const ADDRESSES_MAX: usize = 8;

/// One try to sign in: hashes of the account, and of the account with the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    account: u64,
    place: u64,
}

impl Attempt {
    pub(super) fn new(account: u64, place: u64) -> Self {
        Self { account, place }
    }

    pub(super) fn account(self) -> u64 {
        self.account
    }
}

pub(super) struct KnownAddresses(Mutex<LruCache<u64, Places>>);

/// The newest last.
#[derive(Default)]
struct Places([Option<u64>; ADDRESSES_MAX]);

impl Default for KnownAddresses {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(ACCOUNTS_MAX)))
    }
}

impl KnownAddresses {
    pub(super) fn knows(&self, attempt: Attempt) -> bool {
        // Peeked, since those who only try must not keep an account from being forgotten.
        self.0
            .lock()
            .peek(&attempt.account)
            .is_some_and(|places| places.0.contains(&Some(attempt.place)))
    }

    /// True when it was strange before.
    pub(super) fn learn(&self, attempt: Attempt) -> bool {
        let mut accounts = self.0.lock();
        let places = accounts.get_or_insert_mut(attempt.account, Places::default);
        places.learn(attempt.place)
    }

    #[cfg(test)]
    pub(super) fn accounts(&self) -> usize {
        self.0.lock().len()
    }
}

impl Places {
    fn learn(&mut self, place: u64) -> bool {
        let before = self.0.iter().position(|known| *known == Some(place));
        self.0[before.unwrap_or(0)..].rotate_left(1);
        self.0[ADDRESSES_MAX - 1] = Some(place);
        before.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_address_of_an_account_makes_room() {
        let known = KnownAddresses::default();
        for place in 0..=ADDRESSES_MAX as u64 {
            assert!(known.learn(Attempt::new(1, place)));
        }
        assert!(!known.knows(Attempt::new(1, 0)));
        assert!(known.knows(Attempt::new(1, 1)));
        assert!(!known.learn(Attempt::new(1, 1)), "it was known");
        assert!(known.learn(Attempt::new(1, 100)));
        assert!(known.knows(Attempt::new(1, 1)), "seen a moment ago");
        assert!(!known.knows(Attempt::new(1, 2)));
        assert!(!known.knows(Attempt::new(2, 1)), "another account");
    }

    #[test]
    fn accounts_are_bounded() {
        let known = KnownAddresses::default();
        for account in 0..ACCOUNTS_MAX.get() as u64 + 1_000 {
            known.learn(Attempt::new(account, account));
        }
        assert_eq!(known.accounts(), ACCOUNTS_MAX.get());
    }
}
