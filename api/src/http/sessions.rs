//! The sessions of a person: which there are, and their ends. Starting one and going on with it are of `accounts`.

mod list;
mod revoke;
mod revoke_others;

use commands::Outcome;
use domain::{Coded, SessionId, user::Event};
use serde::Serialize;

pub(crate) use list::list;
pub(crate) use revoke::revoke;
pub(crate) use revoke_others::revoke_others;

use crate::app::App;

/// What became of sessions that were told to end.
#[derive(Serialize)]
pub(super) struct Ended {
    /// Those that ended now, or did when the same was asked before.
    ended: Vec<SessionId>,
    pub(super) pos: String,
    pub(super) replayed: bool,
}

impl Ended {
    pub(super) fn of(app: &App, outcome: &Outcome) -> Self {
        let events = outcome.events.iter().filter_map(|recorded| {
            let event = &recorded.event;
            Event::decode(&event.kind, event.version, &event.payload).ok()
        });
        let sessions = events.flat_map(|event| match event {
            Event::SessionRevoked(revoked) => vec![revoked.session],
            Event::SessionsRevoked(revoked) => revoked.sessions,
            Event::Registered(_)
            | Event::ProfileChanged(_)
            | Event::SessionStarted(_)
            | Event::RoleGranted(_)
            | Event::RoleRevoked(_)
            | Event::Suspended(_)
            | Event::Reinstated(_)
            | Event::Blocked(_)
            | Event::Unblocked(_)
            | Event::IdentityProved(_)
            | Event::IdentityRemoved(_)
            | Event::IdentityLapsed(_) => vec![],
        });
        Self {
            ended: sessions.collect(),
            pos: app.pos(outcome.position).to_string(),
            replayed: outcome.replayed || outcome.events.is_empty(),
        }
    }
}
