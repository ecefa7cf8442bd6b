//! A small world whose people talk by the real rules into a log in memory, always in the same way for the same seed. Also its views,
//! and what their tables hold, as text. Shared by the tests of this folder; holds no assertions of its own.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "each test file uses its own part of the world"
)]

use std::{any::Any, collections::HashMap, path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Actor, ChannelId, ChannelName, Coded, Context, Decider, DisplayName, EventId, Handle, MessageBody, MessageId, Meta,
    Reason, ReportId, SpaceId, SpaceName, UserId,
    audit::{self, Audit},
    channel::{self, Channel, History},
    direct_channel_id,
    inbox::{self, Inbox},
    owned_id,
    report::{self, Report},
    space::{self, JoinRule, Role, Space},
    user::{self, ServiceRole, User},
};
use event_store::{Append, EventLog, Expected, MemoryLog, NewEvent, StreamName};
use projections::{Options, Views};
use uuid::Uuid;

mod dump;
mod story;

#[allow(unused_imports, reason = "each test file uses its own part of the world")]
pub(crate) use dump::{connect, dump};
#[allow(unused_imports, reason = "each test file uses its own part of the world")]
pub(crate) use story::{first_week, settle, step};

pub(crate) const ANN: UserId = UserId::from_u128(0xa11);
pub(crate) const BOB: UserId = UserId::from_u128(0xb0b);
pub(crate) const CAROL: UserId = UserId::from_u128(0xca401);
pub(crate) const DAVE: UserId = UserId::from_u128(0xdae);
pub(crate) const ERIN: UserId = UserId::from_u128(0xe419);
pub(crate) const PEOPLE: [(UserId, &str, &str); 5] = [
    (ANN, "ann", "Ann"),
    (BOB, "bob", "Bob"),
    (CAROL, "carol", "Carol"),
    (DAVE, "dave", "Dave"),
    (ERIN, "erin", "Erin"),
];

/// Monday morning.
const MORNING: DateTime<Utc> = DateTime::from_timestamp(1_700_467_200, 0).expect("a valid time");

pub(crate) struct World {
    pub(crate) log: Arc<MemoryLog>,
    states: HashMap<StreamName, Box<dyn Any + Send>>,
    counts: HashMap<StreamName, u64>,
    pub(crate) now: DateTime<Utc>,
    acts: u64,
    dice: u64,
    /// Messages ever sent, to pick from.
    pub(crate) messages: Vec<(ChannelId, MessageId, UserId)>,
    pub(crate) channels: Vec<ChannelId>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            log: MemoryLog::new(),
            states: HashMap::new(),
            counts: HashMap::new(),
            now: MORNING,
            acts: 0,
            dice: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            messages: vec![],
            channels: vec![],
        }
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 33) as usize % sides
    }

    pub(crate) async fn register_everyone(&mut self) {
        for (id, handle, name) in PEOPLE {
            let handle = Handle::parse(handle).unwrap();
            let display_name = DisplayName::parse(name).unwrap();
            self.user(Actor::User(id), id, user::Command::Register { handle, display_name })
                .await
                .unwrap();
        }
    }

    pub(crate) async fn user(
        &mut self,
        actor: Actor,
        id: UserId,
        command: user::Command,
    ) -> Result<(), user::Rejection> {
        self.act::<User>(id.uuid(), actor, command, InSpace::default())
            .await
            .map(drop)
    }

    pub(crate) async fn space(
        &mut self,
        actor: UserId,
        id: SpaceId,
        command: space::Command,
    ) -> Result<(), space::Rejection> {
        self.act::<Space>(id.uuid(), Actor::User(actor), command, InSpace::default())
            .await
            .map(drop)
    }

    pub(crate) async fn inbox(&mut self, owner: UserId, command: inbox::Command) -> Result<(), inbox::Rejection> {
        self.act::<Inbox>(owner.uuid(), Actor::User(owner), command, InSpace::default())
            .await
            .map(drop)
    }

    /// Gives the id of the first event, which names the message if one was sent.
    pub(crate) async fn channel(
        &mut self,
        actor: impl Into<Actor>,
        id: ChannelId,
        command: channel::Command,
    ) -> Result<Option<EventId>, channel::Rejection> {
        let actor = actor.into();
        let space = match &command {
            channel::Command::CreateText { space, .. } | channel::Command::CreateForum { space, .. } => Some(*space),
            _ => self.state::<Channel>(id.uuid()).open().and_then(|open| open.space),
        };
        let roles = space.map(|space| self.state::<Space>(space.uuid()));
        let role = |user: Option<UserId>| roles.as_ref()?.role(user?);
        let standing = InSpace {
            actor: role(actor.user()),
            subject: role(command.subject()),
            banned: command.subject().is_some_and(|user| {
                let open = roles.as_ref().and_then(space::State::open);
                open.is_some_and(|open| open.bans().any(|(banned, _)| banned == user))
            }),
            archived: roles
                .as_ref()
                .and_then(space::State::open)
                .is_some_and(|open| open.archived),
            acting_as: None,
        };
        self.act::<Channel>(id.uuid(), actor, command, standing).await
    }

    pub(crate) async fn report(
        &mut self,
        actor: UserId,
        id: ReportId,
        command: report::Command,
    ) -> Result<(), report::Rejection> {
        let state = self.state::<Report>(id.uuid());
        let space = state.made().and_then(|made| made.target.space);
        let standing = InSpace {
            actor: space.and_then(|space| self.state::<Space>(space.uuid()).role(actor)),
            ..InSpace::default()
        };
        self.act::<Report>(id.uuid(), Actor::User(actor), command, standing)
            .await
            .map(drop)
    }

    pub(crate) async fn look_at_the_trail(&mut self, auditor: UserId, look: audit::Read) {
        self.audited(auditor, ServiceRole::Auditor, audit::Command::Read(look))
            .await;
    }

    pub(crate) async fn skip_an_event(&mut self, operator: UserId, skipped: audit::Skipped) {
        self.audited(operator, ServiceRole::Operator, audit::Command::Skip(skipped))
            .await;
    }

    pub(crate) async fn operate_views(&mut self, operator: UserId, command: audit::Command) {
        self.audited(operator, ServiceRole::Operator, command).await;
    }

    async fn audited(&mut self, who: UserId, acting_as: ServiceRole, command: audit::Command) {
        let standing = InSpace {
            acting_as: Some(acting_as),
            ..InSpace::default()
        };
        self.act::<Audit>(who.uuid(), Actor::User(who), command, standing)
            .await
            .unwrap();
    }

    pub(crate) async fn new_space(&mut self, owner: UserId, name: &str, join: JoinRule) -> SpaceId {
        let id = SpaceId::from(owned_id("space", owner, name));
        self.space(
            owner,
            id,
            space::Command::Create {
                name: SpaceName::parse(name).unwrap(),
                join,
            },
        )
        .await
        .unwrap();
        id
    }

    pub(crate) async fn new_text(
        &mut self,
        owner: UserId,
        space: SpaceId,
        name: &str,
        private: bool,
        history: History,
    ) -> ChannelId {
        let id = ChannelId::from(owned_id("channel", owner, name));
        let name = ChannelName::parse(name).unwrap();
        let command = channel::Command::CreateText {
            space,
            name,
            private,
            history: Some(history),
        };
        self.channel(owner, id, command).await.unwrap();
        self.channels.push(id);
        id
    }

    /// With all of its history to be seen by everyone.
    pub(crate) async fn new_forum(&mut self, owner: UserId, space: SpaceId, name: &str) -> ChannelId {
        let id = ChannelId::from(owned_id("channel", owner, name));
        let command = channel::Command::CreateForum {
            space,
            name: ChannelName::parse(name).unwrap(),
            private: false,
            history: None,
        };
        self.channel(owner, id, command).await.unwrap();
        self.channels.push(id);
        id
    }

    pub(crate) async fn new_group(&mut self, owner: UserId, name: &str, members: &[UserId]) -> ChannelId {
        let id = ChannelId::from(owned_id("channel", owner, name));
        let name = Some(ChannelName::parse(name).unwrap());
        self.channel(
            owner,
            id,
            channel::Command::CreateGroup {
                name,
                members: members.to_vec(),
            },
        )
        .await
        .unwrap();
        self.channels.push(id);
        id
    }

    pub(crate) async fn new_direct(&mut self, one: UserId, other: UserId) -> ChannelId {
        let id = direct_channel_id(one, other);
        self.channel(one, id, channel::Command::OpenDirect { with: other })
            .await
            .unwrap();
        self.channels.push(id);
        id
    }

    /// A send that the rules allow.
    pub(crate) async fn say(&mut self, author: UserId, to: ChannelId, body: &str) -> MessageId {
        self.say_to(author, to, body, &[]).await
    }

    pub(crate) async fn say_to(&mut self, author: UserId, to: ChannelId, body: &str, mentions: &[UserId]) -> MessageId {
        self.try_say(author, to, body, None, mentions).await.unwrap()
    }

    pub(crate) async fn try_say(
        &mut self,
        author: UserId,
        to: ChannelId,
        body: &str,
        reply_to: Option<MessageId>,
        mentions: &[UserId],
    ) -> Result<MessageId, channel::Rejection> {
        let body = MessageBody::parse(body).unwrap();
        let sent = self
            .channel(
                author,
                to,
                channel::Command::Send {
                    body,
                    reply_to,
                    thread: None,
                    mentions: mentions.to_vec(),
                },
            )
            .await?;
        let message = MessageId::from(sent.unwrap());
        self.messages.push((to, message, author));
        Ok(message)
    }

    /// A message of a thread, an answer to the root or to another message of it.
    pub(crate) async fn comment(
        &mut self,
        author: UserId,
        channel: ChannelId,
        root: MessageId,
        reply_to: MessageId,
        body: &str,
    ) -> Result<MessageId, channel::Rejection> {
        let command = channel::Command::Send {
            body: MessageBody::parse(body).unwrap(),
            reply_to: Some(reply_to),
            thread: Some(root),
            mentions: vec![],
        };
        let message = MessageId::from(self.channel(author, channel, command).await?.unwrap());
        self.messages.push((channel, message, author));
        Ok(message)
    }

    pub(crate) async fn edit(
        &mut self,
        author: UserId,
        channel: ChannelId,
        message: MessageId,
        body: &str,
        mentions: &[UserId],
    ) {
        let body = MessageBody::parse(body).unwrap();
        let mentions = mentions.to_vec();
        let command = channel::Command::Edit {
            message,
            body,
            mentions,
            expected_version: None,
        };
        self.channel(author, channel, command).await.unwrap();
    }

    pub(crate) async fn delete(&mut self, by: UserId, channel: ChannelId, message: MessageId) {
        self.channel(
            by,
            channel,
            channel::Command::Delete {
                message,
                expected_version: None,
                reason: None,
            },
        )
        .await
        .unwrap();
    }

    /// Gives back what somebody else took away, with these words, if the rules let `by`.
    pub(crate) async fn restore(
        &mut self,
        by: UserId,
        channel: ChannelId,
        message: MessageId,
        body: &str,
        mentions: &[UserId],
    ) -> Result<Option<EventId>, channel::Rejection> {
        let state = self.state::<Channel>(channel.uuid());
        let at = state.open().and_then(|open| open.words_at(message));
        let words = at.map(|at| channel::LastWords {
            version: at.version,
            body: MessageBody::parse(body).unwrap(),
            mentions: mentions.to_vec(),
        });
        let reason = Reason::parse("it was a mistake").unwrap();
        let command = channel::Command::Restore {
            message,
            reason,
            taken_by: None,
            words,
        };
        self.channel(by, channel, command).await
    }

    /// Seq of the channel's newest event.
    pub(crate) fn top(&self, channel: ChannelId) -> u64 {
        self.state::<Channel>(channel.uuid()).open().map_or(0, |open| open.top)
    }

    pub(crate) async fn head(&self) -> u64 {
        self.log.head().await.unwrap().position
    }

    /// An event as no rule would write it.
    pub(crate) async fn append_raw(&mut self, stream: &StreamName, kind: &str, version: u16, payload: &str) {
        let event = self.event(stream, Uuid::nil(), 0, kind, version, payload.as_bytes().to_vec());
        self.append(stream.clone(), vec![event]).await;
    }

    pub(crate) fn state<D: Decider>(&self, id: Uuid) -> D::State {
        let known = self.states.get(&StreamName::new(D::CATEGORY, id));
        known
            .and_then(|state| state.downcast_ref::<D::State>().cloned())
            .unwrap_or_default()
    }

    async fn act<D: Decider>(
        &mut self,
        id: Uuid,
        actor: Actor,
        command: D::Command,
        standing: InSpace,
    ) -> Result<Option<EventId>, D::Rejection> {
        self.now += TimeDelta::seconds(61);
        self.acts += 1;
        let stream = StreamName::new(D::CATEGORY, id);
        let mut state = self.state::<D>(id);
        let (now, event_id) = (self.now, self.event_id(&stream, actor.uuid(), 0));
        let events = D::decide(
            &state,
            command,
            &Context {
                actor,
                acting_as: standing.acting_as,
                now,
                event_id,
                space_role: standing.actor,
                subject_space_role: standing.subject,
                subject_banned: standing.banned,
                space_archived: standing.archived,
                muted: false,
                blocked: false,
            },
        )?;
        let first = *self.counts.get(&stream).unwrap_or(&0);
        let mut new = vec![];
        for (index, event) in events.iter().enumerate() {
            let meta = Meta {
                id: self.event_id(&stream, actor.uuid(), index),
                revision: first + index as u64,
                actor,
                at: now,
            };
            D::evolve(&mut state, event, &meta);
            new.push(self.event(
                &stream,
                actor.uuid(),
                index,
                event.kind(),
                event.version(),
                event.encode(),
            ));
        }
        self.states.insert(stream.clone(), Box::new(state));
        if new.is_empty() {
            return Ok(None);
        }
        self.append(stream, new).await;
        Ok(Some(event_id))
    }

    fn event_id(&self, stream: &StreamName, actor: Uuid, index: usize) -> EventId {
        domain::event_id(stream.as_str(), actor, &format!("k{}", self.acts), index)
    }

    fn event(
        &self,
        stream: &StreamName,
        actor: Uuid,
        index: usize,
        kind: &str,
        version: u16,
        payload: Vec<u8>,
    ) -> NewEvent {
        NewEvent {
            id: self.event_id(stream, actor, index).uuid(),
            kind: kind.into(),
            version,
            actor,
            key: format!("k{}", self.acts).into(),
            intent: [0; 16],
            request_id: Uuid::nil(),
            recorded_at: self.now,
            payload: payload.into(),
        }
    }

    async fn append(&mut self, stream: StreamName, events: Vec<NewEvent>) {
        self.acts += 1;
        *self.counts.entry(stream.clone()).or_default() += events.len() as u64;
        let results = self
            .log
            .append(vec![Append {
                stream,
                expected: Expected::Any,
                events,
            }])
            .await;
        results.into_iter().for_each(|result| drop(result.unwrap()));
    }
}

/// What a channel is told about the space it belongs to.
#[derive(Default)]
struct InSpace {
    actor: Option<Role>,
    subject: Option<Role>,
    banned: bool,
    archived: bool,
    acting_as: Option<ServiceRole>,
}

/// Long enough for any machine; only a broken runner lets it pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Views of `log` in `folder`.
pub(crate) async fn open(folder: &Path, log: &Arc<MemoryLog>) -> Views {
    Views::open(folder, &log.head().await.unwrap()).await.unwrap()
}

/// Without a rest between transactions.
pub(crate) fn at_once(batch_events_max: usize) -> Options {
    Options {
        batch_events_max,
        rest: Duration::ZERO,
        rest_under_load: Duration::ZERO,
    }
}

/// Folds all of `log` in batches of `batch_events_max` and stops.
pub(crate) async fn fold_all(folder: &Path, log: &Arc<MemoryLog>, batch_events_max: usize) -> Views {
    let views = open(folder, log).await;
    let running = views.start_with(log.clone(), at_once(batch_events_max));
    let head = log.head().await.unwrap().position;
    assert!(views.wait_for(head, PATIENCE).await, "{head}: {:?}", views.status());
    running.stop().await.unwrap();
    views
}
