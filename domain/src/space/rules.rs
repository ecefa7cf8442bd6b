//! Who may do what in a space that is there, and what follows. Bans and mutes are in `sanctions.rs`, invites in `invites.rs`.

use std::collections::HashMap;

use super::{
    Archived, Created, End, Event, JoinRule, MemberAdded, MemberLeft, MemberRemoved, MemberUnmuted, Open,
    OwnershipTransferred, Rejection, Restored, Role, RoleSet, Updated, invites::Invites, sanctions::Sanctions,
};
use crate::{Actor, Context, Reason, SpaceName, UserId, rights::Right, user::ServiceRole};

pub(super) fn create(ctx: &Context, name: SpaceName, join: JoinRule) -> Result<Vec<Event>, Rejection> {
    let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
    Ok(vec![
        Event::Created(Created { name, join }),
        Event::MemberAdded(MemberAdded {
            user,
            role: Role::Owner,
        }),
    ])
}

impl Open {
    pub(super) fn new(created: &Created) -> Self {
        Self {
            name: created.name.clone(),
            join: created.join,
            archived: false,
            roles: HashMap::new(),
            former: HashMap::new(),
            bans: Sanctions::default(),
            mutes: Sanctions::default(),
            invites: Invites::default(),
            seen: HashMap::new(),
        }
    }

    pub(super) fn end(&mut self, user: UserId, end: End) {
        if self.roles.remove(&user).is_some() {
            self.former.insert(user, end);
        }
    }

    pub(super) fn apply_update(&mut self, updated: &Updated) {
        if let Some(name) = &updated.name {
            self.name = name.clone();
        }
        self.join = updated.join.unwrap_or(self.join);
    }

    pub(super) fn update(
        &self,
        ctx: &Context,
        name: Option<SpaceName>,
        join: Option<JoinRule>,
    ) -> Result<Vec<Event>, Rejection> {
        self.right(ctx, Right::ChangeSpace)?;
        self.unarchived()?;
        let changed = Updated {
            name: name.filter(|name| self.name != *name),
            join: join.filter(|join| self.join != *join),
        };
        let unchanged = changed.name.is_none() && changed.join.is_none();
        Ok(if unchanged {
            vec![]
        } else {
            vec![Event::Updated(changed)]
        })
    }

    pub(super) fn archive(&self, ctx: &Context, reason: Option<Reason>) -> Result<Vec<Event>, Rejection> {
        self.right(ctx, Right::ArchiveSpace)?;
        Ok(if self.archived {
            vec![]
        } else {
            vec![Event::Archived(Archived { reason })]
        })
    }

    pub(super) fn restore(&self, ctx: &Context, reason: Option<Reason>) -> Result<Vec<Event>, Rejection> {
        self.right(ctx, Right::ArchiveSpace)?;
        Ok(if self.archived {
            vec![Event::Restored(Restored { reason })]
        } else {
            vec![]
        })
    }

    pub(super) fn join_by(&self, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
        if self.roles.contains_key(&user) {
            return Ok(vec![]);
        }
        match self.join {
            JoinRule::Invite | JoinRule::Closed => Err(Rejection::NotFound),
            JoinRule::Open if self.archived || self.bans.holds(user, ctx.now) => Err(Rejection::NotFound),
            JoinRule::Open => Ok(vec![Event::MemberAdded(MemberAdded {
                user,
                role: Role::Member,
            })]),
        }
    }

    pub(super) fn leave(&self, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
        match self.roles.get(&user) {
            None if self.former.get(&user) == Some(&End::Left) => Ok(vec![]),
            None => Err(Rejection::NotFound),
            Some(role) if !role.may(Right::LeaveSpace) => Err(Rejection::OwnerStays),
            Some(_) => Ok(vec![Event::MemberLeft(MemberLeft { user })]),
        }
    }

    /// Admins fill the ranks below their own; nobody is raised to owner here.
    pub(super) fn put_member(
        &self,
        ctx: &Context,
        user: UserId,
        role: Role,
        reason: Option<Reason>,
    ) -> Result<Vec<Event>, Rejection> {
        let rank = self.right(ctx, Right::SetRoles)?;
        self.unarchived()?;
        let current = self.roles.get(&user).copied();
        if current == Some(role) {
            return Ok(vec![]);
        }
        if role >= rank || current.is_some_and(|current| current >= rank) {
            return Err(Rejection::Forbidden);
        }
        match current {
            None if self.bans.holds(user, ctx.now) => Err(Rejection::Banned),
            None => Ok(vec![Event::MemberAdded(MemberAdded { user, role })]),
            Some(_) => Ok(vec![Event::RoleSet(RoleSet { user, role, reason })]),
        }
    }

    pub(super) fn remove_member(
        &self,
        ctx: &Context,
        user: UserId,
        reason: Option<Reason>,
    ) -> Result<Vec<Event>, Rejection> {
        let rank = self.right(ctx, Right::RemovePeople)?;
        match self.roles.get(&user) {
            None if self.former.contains_key(&user) => Ok(vec![]),
            None => Err(Rejection::NoSuchMember),
            Some(current) if *current >= rank => Err(Rejection::Forbidden),
            Some(_) => Ok(vec![Event::MemberRemoved(MemberRemoved { user, reason })]),
        }
    }

    /// A space has one owner, who may be anybody in it. Nobody could lift a mute of theirs, so it ends here.
    pub(super) fn transfer(&self, ctx: &Context, to: UserId) -> Result<Vec<Event>, Rejection> {
        self.right(ctx, Right::TransferSpace)?;
        self.unarchived()?;
        match self.roles.get(&to) {
            None => return Err(Rejection::NoSuchMember),
            Some(Role::Owner) => return Ok(vec![]),
            Some(_) => {}
        }
        let from = self.owner().ok_or(Rejection::Forbidden)?;
        let transferred = Event::OwnershipTransferred(OwnershipTransferred { from, to });
        let unmuted = Event::MemberUnmuted(MemberUnmuted { user: to, reason: None });
        Ok(if self.mutes.holds(to, ctx.now) {
            vec![transferred, unmuted]
        } else {
            vec![transferred]
        })
    }

    fn owner(&self) -> Option<UserId> {
        let mut roles = self.roles.iter();
        roles.find(|(_, role)| **role == Role::Owner).map(|(user, _)| *user)
    }

    /// The actor's rank, if it has the right. Strangers learn nothing; the service itself ranks as owner.
    pub(super) fn right(&self, ctx: &Context, right: Right) -> Result<Role, Rejection> {
        let rank = self.rank(ctx, right).ok_or(Rejection::NotFound)?;
        if rank.may(right) {
            Ok(rank)
        } else {
            Err(Rejection::Forbidden)
        }
    }

    /// Operators, where they say that they act as such, moderate every space as the service itself would.
    fn rank(&self, ctx: &Context, right: Right) -> Option<Role> {
        let moderates = matches!(right, Right::RemovePeople | Right::BanPeople | Right::MutePeople);
        match ctx.actor {
            Actor::System => Some(Role::Owner),
            Actor::User(_) if moderates && ctx.acting_as == Some(ServiceRole::Operator) => Some(Role::Owner),
            Actor::User(user) => self.roles.get(&user).copied(),
        }
    }

    pub(super) fn unarchived(&self) -> Result<(), Rejection> {
        if self.archived {
            Err(Rejection::Archived)
        } else {
            Ok(())
        }
    }
}
