//! A space: a community with members, roles and channels. The channels are streams of their own; the space only says who belongs.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{Actor, Context, Decider, EventId, Meta, SpaceId, SpaceName, UserId, codec::codec};

#[cfg(test)]
mod tests;

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
    /// Only people whom an admin adds.
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
    Archive,
    Join,
    Leave,
    /// Adds the person or changes their role.
    PutMember {
        user: UserId,
        role: Role,
    },
    RemoveMember {
        user: UserId,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Created(Created),
    Updated(Updated),
    Archived(Archived),
    MemberAdded(MemberAdded),
    RoleSet(RoleSet),
    MemberLeft(MemberLeft),
    MemberRemoved(MemberRemoved),
}

codec!(Event {
    Created = "space.created" 1,
    Updated = "space.updated" 1,
    Archived = "space.archived" 1,
    MemberAdded = "space.member_added" 1,
    RoleSet = "space.role_set" 1,
    MemberLeft = "space.member_left" 1,
    MemberRemoved = "space.member_removed" 1,
});

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Created {
    pub name: SpaceName,
    pub join: JoinRule,
}

/// Only what changed is present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Updated {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<SpaceName>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub join: Option<JoinRule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Archived {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberAdded {
    pub user: UserId,
    pub role: Role,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleSet {
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
}

impl Decider for Space {
    const CATEGORY: &'static str = "space";
    const STATE_VERSION: u32 = 1;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        use Command::*;
        match (state, command) {
            (State::Nothing, Create { name, join }) => create(ctx, name, join),
            (State::Open(_), Create { .. }) => Err(Rejection::AlreadyExists),
            (State::Nothing, Update { .. } | Archive | Join | Leave | PutMember { .. } | RemoveMember { .. }) => {
                Err(Rejection::NotFound)
            }
            (State::Open(open), Update { name, join }) => open.update(ctx, name, join),
            (State::Open(open), Archive) => open.archive(ctx),
            (State::Open(open), Join) => open.join_by(ctx),
            (State::Open(open), Leave) => open.leave(ctx),
            (State::Open(open), PutMember { user, role }) => open.put_member(ctx, user, role),
            (State::Open(open), RemoveMember { user }) => open.remove_member(ctx, user),
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
            Event::MemberAdded(MemberAdded { user, role }) | Event::RoleSet(RoleSet { user, role }) => {
                open.former.remove(user);
                open.roles.insert(*user, *role);
            }
            Event::MemberLeft(gone) => open.end(gone.user, End::Left),
            Event::MemberRemoved(gone) => open.end(gone.user, End::Removed),
        }
    }

    fn seen(state: &State, event: EventId) -> Option<u64> {
        state.open()?.seen.get(&event).copied()
    }

    fn weight(state: &State) -> usize {
        /// Key, value and the map's slack.
        const ENTRY_BYTES: usize = 40;
        state.open().map_or(0, |open| {
            size_of::<Open>() + (open.roles.capacity() + open.former.capacity() + open.seen.capacity()) * ENTRY_BYTES
        })
    }
}

/// The stream of a space, by name.
pub fn stream(id: SpaceId) -> String {
    format!("{}-{}", Space::CATEGORY, id.uuid())
}

fn create(ctx: &Context, name: SpaceName, join: JoinRule) -> Result<Vec<Event>, Rejection> {
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
    fn new(created: &Created) -> Self {
        Self {
            name: created.name.clone(),
            join: created.join,
            archived: false,
            roles: HashMap::new(),
            former: HashMap::new(),
            seen: HashMap::new(),
        }
    }

    fn end(&mut self, user: UserId, end: End) {
        if self.roles.remove(&user).is_some() {
            self.former.insert(user, end);
        }
    }

    fn apply_update(&mut self, updated: &Updated) {
        if let Some(name) = &updated.name {
            self.name = name.clone();
        }
        self.join = updated.join.unwrap_or(self.join);
    }

    fn update(&self, ctx: &Context, name: Option<SpaceName>, join: Option<JoinRule>) -> Result<Vec<Event>, Rejection> {
        self.at_least(ctx, Role::Admin)?;
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

    fn archive(&self, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        self.at_least(ctx, Role::Owner)?;
        Ok(if self.archived {
            vec![]
        } else {
            vec![Event::Archived(Archived {})]
        })
    }

    fn join_by(&self, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
        if self.roles.contains_key(&user) {
            return Ok(vec![]);
        }
        match self.join {
            JoinRule::Closed => Err(Rejection::NotFound),
            JoinRule::Open if self.archived => Err(Rejection::NotFound),
            JoinRule::Open => Ok(vec![Event::MemberAdded(MemberAdded {
                user,
                role: Role::Member,
            })]),
        }
    }

    fn leave(&self, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
        match self.roles.get(&user) {
            None if self.former.get(&user) == Some(&End::Left) => Ok(vec![]),
            None => Err(Rejection::NotFound),
            Some(Role::Owner) => Err(Rejection::OwnerStays),
            Some(Role::Guest | Role::Member | Role::Moderator | Role::Admin) => {
                Ok(vec![Event::MemberLeft(MemberLeft { user })])
            }
        }
    }

    /// Admins fill the ranks below their own; nobody is raised to owner here.
    fn put_member(&self, ctx: &Context, user: UserId, role: Role) -> Result<Vec<Event>, Rejection> {
        let rank = self.at_least(ctx, Role::Admin)?;
        self.unarchived()?;
        let current = self.roles.get(&user).copied();
        if current == Some(role) {
            return Ok(vec![]);
        }
        if role >= rank || current.is_some_and(|current| current >= rank) {
            return Err(Rejection::Forbidden);
        }
        Ok(vec![match current {
            None => Event::MemberAdded(MemberAdded { user, role }),
            Some(_) => Event::RoleSet(RoleSet { user, role }),
        }])
    }

    fn remove_member(&self, ctx: &Context, user: UserId) -> Result<Vec<Event>, Rejection> {
        let rank = self.at_least(ctx, Role::Moderator)?;
        match self.roles.get(&user) {
            None if self.former.contains_key(&user) => Ok(vec![]),
            None => Err(Rejection::NoSuchMember),
            Some(current) if *current >= rank => Err(Rejection::Forbidden),
            Some(_) => Ok(vec![Event::MemberRemoved(MemberRemoved { user })]),
        }
    }

    /// The actor's rank, if it reaches `least`. Strangers learn nothing; the service itself ranks as owner.
    fn at_least(&self, ctx: &Context, least: Role) -> Result<Role, Rejection> {
        let rank = match ctx.actor {
            Actor::System => Role::Owner,
            Actor::User(user) => *self.roles.get(&user).ok_or(Rejection::NotFound)?,
        };
        if rank < least {
            Err(Rejection::Forbidden)
        } else {
            Ok(rank)
        }
    }

    fn unarchived(&self) -> Result<(), Rejection> {
        if self.archived {
            Err(Rejection::Archived)
        } else {
            Ok(())
        }
    }
}
