//! Somebody is out of a space, as the log says. Every right in its channels ends with that.

use domain::{Coded, Decider, SpaceId, UserId, channel::End, space};
use event_store::Recorded;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceExit {
    pub space: SpaceId,
    pub user: UserId,
    pub end: End,
    /// Where in the log it stands.
    pub position: u64,
}

impl SpaceExit {
    /// `None` for every other event.
    pub fn of(recorded: &Recorded) -> Option<Self> {
        use space::Event::*;
        if recorded.stream.category() != space::Space::CATEGORY {
            return None;
        }
        let event = &recorded.event;
        let (user, end) = match space::Event::decode(&event.kind, event.version, &event.payload).ok()? {
            MemberLeft(left) => (left.user, End::Left),
            MemberRemoved(removed) => (removed.user, End::Removed),
            MemberBanned(banned) => (banned.user, End::Banned),
            _ => return None,
        };
        Some(Self {
            space: recorded.stream.id()?.into(),
            user,
            end,
            position: recorded.position,
        })
    }
}
