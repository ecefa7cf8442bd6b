//! Tickets for opening a socket: random, good for one use within seconds. Browsers cannot send a header with a socket, and a token in
//! an address would end up in logs. Only hashes are kept, so that memory holds nothing that could be used.

use std::{collections::HashMap, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use rand::TryRng;
use sha2::{Digest, Sha256};

use crate::request::Who;

/// 256 bits: nobody guesses one.
const TICKET_BYTES: usize = 32;

type Hash = [u8; 32];

#[derive(Debug, Clone, Copy)]
struct Ticket {
    who: Who,
    ends_at: DateTime<Utc>,
}

/// Below so many, ended tickets are not worth looking for.
const SWEEP_MIN: usize = 1_024;

#[derive(Debug)]
pub struct Tickets {
    open: Mutex<Open>,
    open_max: usize,
    life: Duration,
}

#[derive(Debug)]
struct Open {
    by_hash: HashMap<Hash, Ticket>,
    /// At this size the ended ones are forgotten; after that it is twice of what is left, so that the cost is shared.
    sweep_at: usize,
}

impl Open {
    fn sweep(&mut self, at: DateTime<Utc>) {
        self.by_hash.retain(|_, ticket| ticket.ends_at > at);
        self.by_hash.shrink_to(SWEEP_MIN);
        self.sweep_at = (self.by_hash.len() * 2).max(SWEEP_MIN);
    }
}

impl Tickets {
    pub fn new(open_max: usize, life: Duration) -> Self {
        let open = Open {
            by_hash: HashMap::new(),
            sweep_at: SWEEP_MIN,
        };
        Self {
            open: Mutex::new(open),
            open_max,
            life,
        }
    }

    /// `None` when too many tickets wait to be used.
    pub fn issue(&self, who: Who, at: DateTime<Utc>) -> Option<String> {
        let mut secret = [0; TICKET_BYTES];
        rand::rngs::SysRng.try_fill_bytes(&mut secret).ok()?;
        let text = URL_SAFE_NO_PAD.encode(secret);
        let mut open = self.open.lock();
        if open.by_hash.len() >= open.sweep_at.min(self.open_max) {
            open.sweep(at);
        }
        if open.by_hash.len() >= self.open_max {
            return None;
        }
        let ends_at = at + self.life;
        open.by_hash.insert(hash(&text), Ticket { who, ends_at });
        Some(text)
    }

    /// Takes the ticket away, whether or not it is still good.
    pub fn redeem(&self, text: &str, at: DateTime<Utc>) -> Option<Who> {
        let ticket = self.open.lock().by_hash.remove(&hash(text))?;
        (ticket.ends_at > at && ticket.who.expires_at > at).then_some(ticket.who)
    }
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use domain::{SessionId, UserId};

    use super::*;

    const LIFE: Duration = Duration::from_secs(30);

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).expect("in range")
    }

    fn ann() -> Who {
        let expires_at = noon() + Duration::from_secs(900);
        Who {
            user: UserId::from_u128(1),
            session: SessionId::from_u128(2),
            expires_at,
        }
    }

    #[test]
    fn a_ticket_works_once() {
        let tickets = Tickets::new(10, LIFE);
        let ticket = tickets.issue(ann(), noon()).expect("room");
        assert_eq!(tickets.redeem(&ticket, noon()), Some(ann()));
        assert_eq!(tickets.redeem(&ticket, noon()), None);
    }

    #[test]
    fn a_late_ticket_does_not_work() {
        let tickets = Tickets::new(10, LIFE);
        let ticket = tickets.issue(ann(), noon()).expect("room");
        assert_eq!(tickets.redeem(&ticket, noon() + LIFE), None);
        let ticket = tickets.issue(ann(), noon()).expect("room");
        assert_eq!(
            tickets.redeem(&ticket, noon() + LIFE - Duration::from_millis(1)),
            Some(ann())
        );
    }

    #[test]
    fn a_ticket_does_not_outlive_the_token_it_was_bought_with() {
        let tickets = Tickets::new(10, Duration::from_secs(3600));
        let ticket = tickets.issue(ann(), noon()).expect("room");
        assert_eq!(tickets.redeem(&ticket, ann().expires_at), None);
    }

    #[test]
    fn nonsense_is_no_ticket() {
        let tickets = Tickets::new(10, LIFE);
        tickets.issue(ann(), noon()).expect("room");
        for text in ["", "x", &"x".repeat(100_000)] {
            assert_eq!(tickets.redeem(text, noon()), None);
        }
    }

    #[test]
    fn unused_tickets_are_bounded_and_forgotten_when_they_end() {
        let tickets = Tickets::new(2, LIFE);
        let first = tickets.issue(ann(), noon()).expect("room");
        tickets.issue(ann(), noon()).expect("room");
        assert_eq!(tickets.issue(ann(), noon()), None);
        assert!(tickets.issue(ann(), noon() + LIFE).is_some());
        assert_eq!(tickets.open.lock().by_hash.len(), 1);
        assert_eq!(tickets.redeem(&first, noon()), None);
    }
}
