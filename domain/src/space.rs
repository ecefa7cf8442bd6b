//! A space: a community with members, roles and channels. The channels are streams of their own; the space only says who belongs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Cohort, Context, Decider, EventId, InviteId, Meta, Reason, SpaceId, SpaceName, UserId};

mod events;
mod invites;
mod rules;
mod sanctions;
#[cfg(test)]
mod tests;

pub use events::{
    Archived, CohortPaused, CohortResumed, Created, Event, InviteCreated, InviteRedeemed, InviteRevoked, MemberAdded,
    MemberBanned, MemberLeft, MemberMuted, MemberRemoved, MemberUnbanned, MemberUnmuted, OwnershipTransferred,
    Restored, RoleSet, Updated,
};
pub use invites::{CodeHash, Terms};

/// Marker of the rules of spaces.
#[derive(Debug, Clone, Copy)]
pub struct Space;

/// From least to most: the order is the ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Guest,
    Member,
    Moderator,
    Admin,
    Owner,
}

/// Who may join by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinRule {
    /// Anyone who knows the space's id.
    Open,
    /// Whoever has an invite.
    Invite,
    /// Only people whom an admin adds. Invites rest meanwhile.
    Closed,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Command {
    Create {
        name: SpaceName,
        join: JoinRule,
    },
    Update {
        name: Option<SpaceName>,
        join: Option<JoinRule>,
    },
    Archive {
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// Takes an archiving back.
    Restore {
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    Join,
    Leave,
    /// Adds the person or changes their role.
    PutMember {
        user: UserId,
        role: Role,
        /// Why the role changes.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    RemoveMember {
        user: UserId,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// Makes somebody else the owner; who was it becomes an admin.
    Transfer {
        to: UserId,
    },
    Ban {
        user: UserId,
        reason: Reason,
        until: Option<DateTime<Utc>>,
    },
    Unban {
        user: UserId,
        reason: Option<Reason>,
        /// Only the ban that this event laid; without it whichever holds.
        #[serde(skip_serializing_if = "Option::is_none")]
        laid_by: Option<EventId>,
    },
    Mute {
        user: UserId,
        reason: Reason,
        until: DateTime<Utc>,
    },
    Unmute {
        user: UserId,
        reason: Option<Reason>,
        /// Only the mute that this event laid.
        #[serde(skip_serializing_if = "Option::is_none")]
        laid_by: Option<EventId>,
    },
    CreateInvite {
        invite: InviteId,
        code: CodeHash,
        terms: Terms,
    },
    RevokeInvite {
        invite: InviteId,
        reason: Option<Reason>,
    },
    /// Lets all invites of a cohort rest, or go on.
    SetCohort {
        cohort: Cohort,
        paused: bool,
        reason: Option<Reason>,
    },
    /// Comes in by an invite.
    Redeem {
        code: CodeHash,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Also the answer to anyone who may not know that the space exists.
    #[error("there is no such space")]
    NotFound,
    #[error("this id already names another space")]
    AlreadyExists,
    #[error("the space is archived and takes no more changes")]
    Archived,
    #[error("you may not do that in this space")]
    Forbidden,
    #[error("that person is not in this space")]
    NoSuchMember,
    #[error("the owner cannot leave the space")]
    OwnerStays,
    #[error("that person is banned from this space")]
    Banned,
    #[error("the time at which it should end is over")]
    OverAlready,
    #[error("a space bans at most {max} people at a time")]
    TooManyBans { max: usize },
    /// Also for one that is used up, over, revoked or resting.
    #[error("there is no such invite")]
    NoSuchInvite,
    #[error("a space has at most {max} open invites at a time")]
    TooManyInvites { max: usize },
    #[error("a space pauses at most {max} cohorts at a time")]
    TooManyCohorts { max: usize },
    #[error("a space mutes at most {max} people at a time")]
    TooManyMutes { max: usize },
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum State {
    #[default]
    Nothing,
    Open(Box<Open>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Open {
    pub name: SpaceName,
    pub join: JoinRule,
    pub archived: bool,
    roles: HashMap<UserId, Role>,
    /// How those who are gone went, so that leaving or removing twice is not an error.
    former: HashMap<UserId, End>,
    bans: sanctions::Sanctions,
    mutes: sanctions::Sanctions,
    invites: invites::Invites,
    seen: HashMap<EventId, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum End {
    Left,
    Removed,
}

impl State {
    pub fn open(&self) -> Option<&Open> {
        match self {
            Self::Nothing => None,
            Self::Open(open) => Some(open),
        }
    }

    /// The role of `user`, archived or not, since people still read an archived space; `None` for strangers.
    pub fn role(&self, user: UserId) -> Option<Role> {
        self.open()?.roles.get(&user).copied()
    }
}

impl Open {
    pub fn roles(&self) -> &HashMap<UserId, Role> {
        &self.roles
    }

    /// Who may not write in the channels, each until then. Some of it may be over.
    pub fn mutes(&self) -> impl Iterator<Item = (UserId, DateTime<Utc>)> + '_ {
        self.mutes.iter().filter_map(|(user, until)| Some((user, until?)))
    }

    /// Who may not come in, each until then or for good. Some of it may be over.
    pub fn bans(&self) -> impl Iterator<Item = (UserId, Option<DateTime<Utc>>)> + '_ {
        self.bans.iter()
    }
}

impl Decider for Space {
    const CATEGORY: &'static str = "space";
    const STATE_VERSION: u32 = 3;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        use Command::*;
        match (state, command) {
            (State::Nothing, Create { name, join }) => rules::create(ctx, name, join),
            (State::Open(_), Create { .. }) => Err(Rejection::AlreadyExists),
            (
                State::Nothing,
                Update { .. }
                | Archive { .. }
                | Restore { .. }
                | Join
                | Leave
                | PutMember { .. }
                | RemoveMember { .. }
                | Transfer { .. }
                | Ban { .. }
                | Unban { .. }
                | Mute { .. }
                | Unmute { .. }
                | CreateInvite { .. }
                | RevokeInvite { .. }
                | SetCohort { .. },
            ) => Err(Rejection::NotFound),
            (State::Nothing, Redeem { .. }) => Err(Rejection::NoSuchInvite),
            (State::Open(open), Update { name, join }) => open.update(ctx, name, join),
            (State::Open(open), Archive { reason }) => open.archive(ctx, reason),
            (State::Open(open), Restore { reason }) => open.restore(ctx, reason),
            (State::Open(open), Join) => open.join_by(ctx),
            (State::Open(open), Leave) => open.leave(ctx),
            (State::Open(open), PutMember { user, role, reason }) => open.put_member(ctx, user, role, reason),
            (State::Open(open), RemoveMember { user, reason }) => open.remove_member(ctx, user, reason),
            (State::Open(open), Transfer { to }) => open.transfer(ctx, to),
            (State::Open(open), Ban { user, reason, until }) => open.ban(ctx, user, reason, until),
            (State::Open(open), Unban { user, reason, laid_by }) => open.unban(ctx, user, reason, laid_by),
            (State::Open(open), Mute { user, reason, until }) => open.mute(ctx, user, reason, until),
            (State::Open(open), Unmute { user, reason, laid_by }) => open.unmute(ctx, user, reason, laid_by),
            (State::Open(open), CreateInvite { invite, code, terms }) => open.create_invite(ctx, invite, code, terms),
            (State::Open(open), RevokeInvite { invite, reason }) => open.revoke_invite(ctx, invite, reason),
            (State::Open(open), SetCohort { cohort, paused, reason }) => open.set_cohort(ctx, cohort, paused, reason),
            (State::Open(open), Redeem { code }) => open.redeem(ctx, code),
        }
    }

    fn evolve(state: &mut State, event: &Event, meta: &Meta) {
        if let (State::Nothing, Event::Created(created)) = (&*state, event) {
            *state = State::Open(Box::new(Open::new(created)));
        }
        let State::Open(open) = state else { return };
        open.seen.insert(meta.id, meta.revision);
        match event {
            Event::Created(_) => {}
            Event::Updated(updated) => open.apply_update(updated),
            Event::Archived(_) => open.archived = true,
            Event::Restored(_) => open.archived = false,
            Event::MemberAdded(MemberAdded { user, role }) | Event::RoleSet(RoleSet { user, role, .. }) => {
                open.former.remove(user);
                open.roles.insert(*user, *role);
            }
            Event::OwnershipTransferred(OwnershipTransferred { from, to }) => {
                open.roles.insert(*from, Role::Admin);
                open.roles.insert(*to, Role::Owner);
            }
            Event::MemberLeft(gone) => open.end(gone.user, End::Left),
            Event::MemberRemoved(gone) => open.end(gone.user, End::Removed),
            Event::MemberBanned(gone) => {
                open.end(gone.user, End::Removed);
                open.bans.put(gone.user, gone.until, meta);
            }
            Event::MemberUnbanned(back) => open.bans.lift(back.user),
            Event::MemberMuted(muted) => open.mutes.put(muted.user, Some(muted.until), meta),
            Event::MemberUnmuted(unmuted) => open.mutes.lift(unmuted.user),
            Event::InviteCreated(created) => open.invites.created(created, meta.at),
            Event::InviteRevoked(revoked) => open.invites.revoked(revoked),
            Event::InviteRedeemed(redeemed) => open.invites.redeemed(redeemed),
            Event::CohortPaused(paused) => open.invites.paused(&paused.cohort),
            Event::CohortResumed(resumed) => open.invites.resumed(&resumed.cohort),
        }
    }

    fn seen(state: &State, event: EventId) -> Option<u64> {
        state.open()?.seen.get(&event).copied()
    }

    fn weight(state: &State) -> usize {
        /// Key, value and the map's slack.
        const ENTRY_BYTES: usize = 40;
        state.open().map_or(0, |open| {
            let entries = [
                open.roles.capacity(),
                open.former.capacity(),
                open.seen.capacity(),
                open.bans.capacity(),
                open.mutes.capacity(),
            ];
            size_of::<Open>() + open.invites.weight() + entries.iter().sum::<usize>() * ENTRY_BYTES
        })
    }
}

/// The stream of a space, by name.
pub fn stream(id: SpaceId) -> String {
    format!("{}-{}", Space::CATEGORY, id.uuid())
}
