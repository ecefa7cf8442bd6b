//! How far the views are, for everyone who asks: waiting reads, health checks, operators. Kept in memory; the runner reports it.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::registry::Projection;

/// One view, as `GET /admin/projections` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionStatus {
    pub name: &'static str,
    pub version: u32,
    pub generation: u64,
    pub state: ProjectionState,
    pub checkpoint: u64,
    /// Newest position of the log that was seen.
    pub head: u64,
    pub lag_events: u64,
    /// Events put aside because they, or one before them in their stream, could not be read.
    pub parked: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectionState {
    /// Answers queries; how old the answers are is the lag.
    Serving,
}

impl ProjectionState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Progress {
    views: Vec<One>,
    head: AtomicU64,
    /// The position every view has reached.
    reached: watch::Sender<u64>,
    /// How many wait for the views to move.
    waiting: watch::Sender<usize>,
}

/// Somebody who waits; until this is dropped.
pub(crate) struct Waiting<'a>(&'a Progress);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

#[derive(Debug)]
struct One {
    projection: &'static Projection,
    generation: u64,
    position: AtomicU64,
    parked: AtomicU64,
}

impl Progress {
    pub(crate) fn new(views: impl Iterator<Item = (&'static Projection, u64, u64)>, head: u64) -> Self {
        let views: Vec<One> = views
            .map(|(projection, generation, position)| One {
                projection,
                generation,
                position: AtomicU64::new(position),
                parked: AtomicU64::new(0),
            })
            .collect();
        let progress = Self {
            views,
            head: AtomicU64::new(head),
            reached: watch::Sender::new(0),
            waiting: watch::Sender::new(0),
        };
        progress.announce();
        progress
    }

    /// The log reaches at least to `head`.
    pub(crate) fn saw_head(&self, head: u64) {
        self.head.fetch_max(head, Ordering::Relaxed);
    }

    pub(crate) fn moved(&self, name: &str, position: u64) {
        if let Some(one) = self.views.iter().find(|one| one.projection.name == name) {
            one.position.store(position, Ordering::Release);
        }
    }

    pub(crate) fn parked(&self, name: &str, events: u64) {
        if let Some(one) = self.views.iter().find(|one| one.projection.name == name) {
            one.parked.store(events, Ordering::Relaxed);
        }
    }

    /// Wakes those who wait, once all views have moved.
    pub(crate) fn announce(&self) {
        let lowest = self
            .views
            .iter()
            .map(|one| one.position.load(Ordering::Acquire))
            .min()
            .unwrap_or(0);
        self.reached
            .send_if_modified(|reached| std::mem::replace(reached, lowest) != lowest);
    }

    /// Lets the writer know that somebody waits.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.waiting.send_modify(|waiting| *waiting += 1);
        Waiting(self)
    }

    /// Resolves when somebody waits.
    pub(crate) async fn wanted(&self) {
        let mut waiting = self.waiting.subscribe();
        // The sender lives as long as `self`.
        let _some = waiting.wait_for(|waiting| *waiting > 0).await;
    }

    pub(crate) fn reached(&self) -> watch::Receiver<u64> {
        self.reached.subscribe()
    }

    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Relaxed).max(*self.reached.borrow())
    }

    pub(crate) fn status(&self) -> Vec<ProjectionStatus> {
        self.views.iter().map(|one| one.status(self.head())).collect()
    }
}

impl One {
    fn status(&self, head: u64) -> ProjectionStatus {
        let checkpoint = self.position.load(Ordering::Acquire);
        ProjectionStatus {
            name: self.projection.name,
            version: self.projection.version,
            generation: self.generation,
            state: ProjectionState::Serving,
            checkpoint,
            head: head.max(checkpoint),
            lag_events: head.saturating_sub(checkpoint),
            parked: self.parked.load(Ordering::Relaxed),
        }
    }
}
