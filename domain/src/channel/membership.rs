//! Who is in a channel, since when, and how those who were ended: joining, adding, leaving, removing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Event, Kind, MemberAdded, MemberLeft, MemberRemoved, Open, Rejection};
use crate::{Actor, Context, Reason, UserId, limits, rights::Right};

/// A role inside one channel. In a space the space's roles rank above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Member,
    Owner,
}

/// How a membership ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Left,
    Removed,
    /// Removed, since they are banned from the space.
    Banned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// In the channel since this seq.
    Member { role: Role, since: u64 },
    /// Out of it since this seq, which is the last one they may have seen.
    Former { at: u64, end: End },
}

/// Everyone who ever was in the channel or acted in it, each with a small number that stands for them in the message facts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct People {
    known: HashMap<UserId, Known>,
    /// Whom each index stands for.
    order: Vec<UserId>,
    count: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    index: u32,
    standing: Option<Standing>,
    /// When they last sent a message, for slow mode.
    sent_at: Option<DateTime<Utc>>,
}

/// Index of the service itself, which is nobody's author.
const SYSTEM_INDEX: u32 = u32::MAX;

impl People {
    pub(super) fn standing(&self, user: UserId) -> Option<Standing> {
        self.known.get(&user)?.standing
    }

    pub(super) fn since(&self, user: UserId) -> Option<u64> {
        match self.standing(user)? {
            Standing::Member { since, .. } => Some(since),
            Standing::Former { .. } => None,
        }
    }

    pub(super) fn role(&self, user: UserId) -> Option<Role> {
        match self.standing(user)? {
            Standing::Member { role, .. } => Some(role),
            Standing::Former { .. } => None,
        }
    }

    pub(super) fn index(&self, user: UserId) -> Option<u32> {
        self.known.get(&user).map(|known| known.index)
    }

    /// `None` for the service itself.
    pub(super) fn by_index(&self, index: u32) -> Option<UserId> {
        self.order.get(index as usize).copied()
    }

    pub(super) fn has_sent(&mut self, actor: Actor, at: DateTime<Utc>) {
        if let Some(user) = actor.user() {
            self.know(user).sent_at = Some(at);
        }
    }

    pub(super) fn last_sent(&self, user: UserId) -> Option<DateTime<Utc>> {
        self.known.get(&user)?.sent_at
    }

    pub(super) fn index_of_actor(&mut self, actor: Actor) -> u32 {
        actor.user().map_or(SYSTEM_INDEX, |user| self.know(user).index)
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (UserId, Role)> + '_ {
        self.known
            .keys()
            .filter_map(|user| self.role(*user).map(|role| (*user, role)))
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Who speaks for a group: its owner, and once that one is gone whoever has been in it longest.
    pub(super) fn head(&self) -> Option<UserId> {
        let ranked = self.known.iter().filter_map(|(user, known)| match known.standing? {
            Standing::Member { role, since } => Some((role != Role::Owner, since, *user)),
            Standing::Former { .. } => None,
        });
        ranked.min().map(|(_, _, user)| user)
    }

    pub(super) fn add(&mut self, user: UserId, role: Role, seq: u64) {
        let before = self.since(user);
        // Whoever is in already does not join again: what they may read stays.
        self.know(user).standing = Some(Standing::Member {
            role,
            since: before.unwrap_or(seq),
        });
        self.count += usize::from(before.is_none());
    }

    pub(super) fn end(&mut self, user: UserId, seq: u64, end: End) {
        if self.since(user).is_some() {
            self.know(user).standing = Some(Standing::Former { at: seq, end });
            self.count -= 1;
        }
    }

    pub(super) fn weight(&self) -> usize {
        /// Key, value and the map's slack.
        const PERSON_BYTES: usize = 112;
        self.known.capacity() * PERSON_BYTES + self.order.capacity() * size_of::<UserId>()
    }

    fn know(&mut self, user: UserId) -> &mut Known {
        // A channel has fewer events than `SYSTEM_INDEX`, and every person came with one.
        let index = super::seq_u32(self.known.len() as u64);
        let order = &mut self.order;
        self.known.entry(user).or_insert_with(|| {
            order.push(user);
            Known {
                index,
                standing: None,
                sent_at: None,
            }
        })
    }
}

impl Open {
    pub(super) fn join(&self, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
        if self.insider(ctx).is_ok() {
            return Ok(vec![]);
        }
        // Guests see only the channels they were brought into, so to them the others do not exist.
        let right = if self.private {
            Right::JoinPrivate
        } else {
            Right::JoinPublic
        };
        if self.space.is_none() || !ctx.space_role.is_some_and(|role| role.may(right)) {
            return Err(Rejection::NotFound);
        }
        self.admit(ctx, user)
    }

    pub(super) fn leave(&self, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
        if !self.within_space(ctx) {
            return Err(Rejection::NotFound);
        }
        match self.people.standing(user) {
            None => Err(Rejection::NotFound),
            // Leaving twice is not an error, but someone who was removed learns nothing by it.
            Some(Standing::Former { end: End::Left, .. }) => Ok(vec![]),
            Some(Standing::Former {
                end: End::Removed | End::Banned,
                ..
            }) => Err(Rejection::NotFound),
            Some(Standing::Member { .. }) if self.kind == Kind::Direct => Err(Rejection::DirectIsFixed),
            Some(Standing::Member { .. }) => Ok(vec![Event::MemberLeft(MemberLeft { user })]),
        }
    }

    /// In a public channel or a group anyone but a guest may bring someone along; a private channel is opened by its owner or a moderator.
    pub(super) fn add_member(&self, ctx: &Context, user: UserId) -> Result<Vec<Event>, Rejection> {
        self.writable_by(ctx)?;
        if self.kind == Kind::Direct {
            return Err(Rejection::DirectIsFixed);
        }
        if self.space.is_some() && !self.opened_by(ctx) {
            return Err(Rejection::Forbidden);
        }
        if self.space.is_some() && ctx.subject_space_role.is_none() {
            return Err(Rejection::NotInSpace);
        }
        if self.people.since(user).is_some() {
            return Ok(vec![]);
        }
        self.admit(ctx, user)
    }

    fn opened_by(&self, ctx: &Context) -> bool {
        let owner = ctx
            .actor
            .user()
            .is_some_and(|actor| self.people.role(actor) == Some(Role::Owner));
        let right = if self.private {
            Right::BringIntoPrivate
        } else {
            Right::BringIntoPublic
        };
        owner || self.allows(ctx, right)
    }

    pub(super) fn remove_member(
        &self,
        ctx: &Context,
        user: UserId,
        reason: Option<Reason>,
    ) -> Result<Vec<Event>, Rejection> {
        self.overseen_by(ctx)?;
        if self.kind == Kind::Direct {
            return Err(Rejection::DirectIsFixed);
        }
        if !self.moderated_by(ctx) {
            return Err(Rejection::Forbidden);
        }
        // Someone of higher or equal rank in the space cannot be shown the door by a peer.
        let outranked = ctx.actor.user() != Some(user)
            && ctx.actor != Actor::System
            && !super::operates(ctx)
            && ctx.subject_space_role >= ctx.space_role;
        match self.people.standing(user) {
            None => Err(Rejection::NoSuchMember),
            Some(Standing::Former { .. }) => Ok(vec![]),
            // The service follows up a space exit; whoever is back in the space by then keeps their channels.
            Some(Standing::Member { .. }) if ctx.actor == Actor::System && ctx.subject_space_role.is_some() => {
                Ok(vec![])
            }
            Some(Standing::Member { .. }) if self.space.is_some() && outranked => Err(Rejection::Forbidden),
            Some(Standing::Member { .. }) => Ok(vec![Event::MemberRemoved(MemberRemoved {
                user,
                reason,
                banned: ctx.subject_banned,
            })]),
        }
    }

    fn admit(&self, ctx: &Context, user: UserId) -> Result<Vec<Event>, Rejection> {
        self.still_open(ctx)?;
        let max = match self.kind {
            Kind::Direct => return Err(Rejection::DirectIsFixed),
            Kind::Group => limits::GROUP_MEMBERS_MAX,
            Kind::Text | Kind::Forum => limits::CHANNEL_MEMBERS_MAX,
        };
        if self.people.count() >= max {
            return Err(Rejection::Full { max });
        }
        Ok(vec![Event::MemberAdded(MemberAdded {
            user,
            role: Role::Member,
        })])
    }
}
