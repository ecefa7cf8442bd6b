//! The shape every noun has: two pure functions over one stream, and the circumstances they are told.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{Coded, EventId, UserId};

/// The rules of one stream, as two pure functions.
pub trait Decider: 'static {
    /// First part of the stream's name, `{category}-{uuid}`.
    const CATEGORY: &'static str;
    /// Raised whenever the serialized form of `State` changes, so that older snapshots are ignored.
    const STATE_VERSION: u32;
    type State: Default + Clone + Send + Sync + Serialize + DeserializeOwned + 'static;
    type Command: Clone + Debug + Serialize + Send + Sync + 'static;
    type Event: Coded + Clone + Debug + PartialEq + Send + Sync + 'static;
    type Rejection: std::error::Error + Clone + PartialEq + Send + Sync + 'static;

    /// What follows from `command`? An empty list means "already so": a retry is not an error.
    fn decide(state: &Self::State, command: Self::Command, ctx: &Context) -> Result<Vec<Self::Event>, Self::Rejection>;
    /// Facts are not negotiable: total, silent, no clock.
    fn evolve(state: &mut Self::State, event: &Self::Event, meta: &Meta);
    /// The revision at which a command with this event id was already carried out, if it was.
    fn seen(state: &Self::State, event: EventId) -> Option<u64>;
    /// Roughly how many bytes the state holds, for the memory budget.
    fn weight(state: &Self::State) -> usize;
}

/// Who acts: a person, or the service itself (reactors, operators at the console).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Actor {
    User(UserId),
    System,
}

impl Actor {
    /// The person who acts, if it is one.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::System => None,
        }
    }

    /// How the log stores the actor; the service itself is the nil UUID.
    pub fn uuid(self) -> Uuid {
        self.user().map_or(Uuid::nil(), |user| user.uuid())
    }

    pub fn from_uuid(id: Uuid) -> Self {
        if id.is_nil() {
            Self::System
        } else {
            Self::User(UserId::from(id))
        }
    }
}

impl From<UserId> for Actor {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

/// The circumstances of a command: everything a rule may depend on besides the state and the command itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Context {
    pub actor: Actor,
    /// The role over the whole service in which the actor does this, where they have it and said so.
    pub acting_as: Option<crate::user::ServiceRole>,
    pub now: DateTime<Utc>,
    /// Id of the first event this command will produce; a message sent is named by it.
    pub event_id: EventId,
    /// The actor's role in the space the stream belongs to, if it belongs to one and they are in it.
    pub space_role: Option<crate::space::Role>,
    /// The same for the person the command is about, where it is about one.
    pub subject_space_role: Option<crate::space::Role>,
    /// The person the command is about is banned from that space at this moment.
    pub subject_banned: bool,
    /// The space the stream belongs to, if it belongs to one, is archived.
    pub space_archived: bool,
    /// The actor is muted in that space at this moment.
    pub muted: bool,
    /// In a conversation of two, or on the way to one: one of them has blocked the other.
    pub blocked: bool,
}

/// What the log knows about an event besides its content.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meta {
    pub id: EventId,
    pub revision: u64,
    pub actor: Actor,
    pub at: DateTime<Utc>,
}

impl Meta {
    /// The place clients see: revision 0 is seq 1.
    pub fn seq(&self) -> u64 {
        self.revision + 1
    }
}
