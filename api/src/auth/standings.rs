//! Which sessions have ended and who is suspended, folded from the log in memory, so that every request and every socket is asked
//! without a query. Whoever ends a session waits until this has seen it. What a restart needs of it is kept by `standings/kept.rs`.

mod change;
mod kept;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use commands::SpaceExit;
use domain::{SessionId, UserId};
use event_store::{EventLog, ReadError, Recorded};
use parking_lot::RwLock;
use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use tokio::sync::{broadcast, watch};

use self::change::Change;
pub(super) use self::kept::Kept;
use crate::request::now;

/// Cuts that a worker may be behind with before it has to look at all its sockets.
const CUTS_MAX: usize = 1_024;
/// Wait before the log is asked again after it could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Ended sessions remembered at a time. Beyond it the oldest is forgotten and every token of its time is refused with it: their bearers
/// refresh.
const ENDED_MAX: usize = 500_000;
/// How much longer than a token lives its session is remembered: for a refresh that began before the session ended, and for clocks.
const MARGIN: Duration = Duration::from_secs(60);
/// Events read at once while catching up.
const PAGE_EVENTS: usize = 4_096;

/// Somebody is out from now on, wherever they are connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    Sessions(Arc<[SessionId]>),
    Person(UserId),
    /// From one space and all that is in it.
    Space(SpaceExit),
}

#[derive(Debug)]
pub struct Standings {
    out: RwLock<Out>,
    seen: watch::Sender<u64>,
    cuts: broadcast::Sender<Cut>,
    /// For how long an ended session is remembered.
    memory: Duration,
    ended: Gauge,
    suspended: Gauge,
}

#[derive(Debug, Default)]
struct Out {
    sessions: HashMap<SessionId, DateTime<Utc>>,
    /// The same in the order of the log, to forget the oldest first.
    order: VecDeque<SessionId>,
    /// Until when; without a time until they are reinstated. As many as operators have suspended.
    people: HashMap<UserId, Option<DateTime<Utc>>>,
    /// Tokens issued before are refused, whosever they are: not every session that had ended by then is remembered.
    refused_before: Option<DateTime<Utc>>,
}

impl Standings {
    /// As they were kept, at the position they were kept at.
    pub(super) fn new(kept: &Kept, token_life: Duration) -> Arc<Self> {
        let standings = Self {
            out: RwLock::default(),
            seen: watch::Sender::new(kept.position),
            cuts: broadcast::Sender::new(CUTS_MAX),
            memory: memory(token_life),
            ended: Gauge::default(),
            suspended: Gauge::default(),
        };
        kept.changes.iter().for_each(|change| standings.apply(change));
        Arc::new(standings)
    }

    /// Whether the session has ended or its person is suspended.
    pub fn is_out(&self, user: UserId, session: SessionId, now: DateTime<Utc>) -> bool {
        let out = self.out.read();
        let suspended = out
            .people
            .get(&user)
            .is_some_and(|until| until.is_none_or(|until| now < until));
        suspended || out.sessions.contains_key(&session)
    }

    /// Whether tokens of that time are refused, since it is not known any more which of their sessions have ended.
    pub fn is_forgotten(&self, issued_at: DateTime<Utc>) -> bool {
        self.out.read().refused_before.is_some_and(|time| issued_at < time)
    }

    /// Every cut from now on. Who lags behind asks [`Self::is_out`] for everyone.
    pub fn cuts(&self) -> broadcast::Receiver<Cut> {
        self.cuts.subscribe()
    }

    /// The position up to which the log is known here.
    pub(crate) fn seen(&self) -> u64 {
        *self.seen.borrow()
    }

    /// Waits until what stands at `position` is known here.
    pub async fn has_seen(&self, position: u64) {
        let mut seen = self.seen.subscribe();
        // The sender lives as long as we do.
        let _seen = seen.wait_for(|seen| *seen >= position).await;
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "auth_ended_sessions",
            "Ended sessions that are remembered, since an access token of theirs may live",
            self.ended.clone(),
        );
        registry.register(
            "auth_suspended_people",
            "People who are suspended",
            self.suspended.clone(),
        );
    }

    /// Reads the log up to `head`, so that nobody is served before it is known that they are out.
    pub(super) async fn catch_up(&self, log: &dyn EventLog, head: u64) -> Result<(), ReadError> {
        let mut position = *self.seen.borrow();
        while position < head {
            let page = log.read_all(position, PAGE_EVENTS).await?;
            page.events
                .iter()
                .filter_map(|event| Change::of(event))
                .for_each(|change| self.apply(&change));
            position = page.scanned_to;
            self.seen.send_replace(position);
        }
        Ok(())
    }

    /// Follows the log for ever.
    pub(super) async fn run(self: Arc<Self>, log: Arc<dyn EventLog>) {
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

    fn apply(&self, change: &Change) {
        let mut out = self.out.write();
        match change {
            Change::Ended { sessions, at } => out.end(sessions, *at, now() - self.memory),
            Change::Suspended { user, until } => {
                out.people.insert(*user, *until);
            }
            Change::Reinstated { user } => {
                out.people.remove(user);
            }
        }
        self.ended.set(out.sessions.len() as i64);
        self.suspended.set(out.people.len() as i64);
    }

    fn see(&self, event: &Recorded) {
        let change = Change::of(event);
        change.iter().for_each(|change| self.apply(change));
        let cut = match change {
            Some(Change::Ended { sessions, .. }) => Some(Cut::Sessions(sessions)),
            Some(Change::Suspended { user, .. }) => Some(Cut::Person(user)),
            Some(Change::Reinstated { .. }) => None,
            // Who is in a space its own state says; whoever listens already has to be told.
            None => SpaceExit::of(event).map(Cut::Space),
        };
        let _nobody_connected = cut.map(|cut| self.cuts.send(cut));
    }
}

impl Out {
    fn end(&mut self, sessions: &[SessionId], at: DateTime<Utc>, forget_before: DateTime<Utc>) {
        self.forget(|ended_at| ended_at < forget_before);
        if at < forget_before {
            return;
        }
        for session in sessions {
            if self.sessions.len() >= ENDED_MAX
                && let Some(ended_at) = self.forget_oldest()
            {
                self.refused_before = self.refused_before.max(Some(ended_at + MARGIN));
            }
            if self.sessions.insert(*session, at).is_none() {
                self.order.push_back(*session);
            }
        }
    }

    fn forget(&mut self, is_old: impl Fn(DateTime<Utc>) -> bool) {
        while let Some(oldest) = self.order.front()
            && self.sessions.get(oldest).is_none_or(|ended_at| is_old(*ended_at))
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) -> Option<DateTime<Utc>> {
        let oldest = self.order.pop_front()?;
        self.sessions.remove(&oldest)
    }
}

/// From the end of a session until no access token of it can live.
fn memory(token_life: Duration) -> Duration {
    token_life + MARGIN
}

#[cfg(test)]
mod tests;
