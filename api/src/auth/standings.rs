//! Which sessions have ended and who is suspended, folded from the log in memory, so that every request and every socket is asked
//! without a query. Whoever ends a session waits until this has seen it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use domain::{Coded, Decider, SessionId, UserId, user};
use event_store::{EventLog, Recorded};
use parking_lot::RwLock;
use tokio::sync::{broadcast, watch};

/// Cuts that a worker may be behind with before it has to look at all its sockets.
const CUTS_MAX: usize = 1_024;
/// Wait before the log is asked again after it could not be read.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// Somebody is out from now on, wherever they are connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    Sessions(Arc<[SessionId]>),
    Person(UserId),
}

#[derive(Debug)]
pub struct Standings {
    out: RwLock<Out>,
    seen: watch::Sender<u64>,
    cuts: broadcast::Sender<Cut>,
}

#[derive(Debug, Default)]
struct Out {
    sessions: HashSet<SessionId>,
    /// Until when; without a time until they are reinstated.
    people: HashMap<UserId, Option<DateTime<Utc>>>,
}

impl Standings {
    pub fn new(position: u64) -> Arc<Self> {
        Arc::new(Self {
            out: RwLock::default(),
            seen: watch::Sender::new(position),
            cuts: broadcast::Sender::new(CUTS_MAX),
        })
    }

    /// Whether the session has ended or its person is suspended.
    pub fn is_out(&self, user: UserId, session: SessionId, now: DateTime<Utc>) -> bool {
        let out = self.out.read();
        let suspended = out
            .people
            .get(&user)
            .is_some_and(|until| until.is_none_or(|until| now < until));
        suspended || out.sessions.contains(&session)
    }

    /// Every cut from now on. Who lags behind asks [`Self::is_out`] for everyone.
    pub fn cuts(&self) -> broadcast::Receiver<Cut> {
        self.cuts.subscribe()
    }

    /// Waits until what stands at `position` is known here.
    pub async fn has_seen(&self, position: u64) {
        let mut seen = self.seen.subscribe();
        // The sender lives as long as we do.
        let _seen = seen.wait_for(|seen| *seen >= position).await;
    }

    /// Follows the log for ever.
    pub async fn run(self: Arc<Self>, log: Arc<dyn EventLog>) {
        let mut tail = log.tail(*self.seen.borrow());
        loop {
            match tail.next().await {
                Ok(batch) => {
                    batch.events.iter().for_each(|event| self.see(event));
                    self.seen.send_replace(batch.scanned_to);
                }
                Err(error) => {
                    tracing::warn!(%error, "Ended sessions cannot be read from the log");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    fn see(&self, recorded: &Recorded) {
        use user::Event;
        if recorded.stream.category() != user::User::CATEGORY {
            return;
        }
        let Some(user) = recorded.stream.id().map(UserId::from) else {
            return;
        };
        let decoded = Event::decode(&recorded.event.kind, recorded.event.version, &recorded.event.payload);
        match decoded {
            Ok(Event::SessionRevoked(revoked)) => self.end([revoked.session].into()),
            Ok(Event::SessionsRevoked(revoked)) => self.end(revoked.sessions.into()),
            Ok(Event::Suspended(suspended)) => {
                self.out.write().people.insert(user, suspended.until);
                let _nobody_connected = self.cuts.send(Cut::Person(user));
            }
            Ok(Event::Reinstated(_)) => {
                self.out.write().people.remove(&user);
            }
            Ok(_) | Err(_) => {}
        }
    }

    fn end(&self, sessions: Arc<[SessionId]>) {
        self.out.write().sessions.extend(sessions.iter().copied());
        let _nobody_connected = self.cuts.send(Cut::Sessions(sessions));
    }
}
