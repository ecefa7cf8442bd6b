//! Bans and mutes of a space: who is under one, until when, and who puts people under them. A ban that is over is no ban: time is asked
//! of the context, and what is over is forgotten when the next one comes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Event, MemberBanned, MemberMuted, MemberUnbanned, MemberUnmuted, Open, Rejection};
use crate::{Context, EventId, Meta, Reason, UserId, limits, rights::Right};

/// People under something that ends, or does not.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Sanctions(HashMap<UserId, Sanction>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Sanction {
    until: Option<DateTime<Utc>>,
    /// The event that laid it.
    by: EventId,
}

impl Sanctions {
    pub(super) fn holds(&self, user: UserId, now: DateTime<Utc>) -> bool {
        self.0.get(&user).is_some_and(|one| is_ahead(one.until, now))
    }

    fn is(&self, user: UserId, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        self.holds(user, now) && self.0.get(&user).is_some_and(|one| one.until == until)
    }

    /// Whether one holds and, where an event is named, was laid by that one.
    fn can_be_lifted(&self, user: UserId, laid_by: Option<EventId>, now: DateTime<Utc>) -> bool {
        let named = |event| self.0.get(&user).is_some_and(|one| one.by == event);
        self.holds(user, now) && laid_by.is_none_or(named)
    }

    fn count(&self, now: DateTime<Utc>) -> usize {
        self.0.values().filter(|one| is_ahead(one.until, now)).count()
    }

    pub(super) fn put(&mut self, user: UserId, until: Option<DateTime<Utc>>, meta: &Meta) {
        self.0.retain(|_, one| is_ahead(one.until, meta.at));
        self.0.insert(user, Sanction { until, by: meta.id });
    }

    pub(super) fn lift(&mut self, user: UserId) {
        self.0.remove(&user);
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (UserId, Option<DateTime<Utc>>)> + '_ {
        self.0.iter().map(|(user, one)| (*user, one.until))
    }
}

fn is_ahead(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    until.is_none_or(|until| until > now)
}

impl Open {
    /// Whoever is in the space is removed by it. People who are not in it, or never were, can be kept out too.
    pub(super) fn ban(
        &self,
        ctx: &Context,
        user: UserId,
        reason: Reason,
        until: Option<DateTime<Utc>>,
    ) -> Result<Vec<Event>, Rejection> {
        self.above(ctx, Right::BanPeople, user)?;
        ends_later(ctx, until)?;
        if !self.roles.contains_key(&user) && self.bans.is(user, until, ctx.now) {
            return Ok(vec![]);
        }
        if !self.bans.holds(user, ctx.now) && self.bans.count(ctx.now) >= limits::BANS_MAX {
            return Err(Rejection::TooManyBans { max: limits::BANS_MAX });
        }
        Ok(vec![Event::MemberBanned(MemberBanned { user, reason, until })])
    }

    /// Lifting what does not hold is already so, and so is lifting one that another has replaced.
    pub(super) fn unban(
        &self,
        ctx: &Context,
        user: UserId,
        reason: Option<Reason>,
        laid_by: Option<EventId>,
    ) -> Result<Vec<Event>, Rejection> {
        self.right(ctx, Right::BanPeople)?;
        Ok(if self.bans.can_be_lifted(user, laid_by, ctx.now) {
            vec![Event::MemberUnbanned(MemberUnbanned { user, reason })]
        } else {
            vec![]
        })
    }

    /// For a time, and only people who are in the space. Leaving and coming back does not end it.
    pub(super) fn mute(
        &self,
        ctx: &Context,
        user: UserId,
        reason: Reason,
        until: DateTime<Utc>,
    ) -> Result<Vec<Event>, Rejection> {
        self.above(ctx, Right::MutePeople, user)?;
        self.unarchived()?;
        if !self.roles.contains_key(&user) {
            return Err(Rejection::NoSuchMember);
        }
        ends_later(ctx, Some(until))?;
        if self.mutes.is(user, Some(until), ctx.now) {
            return Ok(vec![]);
        }
        if !self.mutes.holds(user, ctx.now) && self.mutes.count(ctx.now) >= limits::MUTES_MAX {
            return Err(Rejection::TooManyMutes { max: limits::MUTES_MAX });
        }
        Ok(vec![Event::MemberMuted(MemberMuted { user, reason, until })])
    }

    pub(super) fn unmute(
        &self,
        ctx: &Context,
        user: UserId,
        reason: Option<Reason>,
        laid_by: Option<EventId>,
    ) -> Result<Vec<Event>, Rejection> {
        self.above(ctx, Right::MutePeople, user)?;
        Ok(if self.mutes.can_be_lifted(user, laid_by, ctx.now) {
            vec![Event::MemberUnmuted(MemberUnmuted { user, reason })]
        } else {
            vec![]
        })
    }

    /// The right, over somebody who ranks below the actor or is not in the space.
    fn above(&self, ctx: &Context, right: Right, user: UserId) -> Result<(), Rejection> {
        let rank = self.right(ctx, right)?;
        match self.roles.get(&user) {
            Some(current) if *current >= rank => Err(Rejection::Forbidden),
            Some(_) | None => Ok(()),
        }
    }
}

fn ends_later(ctx: &Context, until: Option<DateTime<Utc>>) -> Result<(), Rejection> {
    if is_ahead(until, ctx.now) {
        Ok(())
    } else {
        Err(Rejection::OverAlready)
    }
}
