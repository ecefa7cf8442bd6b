//! A person: the account's public face, its sessions and the service-wide roles granted to it. Passwords and keys live outside the log.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{Actor, Context, Decider, DisplayName, EventId, Handle, Meta, SessionId, UserId, codec::codec};

#[cfg(test)]
mod tests;

/// Marker of the rules of people.
#[derive(Debug, Clone, Copy)]
pub struct User;

/// A right over the whole service, given at the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceRole {
    Operator,
    Auditor,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Command {
    Register { handle: Handle, display_name: DisplayName },
    ChangeProfile { display_name: DisplayName },
    StartSession { session: SessionId, device: Option<String> },
    GrantRole { role: ServiceRole },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Registered(Registered),
    ProfileChanged(ProfileChanged),
    SessionStarted(SessionStarted),
    RoleGranted(RoleGranted),
}

codec!(Event {
    Registered = "user.registered" 1,
    ProfileChanged = "user.profile_changed" 1,
    SessionStarted = "session.started" 1,
    RoleGranted = "role.granted" 1,
});

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    pub handle: Handle,
    pub display_name: DisplayName,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileChanged {
    pub display_name: DisplayName,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionStarted {
    pub session: SessionId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleGranted {
    pub role: ServiceRole,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("there is no such person")]
    NotFound,
    #[error("this id already names another person")]
    AlreadyRegistered,
    #[error("you may not do that")]
    Forbidden,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum State {
    #[default]
    Unregistered,
    Registered(Box<Account>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    pub handle: Handle,
    pub display_name: DisplayName,
    pub roles: Vec<ServiceRole>,
    /// Who registered it: the person themselves, or the service on their behalf.
    registered_by: Actor,
    seen: HashMap<EventId, u64>,
}

impl State {
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Unregistered => None,
            Self::Registered(account) => Some(account),
        }
    }
}

impl Account {
    /// The account is theirs, as far as this stream can tell: one that the service registered names nobody.
    fn is_of(&self, actor: Actor) -> bool {
        actor == Actor::System || self.registered_by == Actor::System || self.registered_by == actor
    }
}

impl Decider for User {
    const CATEGORY: &'static str = "user";
    const STATE_VERSION: u32 = 1;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        use Command::*;
        match (state, command) {
            (State::Unregistered, Register { handle, display_name }) => {
                Ok(vec![Event::Registered(Registered { handle, display_name })])
            }
            (State::Registered(account), Register { handle, .. })
                if account.is_of(ctx.actor) && account.handle == handle =>
            {
                Ok(vec![])
            }
            (State::Registered(_), Register { .. }) => Err(Rejection::AlreadyRegistered),
            (State::Unregistered, ChangeProfile { .. } | StartSession { .. } | GrantRole { .. }) => {
                Err(Rejection::NotFound)
            }
            (State::Registered(account), ChangeProfile { .. } | StartSession { .. }) if !account.is_of(ctx.actor) => {
                Err(Rejection::Forbidden)
            }
            (State::Registered(account), ChangeProfile { display_name }) => {
                let same = account.display_name == display_name;
                Ok(if same {
                    vec![]
                } else {
                    vec![Event::ProfileChanged(ProfileChanged { display_name })]
                })
            }
            (State::Registered(_), StartSession { session, device }) => {
                Ok(vec![Event::SessionStarted(SessionStarted {
                    session,
                    device: device.and_then(label),
                })])
            }
            // Service roles are given at the console, never by a person over the network.
            (State::Registered(_), GrantRole { .. }) if ctx.actor != Actor::System => Err(Rejection::Forbidden),
            (State::Registered(account), GrantRole { role }) => {
                let has = account.roles.contains(&role);
                Ok(if has {
                    vec![]
                } else {
                    vec![Event::RoleGranted(RoleGranted { role })]
                })
            }
        }
    }

    fn evolve(state: &mut State, event: &Event, meta: &Meta) {
        if let (State::Unregistered, Event::Registered(registered)) = (&*state, event) {
            *state = State::Registered(Box::new(Account {
                handle: registered.handle.clone(),
                display_name: registered.display_name.clone(),
                roles: vec![],
                registered_by: meta.actor,
                seen: HashMap::new(),
            }));
        }
        let State::Registered(account) = state else { return };
        account.seen.insert(meta.id, meta.revision);
        match event {
            Event::Registered(_) | Event::SessionStarted(_) => {}
            Event::ProfileChanged(changed) => account.display_name = changed.display_name.clone(),
            Event::RoleGranted(granted) if account.roles.contains(&granted.role) => {}
            Event::RoleGranted(granted) => account.roles.push(granted.role),
        }
    }

    fn seen(state: &State, event: EventId) -> Option<u64> {
        state.account()?.seen.get(&event).copied()
    }

    fn weight(state: &State) -> usize {
        /// Key, value and the map's slack.
        const ENTRY_BYTES: usize = 40;
        state.account().map_or(0, |account| {
            size_of::<Account>() + account.seen.capacity() * ENTRY_BYTES
        })
    }
}

/// A device's name only helps its owner tell sessions apart: one that would not do as a person's name is left out, never a reason to
/// refuse a sign-in.
fn label(device: String) -> Option<String> {
    DisplayName::parse(&device).ok().map(|name| name.as_str().to_owned())
}

/// The stream of a person, by name.
pub fn stream(id: UserId) -> String {
    format!("{}-{}", User::CATEGORY, id.uuid())
}
