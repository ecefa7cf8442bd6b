//! What a stream's rules need from beyond the stream: of the space a channel belongs to, who has which role in it, who is muted in it and
//! whether it is archived. Rosters are copies of the spaces' own states, replaced before a change of the space is acknowledged, so that leaving,
//! removal and archiving bite at once.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use dashmap::DashMap;
use domain::{
    Actor, Decider, SpaceId, UserId,
    channel::{self, Channel},
    report::{self, Report},
    space::{self, Role, Space},
};
use uuid::Uuid;

use crate::{
    Sequencers, Unavailable,
    blocks::{Blocks, two_people},
};

/// What the space around a stream says of one command: the roles of the actor and of the person the command is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around {
    pub(crate) actor_role: Option<Role>,
    pub(crate) subject_role: Option<Role>,
    pub(crate) subject_banned: bool,
    pub(crate) archived: bool,
    pub(crate) actor_muted: bool,
    /// One of the two people of a direct conversation has blocked the other.
    pub(crate) blocked: bool,
}

#[async_trait::async_trait]
pub(crate) trait Surroundings<D: Decider>: Send + Sync {
    async fn of(
        &self,
        state: &D::State,
        command: &D::Command,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Result<Around, Unavailable>;

    /// Called with the durable state after it was read and after every commit, before anyone is answered.
    fn committed(&self, _id: Uuid, _state: &D::State) {}

    /// Called when the stream's owner leaves memory.
    fn retired(&self, _id: Uuid) {}
}

/// Streams whose rules need nothing from elsewhere.
pub(crate) struct NoSurroundings;

#[async_trait::async_trait]
impl<D: Decider> Surroundings<D> for NoSurroundings {
    async fn of(
        &self,
        _state: &D::State,
        _command: &D::Command,
        _actor: Actor,
        _now: DateTime<Utc>,
    ) -> Result<Around, Unavailable> {
        Ok(Around::default())
    }
}

/// What channels need to know of their space. That of a space which does not exist is empty.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    roles: HashMap<UserId, Role>,
    /// Until when; some of it may be over.
    mutes: HashMap<UserId, DateTime<Utc>>,
    bans: HashMap<UserId, Option<DateTime<Utc>>>,
    archived: bool,
}

impl Roster {
    fn of(state: &space::State) -> Self {
        state.open().map_or_else(Self::default, |open| Self {
            roles: open.roles().clone(),
            mutes: open.mutes().collect(),
            bans: open.bans().collect(),
            archived: open.archived,
        })
    }

    fn mutes(&self, user: UserId, now: DateTime<Utc>) -> bool {
        self.mutes.get(&user).is_some_and(|until| *until > now)
    }

    fn bans(&self, user: UserId, now: DateTime<Utc>) -> bool {
        let ban = self.bans.get(&user);
        ban.is_some_and(|until| until.is_none_or(|until| until > now))
    }
}

/// The rosters of the spaces that are in memory. Bounded by the spaces' memory budget: retired with their owners.
#[derive(Clone, Default)]
pub(crate) struct Rosters(Arc<DashMap<Uuid, Arc<Roster>>>);

#[async_trait::async_trait]
impl Surroundings<Space> for Rosters {
    async fn of(
        &self,
        _state: &space::State,
        _command: &space::Command,
        _actor: Actor,
        _now: DateTime<Utc>,
    ) -> Result<Around, Unavailable> {
        Ok(Around::default())
    }

    fn committed(&self, id: Uuid, state: &space::State) {
        self.0.insert(id, Arc::new(Roster::of(state)));
    }

    fn retired(&self, id: Uuid) {
        self.0.remove(&id);
    }
}

/// Channels ask the roster of their space, and conversations of two whether one has blocked the other.
pub(crate) struct AroundChannel {
    pub(crate) blocks: Blocks,
    pub(crate) rosters: Rosters,
    pub(crate) spaces: Sequencers<Space>,
}

#[async_trait::async_trait]
impl Surroundings<Channel> for AroundChannel {
    async fn of(
        &self,
        state: &channel::State,
        command: &channel::Command,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Result<Around, Unavailable> {
        let asked_for = match command {
            channel::Command::CreateText { space, .. } | channel::Command::CreateForum { space, .. } => Some(*space),
            _ => None,
        };
        let Some(space) = state.open().map_or(asked_for, |open| open.space) else {
            let blocked = match two_people(state, command, actor) {
                Some((one, other)) => self.blocks.between(one, other).await?,
                None => false,
            };
            return Ok(Around {
                blocked,
                ..Around::default()
            });
        };
        let roster = self.roster(space).await?;
        let role = |user: Option<UserId>| user.and_then(|user| roster.roles.get(&user).copied());
        Ok(Around {
            actor_role: role(actor.user()),
            subject_role: role(command.subject()),
            subject_banned: command.subject().is_some_and(|user| roster.bans(user, now)),
            archived: roster.archived,
            actor_muted: actor.user().is_some_and(|user| roster.mutes(user, now)),
            ..Around::default()
        })
    }
}

/// So do reports of what happens in a space.
#[async_trait::async_trait]
impl Surroundings<Report> for AroundChannel {
    async fn of(
        &self,
        state: &report::State,
        _command: &report::Command,
        actor: Actor,
        _now: DateTime<Utc>,
    ) -> Result<Around, Unavailable> {
        let Some(space) = state.made().and_then(|made| made.target.space) else {
            return Ok(Around::default());
        };
        let roster = self.roster(space).await?;
        Ok(Around {
            actor_role: actor.user().and_then(|user| roster.roles.get(&user).copied()),
            ..Around::default()
        })
    }
}

impl AroundChannel {
    async fn roster(&self, space: SpaceId) -> Result<Arc<Roster>, Unavailable> {
        if let Some(roster) = self.rosters.0.get(&space.uuid()) {
            return Ok(Arc::clone(&roster));
        }
        // Reading the space brings its owner into memory, which publishes the roster.
        self.spaces
            .read(space.uuid(), |view| Roster::of(view.state))
            .await
            .map(Arc::new)
    }
}
