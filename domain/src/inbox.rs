//! What one person has received and read, per channel, and which notifications they saw: cumulative marks that only ever rise. Coalescing happens before they get here.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{ChannelId, Context, Decider, EventId, Meta, UserId, codec::codec};

#[cfg(test)]
mod tests;

/// Marker of the rules of inboxes.
#[derive(Debug, Clone, Copy)]
pub struct Inbox;

/// The channels of the marks are not looked at here: that the person is in one, and that it reaches so far, the sender makes sure of.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Command {
    /// Everything up to `seq` arrived on one of the person's devices.
    MarkGot { channel: ChannelId, seq: u64 },
    /// Everything up to `seq` was seen by the person.
    MarkRead { channel: ChannelId, seq: u64 },
    /// Every notification up to `up_to`, a position in the log, was seen.
    MarkNotifications { up_to: u64 },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Got(Got),
    Read(Read),
    NotificationsRead(NotificationsRead),
}

codec!(Event {
    Got = "ack.got" 1,
    Read = "ack.read" 1,
    NotificationsRead = "notification.read" 1,
});

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Got {
    pub channel: ChannelId,
    pub seq: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    pub channel: ChannelId,
    pub seq: u64,
}

/// Of everything in the person's list up to this position in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotificationsRead {
    pub up_to: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("only the owner of an inbox marks what they received and read")]
    NotOwner,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    marks: HashMap<ChannelId, Marks>,
    /// Who made the first mark, and therefore whose inbox it is.
    owner: Option<UserId>,
    /// The position up to which notifications were seen.
    notifications_read: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    pub got: u64,
    pub read: u64,
}

impl State {
    pub fn marks(&self, channel: ChannelId) -> Marks {
        self.marks.get(&channel).copied().unwrap_or_default()
    }

    pub fn notifications_read(&self) -> u64 {
        self.notifications_read
    }
}

impl Decider for Inbox {
    const CATEGORY: &'static str = "inbox";
    const STATE_VERSION: u32 = 2;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        let actor = ctx.actor.user().ok_or(Rejection::NotOwner)?;
        if state.owner.is_some_and(|owner| owner != actor) {
            return Err(Rejection::NotOwner);
        }
        Ok(match command {
            Command::MarkGot { channel, seq } if seq > state.marks(channel).got => {
                vec![Event::Got(Got { channel, seq })]
            }
            Command::MarkRead { channel, seq } if seq > state.marks(channel).read => {
                vec![Event::Read(Read { channel, seq })]
            }
            Command::MarkNotifications { up_to } if up_to > state.notifications_read => {
                vec![Event::NotificationsRead(NotificationsRead { up_to })]
            }
            Command::MarkGot { .. } | Command::MarkRead { .. } | Command::MarkNotifications { .. } => vec![],
        })
    }

    fn evolve(state: &mut State, event: &Event, meta: &Meta) {
        state.owner = state.owner.or(meta.actor.user());
        match event {
            Event::Got(got) => {
                let marks = state.marks.entry(got.channel).or_default();
                marks.got = marks.got.max(got.seq);
            }
            Event::Read(read) => {
                let marks = state.marks.entry(read.channel).or_default();
                // What was read has arrived.
                *marks = Marks {
                    got: marks.got.max(read.seq),
                    read: marks.read.max(read.seq),
                };
            }
            Event::NotificationsRead(read) => state.notifications_read = state.notifications_read.max(read.up_to),
        }
    }

    /// Marks are their own idempotency: one that does not rise produces nothing, so no key needs to be remembered.
    fn seen(_state: &State, _event: EventId) -> Option<u64> {
        None
    }

    fn weight(state: &State) -> usize {
        /// Key, value and the map's slack.
        const ENTRY_BYTES: usize = 56;
        state.marks.capacity() * ENTRY_BYTES
    }
}

/// The inbox of a person, by name.
pub fn stream(owner: UserId) -> String {
    format!("{}-{}", Inbox::CATEGORY, owner.uuid())
}
