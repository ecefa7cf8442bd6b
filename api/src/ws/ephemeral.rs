//! What passes: who is typing, and who is there. Leased, never stored, and told to the workers of this node on a stream of its own that
//! may lose something under load, since the next word says more. Which sockets hear of it is decided in `whispers`.
//!
//! A bus between nodes would take each [`Whisper`] from here and hand those of others to [`Ephemeral::pass_on`]; nothing else knows where
//! one comes from.

mod blocks;
mod presence;
mod typing;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use domain::{ChannelId, UserId};
use tokio::sync::broadcast;

use super::protocol::{
    ServerFrame,
    client::PresenceState,
    server::{Eph, Passing},
};
use crate::limits::Limits;

pub(super) use blocks::Blocked;
pub(super) use presence::{Presence, Told};
pub(super) use typing::{Lease, Left, Typing};

/// Whispers that a worker may be behind before it loses the oldest.
const WHISPERS_MAX: usize = 4_096;

/// Something that passes, for whoever listens at this moment.
#[derive(Debug, Clone)]
pub(super) enum Whisper {
    Typing {
        ch: ChannelId,
        by: UserId,
        frame: Bytes,
    },
    /// `None`: not there any more.
    Presence {
        user: UserId,
        state: Option<PresenceState>,
    },
    /// One of these two has blocked the other: for each of them the other is not there from now on.
    Apart {
        one: UserId,
        other: UserId,
    },
}

pub struct Ephemeral {
    pub(super) typing: Typing,
    pub(super) presence: Presence,
    whispers: broadcast::Sender<Arc<Whisper>>,
}

impl Ephemeral {
    pub fn new(limits: &Limits) -> Self {
        Self {
            typing: Typing::new(Duration::from_millis(limits.typing_lease_ms as u64)),
            presence: Presence::default(),
            whispers: broadcast::channel(WHISPERS_MAX).0,
        }
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<Whisper>> {
        self.whispers.subscribe()
    }

    /// Somebody types. The lease to look after, if it is a new one.
    pub(super) fn types(&self, ch: ChannelId, by: UserId, now: Instant) -> Option<Lease> {
        let typed = self.typing.types(ch, by, now);
        if typed.is_news {
            self.tell_typing(ch, by, true);
        }
        typed.lease
    }

    /// Somebody has sent what they were typing, or is not in the channel any more.
    pub(crate) fn stops_typing(&self, ch: ChannelId, by: UserId) {
        if self.typing.stops(ch, by) {
            self.tell_typing(ch, by, false);
        }
    }

    /// A lease has come to its end, unless it was renewed; when to look again.
    pub(super) fn look_at_typing(&self, lease: Lease, now: Instant) -> Option<Instant> {
        match self.typing.look(lease, now) {
            Left::Until(end) => Some(end),
            Left::Nothing => None,
            Left::Ended => {
                self.tell_typing(lease.ch, lease.by, false);
                None
            }
        }
    }

    /// Tells what has become of a person's presence, now or later; when to look again.
    pub(super) fn tell_presence(&self, user: UserId, told: Told) -> Option<Instant> {
        match told {
            Told::Nothing => None,
            Told::Later(at) => Some(at),
            Told::Now(state) => {
                self.pass_on(Whisper::Presence { user, state });
                None
            }
        }
    }

    /// For the gauges: how many type and how many are there.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.typing.count(), self.presence.count())
    }

    fn tell_typing(&self, ch: ChannelId, by: UserId, on: bool) {
        let what = Passing::Typing { on };
        let frame = Eph { ch, by, what }.encode();
        self.pass_on(Whisper::Typing { ch, by, frame });
    }

    fn pass_on(&self, whisper: Whisper) {
        // Nobody listening is fine.
        let _listeners = self.whispers.send(Arc::new(whisper));
    }
}
