//! Whom somebody has blocked, for the rules of conversations of two. Like rosters these are copies of the people's own states, replaced
//! before a block is acknowledged, so that it bites at once.

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Utc};
use dashmap::DashMap;
use domain::{
    Actor, UserId,
    channel::{self, Kind},
    user::{self, User},
};
use uuid::Uuid;

use crate::{
    Sequencers, Unavailable,
    rosters::{Around, Surroundings},
};

/// The blocks of the people who are in memory. Bounded by their memory budget: retired with their owners.
#[derive(Clone, Default)]
pub(crate) struct BlockLists(Arc<DashMap<Uuid, Arc<HashSet<UserId>>>>);

#[async_trait::async_trait]
impl Surroundings<User> for BlockLists {
    async fn of(
        &self,
        _state: &user::State,
        _command: &user::Command,
        _actor: Actor,
        _now: DateTime<Utc>,
    ) -> Result<Around, Unavailable> {
        Ok(Around::default())
    }

    fn committed(&self, id: Uuid, state: &user::State) {
        let Some(account) = state.account() else { return };
        let known = self.0.get(&id).map(|list| Arc::clone(&list));
        let same = |known: Arc<HashSet<UserId>>| {
            known.len() == account.blocked().count() && account.blocked().all(|user| known.contains(&user))
        };
        // Most of what happens to people is nothing to their blocks.
        if !known.is_some_and(same) {
            self.0.insert(id, Arc::new(account.blocked().collect()));
        }
    }

    fn retired(&self, id: Uuid) {
        self.0.remove(&id);
    }
}

/// Answers whether there is a block between two people.
pub(crate) struct Blocks {
    pub(crate) lists: BlockLists,
    pub(crate) users: Sequencers<User>,
}

impl Blocks {
    pub(crate) async fn between(&self, one: UserId, other: UserId) -> Result<bool, Unavailable> {
        Ok(self.has_blocked(one, other).await? || self.has_blocked(other, one).await?)
    }

    async fn has_blocked(&self, who: UserId, whom: UserId) -> Result<bool, Unavailable> {
        if let Some(list) = self.lists.0.get(&who.uuid()) {
            return Ok(list.contains(&whom));
        }
        // Reading the person brings their owner into memory, which publishes the list.
        let account = self.users.read(who.uuid(), move |view| {
            view.state.account().is_some_and(|account| account.blocks(whom))
        });
        account.await
    }
}

/// The two between whom the command would say something new, where it is a conversation of two.
pub(crate) fn two_people(state: &channel::State, command: &channel::Command, actor: Actor) -> Option<(UserId, UserId)> {
    use channel::Command::{Edit, OpenDirect, Pin, React, Send, Vote};
    match (state.open(), command) {
        (None, OpenDirect { with }) => Some((actor.user()?, *with)),
        (Some(open), Send { .. } | Edit { .. } | React { .. } | Vote { .. } | Pin { .. })
            if open.kind == Kind::Direct =>
        {
            let mut members = open.members().map(|(user, _)| user);
            members.next().zip(members.next())
        }
        (None | Some(_), _) => None,
    }
}
