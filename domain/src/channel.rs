//! A channel: its members, its settings and the messages in it, one stream, whose revision is the order every reader sees.
//! Being in the channel is decided here, by events of this stream alone; being in its space arrives in the [`Context`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    Actor, ChannelId, ChannelName, Context, Decider, EventId, MessageBody, MessageId, Meta, SpaceId, UserId,
    codec::codec, limits, space::Role as SpaceRole,
};

mod creation;
mod membership;
mod messages;
#[cfg(test)]
mod tests;

pub use membership::{End, Role, Standing};
pub use messages::Fact;

/// Marker of the rules of channels.
#[derive(Debug, Clone, Copy)]
pub struct Channel;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Two people, for ever the same two.
    Direct,
    /// A conversation of invited people outside any space.
    Group,
    /// A channel of a space.
    Text,
}

/// What a member may read of the time before joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    All,
    SinceJoin,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Command {
    CreateText {
        space: SpaceId,
        name: ChannelName,
        private: bool,
        history: Option<History>,
    },
    CreateGroup {
        name: Option<ChannelName>,
        members: Vec<UserId>,
    },
    OpenDirect {
        with: UserId,
    },
    Update {
        name: Option<ChannelName>,
        private: Option<bool>,
        history: Option<History>,
    },
    Archive,
    Join,
    Leave,
    AddMember {
        user: UserId,
    },
    RemoveMember {
        user: UserId,
    },
    Send {
        body: MessageBody,
        reply_to: Option<MessageId>,
        mentions: Vec<UserId>,
    },
    Edit {
        message: MessageId,
        body: MessageBody,
        mentions: Vec<UserId>,
        expected_version: Option<u16>,
    },
    Delete {
        message: MessageId,
        expected_version: Option<u16>,
    },
}

impl Command {
    /// The person the command is about, besides the actor, whose place in the space matters too.
    pub fn subject(&self) -> Option<UserId> {
        match self {
            Self::AddMember { user } | Self::RemoveMember { user } => Some(*user),
            Self::OpenDirect { .. }
            | Self::CreateText { .. }
            | Self::CreateGroup { .. }
            | Self::Update { .. }
            | Self::Archive
            | Self::Join
            | Self::Leave
            | Self::Send { .. }
            | Self::Edit { .. }
            | Self::Delete { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Created(Created),
    Updated(Updated),
    Archived(Archived),
    MemberAdded(MemberAdded),
    MemberLeft(MemberLeft),
    MemberRemoved(MemberRemoved),
    Sent(Sent),
    Edited(Edited),
    Deleted(Deleted),
}

codec!(Event {
    Created = "channel.created" 1,
    Updated = "channel.updated" 1,
    Archived = "channel.archived" 1,
    MemberAdded = "member.added" 1,
    MemberLeft = "member.left" 1,
    MemberRemoved = "member.removed" 1,
    Sent = "message.sent" 1,
    Edited = "message.edited" 1,
    Deleted = "message.deleted" 1,
});

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Created {
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub space: Option<SpaceId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<ChannelName>,
    pub private: bool,
    pub history: History,
}

/// Only what changed is present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Updated {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<ChannelName>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub private: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub history: Option<History>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Archived {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberAdded {
    pub user: UserId,
    pub role: Role,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberLeft {
    pub user: UserId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberRemoved {
    pub user: UserId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    pub message: MessageId,
    pub body: MessageBody,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_to: Option<MessageId>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mentions: Vec<UserId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edited {
    pub message: MessageId,
    pub version: u16,
    pub body: MessageBody,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mentions: Vec<UserId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deleted {
    pub message: MessageId,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Also the answer to anyone who may not know that the channel exists.
    #[error("there is no such channel")]
    NotFound,
    /// The answer to whoever would open a channel where they may not know that there is a space.
    #[error("there is no such space")]
    NoSuchSpace,
    #[error("this id already names another channel")]
    AlreadyExists,
    #[error("the channel is archived and takes no more changes")]
    Archived,
    #[error("the space is archived and takes no more channels")]
    SpaceArchived,
    #[error("you may not do that in this channel")]
    Forbidden,
    #[error("a direct conversation keeps its two people")]
    DirectIsFixed,
    #[error("a direct conversation needs another person")]
    DirectWithSelf,
    #[error("the channel is full: it holds at most {max} people")]
    Full { max: usize },
    #[error("that person is not in the space of this channel")]
    NotInSpace,
    #[error("that person is not in this channel")]
    NoSuchMember,
    #[error("there is no such message in this channel")]
    NoSuchMessage,
    #[error("only the author can edit a message")]
    NotAuthor,
    #[error("the message was deleted")]
    MessageDeleted,
    #[error("the message is at version {current}, not the expected one")]
    VersionMismatch { current: u16 },
    #[error("a message mentions at most {max} people")]
    TooManyMentions { max: usize },
    #[error("a mentioned person is not in this channel")]
    UnknownMention,
    #[error("the channel holds as many events as it can")]
    StreamFull,
}

/// Nothing yet, or a channel. A channel is never unmade; archiving closes it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum State {
    #[default]
    Nothing,
    Open(Box<Open>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Open {
    pub kind: Kind,
    pub space: Option<SpaceId>,
    pub name: Option<ChannelName>,
    pub private: bool,
    pub history: History,
    pub archived: bool,
    /// Seq of the newest event.
    pub top: u64,
    people: membership::People,
    messages: messages::Messages,
    /// Revision of each event that did not send a message; messages are found by their own id.
    other_events: HashMap<EventId, u32>,
}

impl State {
    pub fn open(&self) -> Option<&Open> {
        match self {
            Self::Nothing => None,
            Self::Open(open) => Some(open),
        }
    }
}

impl Open {
    /// The lowest seq `user` may read, if they are in the channel now.
    pub fn visible_from(&self, user: UserId) -> Option<u64> {
        let since = self.people.since(user)?;
        Some(match self.history {
            History::All => 1,
            History::SinceJoin => since,
        })
    }

    pub fn standing(&self, user: UserId) -> Option<Standing> {
        self.people.standing(user)
    }

    pub fn members(&self) -> impl Iterator<Item = (UserId, Role)> + '_ {
        self.people.members()
    }

    pub fn members_count(&self) -> usize {
        self.people.count()
    }

    pub fn message(&self, id: MessageId) -> Option<&Fact> {
        self.messages.get(id)
    }

    pub fn is_deleted(&self, id: MessageId) -> bool {
        self.messages.get(id).is_some_and(|fact| fact.deleted)
    }
}

impl Decider for Channel {
    const CATEGORY: &'static str = "channel";
    const STATE_VERSION: u32 = 1;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        let events = answer(state, command, ctx)?;
        let top = state.open().map_or(0, |open| open.top);
        // Asked last, so that a full channel is no sign of life to a stranger, and a retry that changes nothing still succeeds.
        let room = limits::CHANNEL_EVENTS_MAX.saturating_sub(top);
        if events.len() as u64 > room {
            Err(Rejection::StreamFull)
        } else {
            Ok(events)
        }
    }

    fn evolve(state: &mut State, event: &Event, meta: &Meta) {
        if let (State::Nothing, Event::Created(created)) = (&*state, event) {
            *state = State::Open(Box::new(Open::new(created)));
        }
        let State::Open(open) = state else { return };
        open.top = meta.seq();
        match event {
            Event::Sent(sent) => {
                let author = open.people.index_of_actor(meta.actor);
                open.messages.sent(sent.message, author, seq_u32(meta.seq()));
                if sent.message != MessageId::from(meta.id) {
                    open.remember(meta);
                }
            }
            Event::Created(_)
            | Event::Updated(_)
            | Event::Archived(_)
            | Event::MemberAdded(_)
            | Event::MemberLeft(_)
            | Event::MemberRemoved(_)
            | Event::Edited(_)
            | Event::Deleted(_) => open.remember(meta),
        }
        match event {
            Event::Created(_) | Event::Sent(_) => {}
            Event::Updated(updated) => open.apply_update(updated),
            Event::Archived(_) => open.archived = true,
            Event::MemberAdded(added) => open.people.add(added.user, added.role, meta.seq()),
            Event::MemberLeft(left) => open.people.end(left.user, meta.seq(), End::Left),
            Event::MemberRemoved(removed) => open.people.end(removed.user, meta.seq(), End::Removed),
            Event::Edited(edited) => open.messages.edited(edited.message, edited.version),
            Event::Deleted(deleted) => open.messages.deleted(deleted.message),
        }
    }

    fn seen(state: &State, event: EventId) -> Option<u64> {
        let open = state.open()?;
        let sent = open
            .messages
            .get(MessageId::from(event))
            .map(|fact| u64::from(fact.seq).saturating_sub(1));
        sent.or_else(|| open.other_events.get(&event).map(|revision| u64::from(*revision)))
    }

    fn weight(state: &State) -> usize {
        /// A hash map keeps up to twice its entries' room.
        const OTHER_EVENT_BYTES: usize = 40;
        state.open().map_or(0, |open| {
            size_of::<Open>()
                + open.people.weight()
                + open.messages.weight()
                + open.other_events.capacity() * OTHER_EVENT_BYTES
        })
    }
}

/// The stream of a channel, by name.
pub fn stream(id: ChannelId) -> String {
    format!("{}-{}", Channel::CATEGORY, id.uuid())
}

/// The table of who may command what, and what follows.
fn answer(state: &State, command: Command, ctx: &Context) -> Result<Vec<Event>, Rejection> {
    use Command::*;
    match (state, command) {
        (
            State::Nothing,
            CreateText {
                space,
                name,
                private,
                history,
            },
        ) => creation::text(ctx, space, name, private, history.unwrap_or(History::All)),
        (State::Nothing, CreateGroup { name, members }) => creation::group(ctx, name, members),
        (State::Nothing, OpenDirect { with }) => creation::direct(ctx, with),
        (State::Open(open), OpenDirect { with }) => open.reopen_direct(ctx, with),
        (State::Open(open), CreateText { .. } | CreateGroup { .. }) => {
            open.insider(ctx).and(Err(Rejection::AlreadyExists))
        }
        (
            State::Nothing,
            Update { .. }
            | Archive
            | Join
            | Leave
            | AddMember { .. }
            | RemoveMember { .. }
            | Send { .. }
            | Edit { .. }
            | Delete { .. },
        ) => Err(Rejection::NotFound),
        (State::Open(open), Update { name, private, history }) => open.update(ctx, name, private, history),
        (State::Open(open), Archive) => open.archive(ctx),
        (State::Open(open), Join) => open.join(ctx),
        (State::Open(open), Leave) => open.leave(ctx),
        (State::Open(open), AddMember { user }) => open.add_member(ctx, user),
        (State::Open(open), RemoveMember { user }) => open.remove_member(ctx, user),
        (
            State::Open(open),
            Send {
                body,
                reply_to,
                mentions,
            },
        ) => open.send(ctx, body, reply_to, mentions),
        (
            State::Open(open),
            Edit {
                message,
                body,
                mentions,
                expected_version,
            },
        ) => open.edit(ctx, message, body, mentions, expected_version),
        (
            State::Open(open),
            Delete {
                message,
                expected_version,
            },
        ) => open.delete(ctx, message, expected_version),
    }
}

impl Open {
    fn new(created: &Created) -> Self {
        Self {
            kind: created.kind,
            space: created.space,
            name: created.name.clone(),
            private: created.private,
            history: created.history,
            archived: false,
            top: 0,
            people: membership::People::default(),
            messages: messages::Messages::default(),
            other_events: HashMap::new(),
        }
    }

    fn remember(&mut self, meta: &Meta) {
        self.other_events.insert(meta.id, seq_u32(meta.revision));
    }

    /// Opening what is open changes nothing, for its own two people.
    fn reopen_direct(&self, ctx: &Context, with: UserId) -> Result<Vec<Event>, Rejection> {
        self.insider(ctx)?;
        let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
        let same = self.kind == Kind::Direct && user != with && self.people.since(with).is_some();
        if same {
            Ok(vec![])
        } else {
            Err(Rejection::AlreadyExists)
        }
    }

    fn update(
        &self,
        ctx: &Context,
        name: Option<ChannelName>,
        private: Option<bool>,
        history: Option<History>,
    ) -> Result<Vec<Event>, Rejection> {
        self.writable_by(ctx)?;
        if self.kind == Kind::Direct || !self.governed_by(ctx) {
            return Err(Rejection::Forbidden);
        }
        // Only a channel of a space can be public; a group is private by nature.
        if self.kind == Kind::Group && private == Some(false) {
            return Err(Rejection::Forbidden);
        }
        let changed = Updated {
            name: name.filter(|name| self.name.as_ref() != Some(name)),
            private: private.filter(|private| self.private != *private),
            history: history.filter(|history| self.history != *history),
        };
        let unchanged = changed.name.is_none() && changed.private.is_none() && changed.history.is_none();
        Ok(if unchanged {
            vec![]
        } else {
            vec![Event::Updated(changed)]
        })
    }

    fn archive(&self, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        self.insider(ctx)?;
        if self.kind == Kind::Direct || !self.governed_by(ctx) {
            return Err(Rejection::Forbidden);
        }
        if self.archived {
            return Ok(vec![]);
        }
        self.still_open(ctx)?;
        Ok(vec![Event::Archived(Archived {})])
    }

    fn apply_update(&mut self, updated: &Updated) {
        if let Some(name) = &updated.name {
            self.name = Some(name.clone());
        }
        self.private = updated.private.unwrap_or(self.private);
        self.history = updated.history.unwrap_or(self.history);
    }

    /// The actor is in the channel and, where it belongs to a space, still in the space. Anyone else learns nothing.
    fn insider(&self, ctx: &Context) -> Result<(), Rejection> {
        let Actor::User(user) = ctx.actor else { return Ok(()) };
        if self.within_space(ctx) && self.people.since(user).is_some() {
            Ok(())
        } else {
            Err(Rejection::NotFound)
        }
    }

    /// Leaving the space ends every right in its channels at once, before the removal reaches this stream.
    fn within_space(&self, ctx: &Context) -> bool {
        self.space.is_none() || ctx.space_role.is_some()
    }

    /// An insider, and the channel still takes changes.
    fn writable_by(&self, ctx: &Context) -> Result<(), Rejection> {
        self.insider(ctx)?;
        self.still_open(ctx)
    }

    /// Neither the channel nor the space around it is archived: only letting people go is left then.
    fn still_open(&self, ctx: &Context) -> Result<(), Rejection> {
        if self.archived || ctx.space_archived {
            Err(Rejection::Archived)
        } else {
            Ok(())
        }
    }

    /// May change settings and archive: admins of the space, the head of a group, the service itself.
    fn governed_by(&self, ctx: &Context) -> bool {
        self.ranks(ctx, SpaceRole::Admin)
    }

    /// May remove people and messages: moderators of the space, the head of a group, the service itself.
    fn moderated_by(&self, ctx: &Context) -> bool {
        self.ranks(ctx, SpaceRole::Moderator)
    }

    fn ranks(&self, ctx: &Context, least: SpaceRole) -> bool {
        let Actor::User(user) = ctx.actor else { return true };
        match self.kind {
            Kind::Text => ctx.space_role.is_some_and(|role| role >= least),
            Kind::Group => self.people.head() == Some(user),
            Kind::Direct => false,
        }
    }
}

/// Seqs and revisions are kept in 32 bits, which `CHANNEL_EVENTS_MAX` guarantees to suffice.
fn seq_u32(place: u64) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
