//! What an event of the log means for who is out. Most mean nothing.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{Coded, Decider, SessionId, UserId, user};
use event_store::Recorded;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Ended {
        sessions: Arc<[SessionId]>,
        at: DateTime<Utc>,
    },
    Suspended {
        user: UserId,
        until: Option<DateTime<Utc>>,
    },
    Reinstated {
        user: UserId,
    },
}

impl Change {
    pub(super) fn of(recorded: &Recorded) -> Option<Self> {
        use user::Event;
        if recorded.stream.category() != user::User::CATEGORY {
            return None;
        }
        let user = UserId::from(recorded.stream.id()?);
        let event = &recorded.event;
        match Event::decode(&event.kind, event.version, &event.payload).ok()? {
            Event::SessionRevoked(revoked) => Some(Self::Ended {
                sessions: [revoked.session].into(),
                at: event.recorded_at,
            }),
            Event::SessionsRevoked(revoked) => Some(Self::Ended {
                sessions: revoked.sessions.into(),
                at: event.recorded_at,
            }),
            Event::Suspended(suspended) => Some(Self::Suspended {
                user,
                until: suspended.until,
            }),
            Event::Reinstated(_) => Some(Self::Reinstated { user }),
            Event::Registered(_)
            | Event::ProfileChanged(_)
            | Event::SessionStarted(_)
            | Event::RoleGranted(_)
            | Event::RoleRevoked(_)
            | Event::Blocked(_)
            | Event::Unblocked(_)
            | Event::IdentityProved(_)
            | Event::IdentityRemoved(_)
            | Event::IdentityLapsed(_) => None,
        }
    }
}
