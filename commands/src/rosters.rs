//! What a stream's rules need from beyond the stream: the actor's role in the space a channel belongs to. Rosters are copies of the
//! spaces' own states, replaced before a change of the space is acknowledged, so that leaving or removal bites at once.

use std::{collections::HashMap, sync::Arc};

use dashmap::DashMap;
use domain::{
    Actor, Decider, SpaceId, UserId,
    channel::{self, Channel},
    space::{self, Role, Space},
};
use uuid::Uuid;

use crate::{Sequencers, Unavailable};

/// Roles in the space around a stream, of the actor and of the person the command is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Roles {
    pub(crate) actor: Option<Role>,
    pub(crate) subject: Option<Role>,
}

#[async_trait::async_trait]
pub(crate) trait Surroundings<D: Decider>: Send + Sync {
    async fn of(&self, state: &D::State, command: &D::Command, actor: Actor) -> Result<Roles, Unavailable>;

    /// Called with the durable state after it was read and after every commit, before anyone is answered.
    fn committed(&self, _id: Uuid, _state: &D::State) {}

    /// Called when the stream's owner leaves memory.
    fn retired(&self, _id: Uuid) {}
}

/// Streams whose rules need nothing from elsewhere.
pub(crate) struct NoSurroundings;

#[async_trait::async_trait]
impl<D: Decider> Surroundings<D> for NoSurroundings {
    async fn of(&self, _state: &D::State, _command: &D::Command, _actor: Actor) -> Result<Roles, Unavailable> {
        Ok(Roles::default())
    }
}

type Roster = Arc<HashMap<UserId, Role>>;

/// Who has which role in the spaces that are in memory. Bounded by the spaces' memory budget: retired with their owners.
#[derive(Clone, Default)]
pub(crate) struct Rosters(Arc<DashMap<Uuid, Roster>>);

#[async_trait::async_trait]
impl Surroundings<Space> for Rosters {
    async fn of(&self, _state: &space::State, _command: &space::Command, _actor: Actor) -> Result<Roles, Unavailable> {
        Ok(Roles::default())
    }

    fn committed(&self, id: Uuid, state: &space::State) {
        let roles = state.open().map(|open| open.roles().clone()).unwrap_or_default();
        self.0.insert(id, Arc::new(roles));
    }

    fn retired(&self, id: Uuid) {
        self.0.remove(&id);
    }
}

/// Channels ask the roster of their space.
pub(crate) struct AroundChannel {
    pub(crate) rosters: Rosters,
    pub(crate) spaces: Sequencers<Space>,
}

#[async_trait::async_trait]
impl Surroundings<Channel> for AroundChannel {
    async fn of(&self, state: &channel::State, command: &channel::Command, actor: Actor) -> Result<Roles, Unavailable> {
        let asked_for = match command {
            channel::Command::CreateText { space, .. } => Some(*space),
            _ => None,
        };
        let Some(space) = state.open().map_or(asked_for, |open| open.space) else {
            return Ok(Roles::default());
        };
        let roster = self.roster(space).await?;
        let role = |user: Option<UserId>| user.and_then(|user| roster.get(&user).copied());
        Ok(Roles {
            actor: role(actor.user()),
            subject: role(command.subject()),
        })
    }
}

impl AroundChannel {
    pub(crate) async fn roster(&self, space: SpaceId) -> Result<Roster, Unavailable> {
        if let Some(roster) = self.rosters.0.get(&space.uuid()) {
            return Ok(Arc::clone(&roster));
        }
        // Reading the space brings its owner into memory, which publishes the roster.
        self.spaces
            .read(space.uuid(), |view| {
                view.state.open().map(|open| open.roles().clone()).unwrap_or_default()
            })
            .await
            .map(Arc::new)
    }
}
