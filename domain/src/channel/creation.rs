//! How a channel begins, by kind: what is recorded of its settings, and who is in it from the start.
//! What an existing channel answers is in `channel.rs`.

use super::{Created, Event, History, Kind, MemberAdded, Rejection, Role, messages::unblocked};
use crate::{ChannelName, Context, SpaceId, UserId, limits, rights::Right};

pub(super) fn in_space(
    ctx: &Context,
    kind: Kind,
    space: SpaceId,
    name: ChannelName,
    private: bool,
    history: History,
) -> Result<Vec<Event>, Rejection> {
    match ctx.space_role {
        None => return Err(Rejection::NoSuchSpace),
        Some(role) if !role.may(Right::OpenChannel) => return Err(Rejection::Forbidden),
        Some(_) if ctx.space_archived => return Err(Rejection::SpaceArchived),
        Some(_) => {}
    }
    let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
    Ok(vec![
        Event::Created(Created {
            kind,
            space: Some(space),
            name: Some(name),
            private,
            history,
        }),
        Event::MemberAdded(MemberAdded {
            user,
            role: Role::Owner,
        }),
    ])
}

pub(super) fn group(ctx: &Context, name: Option<ChannelName>, members: Vec<UserId>) -> Result<Vec<Event>, Rejection> {
    let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
    let mut others: Vec<UserId> = members.into_iter().filter(|member| *member != user).collect();
    others.sort_unstable();
    others.dedup();
    if others.len() + 1 > limits::GROUP_MEMBERS_MAX {
        return Err(Rejection::Full {
            max: limits::GROUP_MEMBERS_MAX,
        });
    }
    let created = Created {
        kind: Kind::Group,
        space: None,
        name,
        private: true,
        history: History::SinceJoin,
    };
    let mut events = vec![
        Event::Created(created),
        Event::MemberAdded(MemberAdded {
            user,
            role: Role::Owner,
        }),
    ];
    events.extend(others.into_iter().map(|user| {
        Event::MemberAdded(MemberAdded {
            user,
            role: Role::Member,
        })
    }));
    Ok(events)
}

pub(super) fn direct(ctx: &Context, with: UserId) -> Result<Vec<Event>, Rejection> {
    let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
    if user == with {
        return Err(Rejection::DirectWithSelf);
    }
    unblocked(ctx)?;
    let created = Created {
        kind: Kind::Direct,
        space: None,
        name: None,
        private: true,
        history: History::All,
    };
    Ok(vec![
        Event::Created(created),
        Event::MemberAdded(MemberAdded {
            user,
            role: Role::Member,
        }),
        Event::MemberAdded(MemberAdded {
            user: with,
            role: Role::Member,
        }),
    ])
}
