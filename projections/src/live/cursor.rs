//! One person's place in one channel: which event they get next, and which one ends their reading. Sockets, event streams and pages move
//! the same cursor by the same rules; where the events come from is in `reading`.

use domain::{ChannelId, UserId, channel::End};

use super::{Change, LiveEvent};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub channel: ChannelId,
    pub user: UserId,
    sight: Sight,
    next: u64,
}

/// What one person may see of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Since when the person is in the channel; older departures of theirs are history.
    pub since: u64,
    /// The lowest seq they may read. Messages from before it are not theirs to see, whatever happens to them later.
    pub from: u64,
}

impl Cursor {
    /// Before `next`.
    pub fn new(channel: ChannelId, user: UserId, sight: Sight, next: u64) -> Self {
        Self {
            channel,
            user,
            sight,
            next,
        }
    }

    /// The lowest seq this reader may see.
    pub fn visible_from(&self) -> u64 {
        self.sight.from
    }

    /// The seq that comes next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Moves past an event; `Some` if it is the person's own departure, after which nothing is theirs to see.
    pub fn pass(&mut self, event: &LiveEvent) -> Option<End> {
        self.next = event.seq + 1;
        self.ends_with(event)
    }

    /// Moves to `next`, past events that nobody can be shown; never back.
    pub fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// Back to a seq that was passed before: what was read since did not reach the reader.
    pub fn go_back_to(&mut self, seq: u64) {
        self.next = self.next.min(seq);
    }

    pub(super) fn ends_with(&self, event: &LiveEvent) -> Option<End> {
        match event.change {
            Some(Change::Ended(user, end)) if user == self.user && event.seq >= self.sight.since => Some(end),
            Some(Change::Ended(..) | Change::Added(_)) | None => None,
        }
    }
}
