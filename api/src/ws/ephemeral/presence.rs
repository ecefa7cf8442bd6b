//! Who is there: the best of a person's sockets. A socket that has ended leaves a lease behind, so that whoever comes back soon was never
//! away; others are told at most once a second what has become of a person.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use dashmap::DashMap;
use domain::UserId;
use parking_lot::Mutex;

use super::blocks::{BlockChange, Blocked};
use crate::ws::protocol::client::PresenceState;

/// The pause between two things that are told of one person.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Changes of blocks that are remembered for those whose blocks were read a moment before.
const CHANGES_MAX: usize = 1_024;

#[derive(Default)]
pub(in crate::ws) struct Presence {
    people: DashMap<UserId, Person>,
    /// The newest changes of blocks, whoever's they are.
    changes: Mutex<VecDeque<BlockChange>>,
}

#[derive(Debug, Default)]
struct Person {
    sockets: Vec<Socket>,
    told: Option<PresenceState>,
    told_at: Option<Instant>,
    /// A change waits to be told.
    waits: bool,
    blocked: Blocked,
}

#[derive(Debug, Clone, Copy)]
struct Socket {
    /// `None` once it has ended.
    id: Option<u64>,
    state: PresenceState,
    /// The end of its lease, once it has ended. While it is open, the heartbeat sees to it that somebody is there.
    until: Option<Instant>,
}

/// What others are told of a change.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ws) enum Told {
    Nothing,
    /// `None`: not there any more.
    Now(Option<PresenceState>),
    /// Something was told just now; look again then.
    Later(Instant),
}

impl Presence {
    pub(super) fn count(&self) -> usize {
        self.people.len()
    }

    /// A socket opens. It takes over from those that have ended.
    pub(in crate::ws) fn enters(&self, user: UserId, socket: u64, blocked: Blocked, now: Instant) -> Told {
        let mut person = self.people.entry(user).or_default();
        if blocked.at >= person.blocked.at {
            person.blocked = blocked;
        }
        // Those that came since it was read, when nobody may have been here to take them.
        let changes = self.changes.lock();
        let theirs = changes.iter().filter(|change| change.who == user);
        theirs.for_each(|change| person.blocked.change(change));
        drop(changes);
        let before = best(person.sockets.iter().filter(|socket| socket.id.is_none()));
        person.sockets.retain(|socket| socket.id.is_some());
        person.sockets.push(Socket {
            id: Some(socket),
            state: before.unwrap_or(PresenceState::Online),
            until: None,
        });
        person.settle(now)
    }

    /// A socket says what its person does.
    pub(in crate::ws) fn says(&self, user: UserId, socket: u64, state: PresenceState, now: Instant) -> Told {
        let Some(mut person) = self.people.get_mut(&user) else {
            return Told::Nothing;
        };
        if let Some(found) = person.sockets.iter_mut().find(|other| other.id == Some(socket)) {
            found.state = state;
        }
        person.settle(now)
    }

    /// A socket has ended; its person counts as there until its lease ends. Somebody has to [`Self::look`] then.
    pub(in crate::ws) fn leaves(&self, user: UserId, socket: u64, until: Instant) {
        if let Some(mut person) = self.people.get_mut(&user)
            && let Some(found) = person.sockets.iter_mut().find(|other| other.id == Some(socket))
        {
            found.id = None;
            found.until = Some(until);
        }
    }

    /// Lets go of what has ended, and tells what waits to be told.
    pub(in crate::ws) fn look(&self, user: UserId, now: Instant) -> Told {
        let told = self.people.get_mut(&user).map_or(Told::Nothing, |mut person| {
            person.waits = false;
            person
                .sockets
                .retain(|socket| socket.until.is_none_or(|until| until > now));
            person.settle(now)
        });
        self.people.remove_if(&user, |_, person| person.is_forgotten());
        told
    }

    /// Somebody has blocked someone or taken it back.
    pub(super) fn changes_block(&self, change: BlockChange) {
        let mut changes = self.changes.lock();
        if changes.len() == CHANGES_MAX {
            changes.pop_front();
        }
        changes.push_back(change);
        drop(changes);
        if let Some(mut person) = self.people.get_mut(&change.who) {
            person.blocked.change(&change);
        }
    }

    /// Whether one of the two has blocked the other, as far as the blocker is or was here a moment ago.
    pub(in crate::ws) fn are_apart(&self, one: UserId, other: UserId) -> bool {
        let has_blocked = |who: UserId, whom: UserId| {
            let person = self.people.get(&who);
            person.is_some_and(|person| person.blocked.list.contains(&whom))
        };
        has_blocked(one, other) || has_blocked(other, one)
    }

    /// What a person does, `None` if they are not there.
    pub(in crate::ws) fn of(&self, user: UserId) -> Option<PresenceState> {
        self.people.get(&user).and_then(|person| best(&person.sockets))
    }
}

impl Person {
    fn settle(&mut self, now: Instant) -> Told {
        let best = best(&self.sockets);
        if best == self.told || self.waits {
            return Told::Nothing;
        }
        match self.told_at.map(|told_at| told_at + TELL_EVERY) {
            Some(next) if now < next => {
                self.waits = true;
                Told::Later(next)
            }
            Some(_) | None => {
                self.told = best;
                self.told_at = Some(now);
                Told::Now(best)
            }
        }
    }

    fn is_forgotten(&self) -> bool {
        self.sockets.is_empty() && self.told.is_none() && !self.waits
    }
}

fn best<'a>(sockets: impl IntoIterator<Item = &'a Socket>) -> Option<PresenceState> {
    let states = sockets.into_iter().map(|socket| socket.state);
    states.reduce(|one, other| match (one, other) {
        (PresenceState::Away, PresenceState::Away) => PresenceState::Away,
        (PresenceState::Online, _) | (_, PresenceState::Online) => PresenceState::Online,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use PresenceState::{Away, Online};

    const ANN: UserId = UserId::from_u128(1);
    const BOB: UserId = UserId::from_u128(2);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_person_is_there_with_their_first_socket_and_gone_when_the_last_lease_ends() {
        let (presence, start) = (Presence::default(), Instant::now());
        assert_eq!(presence.of(ANN), None);
        assert_eq!(
            presence.enters(ANN, 1, Blocked::default(), start),
            Told::Now(Some(Online))
        );
        presence.leaves(ANN, 1, start + 50 * SECOND);
        assert_eq!(presence.look(ANN, start + 49 * SECOND), Told::Nothing);
        assert_eq!(presence.of(ANN), Some(Online));
        assert_eq!(presence.look(ANN, start + 50 * SECOND), Told::Now(None));
        assert_eq!(presence.of(ANN), None);
        assert!(presence.people.is_empty());
    }

    #[test]
    fn a_block_sets_two_apart_whichever_of_them_it_is_asked_of() {
        let (presence, start) = (Presence::default(), Instant::now());
        let change = |at, on| BlockChange {
            who: ANN,
            whom: BOB,
            on,
            at,
        };
        let read_at = |at| Blocked {
            list: Default::default(),
            at,
        };
        // Between the reading of her blocks and her coming.
        presence.changes_block(change(7, true));
        presence.enters(ANN, 1, read_at(6), start);
        assert!(presence.are_apart(ANN, BOB) && presence.are_apart(BOB, ANN));
        presence.changes_block(change(9, false));
        assert!(!presence.are_apart(BOB, ANN));
        // What is older than what is known changes nothing.
        presence.changes_block(change(8, true));
        presence.enters(ANN, 2, read_at(5), start);
        assert!(!presence.are_apart(ANN, BOB));
    }

    #[test]
    fn coming_back_soon_is_not_told() {
        let (presence, start) = (Presence::default(), Instant::now());
        presence.enters(ANN, 1, Blocked::default(), start);
        assert_eq!(presence.says(ANN, 1, Away, start + 5 * SECOND), Told::Now(Some(Away)));
        presence.leaves(ANN, 1, start + 50 * SECOND);
        assert_eq!(
            presence.enters(ANN, 2, Blocked::default(), start + 10 * SECOND),
            Told::Nothing
        );
        assert_eq!(presence.of(ANN), Some(Away));
        assert_eq!(presence.look(ANN, start + 50 * SECOND), Told::Nothing);
    }

    #[test]
    fn the_best_of_several_sockets_counts() {
        let (presence, start) = (Presence::default(), Instant::now());
        presence.enters(ANN, 1, Blocked::default(), start);
        presence.enters(ANN, 2, Blocked::default(), start);
        assert_eq!(presence.says(ANN, 1, Away, start + SECOND), Told::Nothing);
        assert_eq!(presence.of(ANN), Some(Online));
        assert_eq!(presence.says(ANN, 2, Away, start + 2 * SECOND), Told::Now(Some(Away)));
        assert_eq!(
            presence.says(ANN, 1, Online, start + 4 * SECOND),
            Told::Now(Some(Online))
        );
    }

    #[test]
    fn changes_are_told_at_most_once_a_second_and_the_last_one_counts() {
        let (presence, start) = (Presence::default(), Instant::now());
        presence.enters(ANN, 1, Blocked::default(), start);
        let half = start + SECOND / 2;
        assert_eq!(presence.says(ANN, 1, Away, half), Told::Later(start + SECOND));
        assert_eq!(presence.says(ANN, 1, Online, half), Told::Nothing);
        assert_eq!(presence.says(ANN, 1, Away, half), Told::Nothing);
        assert_eq!(presence.look(ANN, start + SECOND), Told::Now(Some(Away)));
    }

    #[test]
    fn a_change_that_was_taken_back_is_never_told() {
        let (presence, start) = (Presence::default(), Instant::now());
        presence.enters(ANN, 1, Blocked::default(), start);
        let half = start + SECOND / 2;
        assert_eq!(presence.says(ANN, 1, Away, half), Told::Later(start + SECOND));
        presence.says(ANN, 1, Online, half);
        assert_eq!(presence.look(ANN, start + SECOND), Told::Nothing);
    }
}
