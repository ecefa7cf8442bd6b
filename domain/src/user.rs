//! A person: the account's public face, its sessions, the roles over the whole service granted to it, whether it is suspended, and whom
//! it has blocked. Passwords, tokens and keys live outside the log.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Context, Decider, DidWeb, DisplayName, EventId, Handle, Meta, Reason, SessionId, UserId, codec::codec,
    limits,
};

mod rules;
#[cfg(test)]
mod tests;

/// Marker of the rules of people.
#[derive(Debug, Clone, Copy)]
pub struct User;

/// A right over the whole service, given at the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceRole {
    Operator,
    Auditor,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Command {
    Register {
        handle: Handle,
        display_name: DisplayName,
    },
    ChangeProfile {
        display_name: DisplayName,
    },
    StartSession {
        session: SessionId,
        device: Option<String>,
    },
    /// Ends one session.
    RevokeSession {
        session: SessionId,
        why: Revocation,
    },
    /// Ends every session but one, or all.
    RevokeSessions {
        except: Option<SessionId>,
        why: Revocation,
    },
    GrantRole {
        role: ServiceRole,
    },
    RevokeRole {
        role: ServiceRole,
    },
    /// Locks the person out of the whole service and ends all their sessions.
    Suspend {
        /// Without it: until they are reinstated.
        until: Option<DateTime<Utc>>,
        reason: Reason,
    },
    Reinstate {
        reason: Reason,
    },
    Block {
        user: UserId,
    },
    Unblock {
        user: UserId,
    },
    /// The edge has seen that the identity's document names this account.
    ProveIdentity {
        did: DidWeb,
    },
    RemoveIdentity {
        did: DidWeb,
    },
    /// Its document no longer names the account, or is gone.
    LapseIdentity {
        did: DidWeb,
    },
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// By the session itself.
    Logout,
    /// By its person, from the list of their sessions.
    Revoked,
    /// A refresh token came a second time: somebody has a copy.
    Reuse,
    PasswordChanged,
    /// More sessions than anyone keeps: the oldest makes room.
    Crowded,
    /// With the whole account.
    Suspended,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Registered(Registered),
    ProfileChanged(ProfileChanged),
    SessionStarted(SessionStarted),
    SessionRevoked(SessionRevoked),
    SessionsRevoked(SessionsRevoked),
    RoleGranted(RoleGranted),
    RoleRevoked(RoleRevoked),
    Suspended(Suspended),
    Reinstated(Reinstated),
    Blocked(Blocked),
    Unblocked(Unblocked),
    IdentityProved(IdentityProved),
    IdentityRemoved(IdentityRemoved),
    IdentityLapsed(IdentityLapsed),
}

codec!(Event {
    Registered = "user.registered" 1,
    ProfileChanged = "user.profile_changed" 1,
    SessionStarted = "session.started" 1,
    SessionRevoked = "session.revoked" 1,
    SessionsRevoked = "session.all_revoked" 1,
    RoleGranted = "role.granted" 1,
    RoleRevoked = "role.revoked" 1,
    Suspended = "user.suspended" 1,
    Reinstated = "user.reinstated" 1,
    Blocked = "user.blocked" 1,
    Unblocked = "user.unblocked" 1,
    IdentityProved = "identity.proved" 1,
    IdentityRemoved = "identity.removed" 1,
    IdentityLapsed = "identity.lapsed" 1,
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
pub struct SessionRevoked {
    pub session: SessionId,
    pub why: Revocation,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionsRevoked {
    /// Each of them by name, in order, so that whoever follows the log need not know which there were.
    pub sessions: Vec<SessionId>,
    pub why: Revocation,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleGranted {
    pub role: ServiceRole,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleRevoked {
    pub role: ServiceRole,
}

/// The sessions that end with it are named by an event of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suspended {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<DateTime<Utc>>,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reinstated {
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocked {
    pub user: UserId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unblocked {
    pub user: UserId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdentityProved {
    pub did: DidWeb,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdentityRemoved {
    pub did: DidWeb,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdentityLapsed {
    pub did: DidWeb,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("there is no such person")]
    NotFound,
    #[error("this id already names another person")]
    AlreadyRegistered,
    #[error("you may not do that")]
    Forbidden,
    #[error("there is no such session")]
    NoSuchSession,
    #[error("the account is suspended")]
    Suspended,
    #[error("nobody can block themselves")]
    BlockSelf,
    #[error("nobody blocks more than {max} people")]
    TooManyBlocked { max: usize },
    #[error("nobody proves more than {max} identities")]
    TooManyIdentities { max: usize },
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
    pub suspension: Option<Suspension>,
    /// Who registered it: the person themselves, or the service on their behalf.
    registered_by: Actor,
    registered_at: DateTime<Utc>,
    sessions: HashMap<SessionId, Session>,
    blocked: HashSet<UserId>,
    /// Since when.
    identities: BTreeMap<DidWeb, DateTime<Utc>>,
    seen: HashMap<EventId, u64>,
}

/// A session that nobody has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub device: Option<String>,
    pub started_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    pub until: Option<DateTime<Utc>>,
}

impl Suspension {
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }
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
    /// Those that nobody has ended, in no order.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.sessions.iter().map(|(id, session)| (*id, session))
    }

    pub fn has_session(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    pub fn is_suspended(&self, now: DateTime<Utc>) -> bool {
        self.suspension.is_some_and(|suspension| suspension.holds_at(now))
    }

    pub fn blocks(&self, user: UserId) -> bool {
        self.blocked.contains(&user)
    }

    pub fn blocked(&self) -> impl Iterator<Item = UserId> {
        self.blocked.iter().copied()
    }

    pub fn has_proved(&self, did: &DidWeb) -> bool {
        self.identities.contains_key(did)
    }

    /// Each with the time since when it is proved.
    pub fn identities(&self) -> impl Iterator<Item = (&DidWeb, DateTime<Utc>)> {
        self.identities.iter().map(|(did, at)| (did, *at))
    }

    pub fn registered_at(&self) -> DateTime<Utc> {
        self.registered_at
    }
}

impl Decider for User {
    const CATEGORY: &'static str = "user";
    const STATE_VERSION: u32 = 3;
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
            (
                State::Unregistered,
                ChangeProfile { .. }
                | StartSession { .. }
                | RevokeSession { .. }
                | RevokeSessions { .. }
                | GrantRole { .. }
                | RevokeRole { .. }
                | Suspend { .. }
                | Reinstate { .. }
                | Block { .. }
                | Unblock { .. }
                | ProveIdentity { .. }
                | RemoveIdentity { .. }
                | LapseIdentity { .. },
            ) => Err(Rejection::NotFound),
            (State::Registered(account), Register { handle, .. }) => account.register_again(ctx, &handle),
            (State::Registered(account), ChangeProfile { display_name }) => account.change_profile(ctx, display_name),
            (State::Registered(account), StartSession { session, device }) => {
                account.start_session(ctx, session, device)
            }
            (State::Registered(account), RevokeSession { session, why }) => account.revoke_session(ctx, session, why),
            (State::Registered(account), RevokeSessions { except, why }) => account.revoke_sessions(ctx, except, why),
            (State::Registered(account), GrantRole { role }) => account.grant(ctx, role),
            (State::Registered(account), RevokeRole { role }) => account.revoke_role(ctx, role),
            (State::Registered(account), Suspend { until, reason }) => account.suspend(ctx, until, reason),
            (State::Registered(account), Reinstate { reason }) => account.reinstate(ctx, reason),
            (State::Registered(account), Block { user }) => account.block(ctx, user),
            (State::Registered(account), Unblock { user }) => account.unblock(ctx, user),
            (State::Registered(account), ProveIdentity { did }) => account.prove(ctx, did),
            (State::Registered(account), RemoveIdentity { did }) => account.remove_identity(ctx, did),
            (State::Registered(account), LapseIdentity { did }) => account.lapse(ctx, did),
        }
    }

    fn evolve(state: &mut State, event: &Event, meta: &Meta) {
        if let (State::Unregistered, Event::Registered(registered)) = (&*state, event) {
            *state = State::Registered(Box::new(Account::new(registered, meta)));
        }
        let State::Registered(account) = state else { return };
        account.seen.insert(meta.id, meta.revision);
        match event {
            Event::Registered(_) => {}
            Event::ProfileChanged(changed) => account.display_name = changed.display_name.clone(),
            Event::SessionStarted(started) => account.started(started, meta.at),
            Event::SessionRevoked(revoked) => {
                account.sessions.remove(&revoked.session);
            }
            Event::SessionsRevoked(revoked) => account.sessions.retain(|id, _| !revoked.sessions.contains(id)),
            Event::RoleGranted(granted) if account.roles.contains(&granted.role) => {}
            Event::RoleGranted(granted) => account.roles.push(granted.role),
            Event::RoleRevoked(revoked) => account.roles.retain(|role| *role != revoked.role),
            Event::Suspended(suspended) => account.suspension = Some(Suspension { until: suspended.until }),
            Event::Reinstated(_) => account.suspension = None,
            Event::Blocked(blocked) => {
                account.blocked.insert(blocked.user);
            }
            Event::Unblocked(unblocked) => {
                account.blocked.remove(&unblocked.user);
            }
            Event::IdentityProved(proved) => {
                account.identities.entry(proved.did.clone()).or_insert(meta.at);
            }
            Event::IdentityRemoved(IdentityRemoved { did }) | Event::IdentityLapsed(IdentityLapsed { did }) => {
                account.identities.remove(did);
            }
        }
    }

    fn seen(state: &State, event: EventId) -> Option<u64> {
        state.account()?.seen.get(&event).copied()
    }

    fn weight(state: &State) -> usize {
        /// Key, value and the map's slack.
        const ENTRY_BYTES: usize = 40;
        /// The same, with the label of a device.
        const SESSION_BYTES: usize = 160;
        state.account().map_or(0, |account| {
            size_of::<Account>()
                + (account.seen.capacity() + account.blocked.capacity()) * ENTRY_BYTES
                + account.sessions.capacity() * SESSION_BYTES
        })
    }
}

/// The stream of a person, by name.
pub fn stream(id: UserId) -> String {
    format!("{}-{}", User::CATEGORY, id.uuid())
}
