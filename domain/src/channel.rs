//! A channel: its members, its settings and the messages in it, one stream, whose revision is the order every reader sees.
//! Being in the channel is decided here, by events of this stream alone; being in its space arrives in the [`Context`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    Actor, ChannelId, ChannelName, Context, Decider, EventId, MessageId, Meta, SpaceId, UserId, limits, rights::Right,
    user::ServiceRole,
};

mod commands;
mod creation;
mod events;
mod membership;
mod messages;
mod reactions;
mod settings;
#[cfg(test)]
mod tests;
mod threads;

pub use commands::Command;
pub use events::{
    Archived, Created, Deleted, Edited, Event, MemberAdded, MemberLeft, MemberRemoved, Pinned, Reacted, Restored, Sent,
    Unpinned, Unreacted, Unvoted, Updated, Voted,
};
pub use membership::{End, Role, Standing};
pub use messages::{Fact, Gone, LastWords, WordsAt};
pub use reactions::Vote;
pub use settings::{SlowMode, TooSlow};
pub use threads::Place;

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
    /// A channel of a space whose messages are posts and comments on them.
    Forum,
}

/// What a member may read of the time before joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    All,
    SinceJoin,
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
    /// The same for both, and nothing of who it was.
    #[error("one of you two does not want messages from the other")]
    Blocked,
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
    #[error("what its author deleted stays deleted")]
    DeletedByAuthor,
    #[error("the channel is in slow mode: wait before the next message")]
    SlowMode { wait_ms: u64 },
    #[error("you are muted in this space")]
    Muted,
    #[error("the message is at version {current}, not the expected one")]
    VersionMismatch { current: u16 },
    #[error("a message mentions at most {max} people")]
    TooManyMentions { max: usize },
    #[error("a mentioned person is not in this channel")]
    UnknownMention,
    #[error("a thread begins with a message that belongs to no other thread")]
    ThreadInThread,
    #[error("what it answers belongs to another thread")]
    OtherThread,
    #[error("in a forum an answer names the post it belongs to")]
    ThreadMissing,
    #[error("comments are nested at most {max} deep")]
    TooDeep { max: u8 },
    #[error("a message takes at most {max} kinds of reactions")]
    TooManyReactions { max: usize },
    #[error("a channel pins at most {max} messages")]
    TooManyPins { max: usize },
    #[error("nobody votes on what they wrote themselves")]
    OwnVote,
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
    pub slow_mode_s: SlowMode,
    pub archived: bool,
    /// Seq of the newest event.
    pub top: u64,
    people: membership::People,
    messages: messages::Messages,
    reactions: reactions::Reactions,
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
        self.messages.get(id).is_some_and(Fact::is_deleted)
    }

    /// Where a message stands in its thread, if it belongs to one.
    pub fn place(&self, id: MessageId) -> Option<Place> {
        self.messages.place(id)
    }

    /// Whether this person wrote it.
    pub fn is_author(&self, user: UserId, id: MessageId) -> bool {
        self.messages.get(id).is_some_and(|fact| self.wrote(user.into(), fact))
    }

    /// Whether this person, with that role in the space, may remove what others say here.
    pub fn is_moderator(&self, user: UserId, space_role: Option<crate::space::Role>) -> bool {
        self.allowed_to(user, space_role, Right::ModerateChannel)
    }

    /// Where the words of a message stand that are its newest, deleted or not.
    pub fn words_at(&self, id: MessageId) -> Option<WordsAt> {
        let fact = self.messages.get(id)?;
        Some(WordsAt {
            seq: self.messages.words_at(id)?,
            version: fact.version,
            author: self.people.by_index(fact.author),
        })
    }
}

impl Decider for Channel {
    const CATEGORY: &'static str = "channel";
    const STATE_VERSION: u32 = 4;
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
                if let Some(root) = sent.thread {
                    open.messages.placed(sent.message, root, sent.depth);
                }
                open.people.has_sent(meta.actor, meta.at);
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
            | Event::Deleted(_)
            | Event::Restored(_)
            | Event::Reacted(_)
            | Event::Unreacted(_)
            | Event::Voted(_)
            | Event::Unvoted(_)
            | Event::Pinned(_)
            | Event::Unpinned(_) => open.remember(meta),
        }
        match event {
            Event::Created(_) | Event::Sent(_) => {}
            Event::Updated(updated) => open.apply_update(updated),
            Event::Archived(_) => open.archived = true,
            Event::MemberAdded(added) => open.people.add(added.user, added.role, meta.seq()),
            Event::MemberLeft(left) => open.people.end(left.user, meta.seq(), End::Left),
            Event::MemberRemoved(removed) => open.people.end(removed.user, meta.seq(), removed.end()),
            Event::Edited(edited) => open
                .messages
                .edited(edited.message, edited.version, seq_u32(meta.seq())),
            Event::Deleted(deleted) => open.apply_deletion(deleted.message, meta),
            Event::Restored(restored) => open.messages.restored(restored.message),
            Event::Reacted(_)
            | Event::Unreacted(_)
            | Event::Voted(_)
            | Event::Unvoted(_)
            | Event::Pinned(_)
            | Event::Unpinned(_) => {
                let by = open.people.index_of_actor(meta.actor);
                open.apply_opinion(event, by);
            }
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
                + open.reactions.weight()
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
        ) => creation::in_space(ctx, Kind::Text, space, name, private, history.unwrap_or(History::All)),
        (
            State::Nothing,
            CreateForum {
                space,
                name,
                private,
                history,
            },
        ) => creation::in_space(ctx, Kind::Forum, space, name, private, history.unwrap_or(History::All)),
        (State::Nothing, CreateGroup { name, members }) => creation::group(ctx, name, members),
        (State::Nothing, OpenDirect { with }) => creation::direct(ctx, with),
        (State::Open(open), OpenDirect { with }) => open.reopen_direct(ctx, with),
        (State::Open(open), CreateText { .. } | CreateForum { .. } | CreateGroup { .. }) => {
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
            | Delete { .. }
            | Restore { .. }
            | React { .. }
            | Unreact { .. }
            | Vote { .. }
            | Pin { .. }
            | Unpin { .. },
        ) => Err(Rejection::NotFound),
        (
            State::Open(open),
            Update {
                name,
                private,
                history,
                slow_mode_s,
            },
        ) => open.update(ctx, name, private, history, slow_mode_s),
        (State::Open(open), Archive) => open.archive(ctx),
        (State::Open(open), Join) => open.join(ctx),
        (State::Open(open), Leave) => open.leave(ctx),
        (State::Open(open), AddMember { user }) => open.add_member(ctx, user),
        (State::Open(open), RemoveMember { user, reason }) => open.remove_member(ctx, user, reason),
        (
            State::Open(open),
            Send {
                body,
                reply_to,
                thread,
                mentions,
            },
        ) => open.send(ctx, body, reply_to, thread, mentions),
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
                reason,
            },
        ) => open.delete(ctx, message, expected_version, reason),
        (
            State::Open(open),
            Restore {
                message,
                reason,
                taken_by,
                words,
            },
        ) => open.restore(ctx, message, reason, taken_by, words),
        (State::Open(open), React { message, emoji }) => open.react(ctx, message, emoji),
        (State::Open(open), Unreact { message, emoji }) => open.unreact(ctx, message, emoji),
        (State::Open(open), Vote { message, vote }) => open.vote(ctx, message, vote),
        (State::Open(open), Pin { message }) => open.pin(ctx, message),
        (State::Open(open), Unpin { message }) => open.unpin(ctx, message),
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
            slow_mode_s: SlowMode::default(),
            archived: false,
            top: 0,
            people: membership::People::default(),
            messages: messages::Messages::default(),
            reactions: reactions::Reactions::default(),
            other_events: HashMap::new(),
        }
    }

    fn remember(&mut self, meta: &Meta) {
        self.other_events.insert(meta.id, seq_u32(meta.revision));
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

    /// An insider, or an operator of the service who looks after what no space does.
    fn overseen_by(&self, ctx: &Context) -> Result<(), Rejection> {
        if operates(ctx) { Ok(()) } else { self.insider(ctx) }
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
        self.allows(ctx, Right::GovernChannel)
    }

    /// May remove people and messages: moderators of the space, the head of a group, operators who say so, the service itself.
    fn moderated_by(&self, ctx: &Context) -> bool {
        operates(ctx) || self.allows(ctx, Right::ModerateChannel)
    }

    fn allows(&self, ctx: &Context, right: Right) -> bool {
        let Actor::User(user) = ctx.actor else { return true };
        self.allowed_to(user, ctx.space_role, right)
    }

    fn allowed_to(&self, user: UserId, space_role: Option<crate::space::Role>, right: Right) -> bool {
        match self.kind {
            Kind::Text | Kind::Forum => space_role.is_some_and(|role| role.may(right)),
            Kind::Group => self.people.head() == Some(user),
            Kind::Direct => false,
        }
    }
}

fn operates(ctx: &Context) -> bool {
    ctx.acting_as == Some(ServiceRole::Operator)
}

/// Seqs and revisions are kept in 32 bits, which `CHANNEL_EVENTS_MAX` guarantees to suffice.
fn seq_u32(place: u64) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
