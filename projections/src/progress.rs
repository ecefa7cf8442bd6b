//! How far the views are, for everyone who asks: waiting reads, health checks, operators. Kept in memory; the runner reports it.

use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::registry::{ALL, Projection};

/// One generation of a view, as `GET /admin/projections` shows it.
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
    /// Is folded from the start of the log, beside the one that serves.
    Building,
    /// Has its indexes, and follows the log until it stands where the serving one does.
    CatchingUp,
    /// Stands where the serving one does and is folded on with it, to be promoted or rolled back to.
    Ready,
    /// Answers queries; how old the answers are is the lag.
    Serving,
    /// Is no longer folded; its file goes.
    Retired,
    /// Cannot go on by itself.
    Halted,
}

impl ProjectionState {
    pub const ALL: [Self; 6] = [
        Self::Building,
        Self::CatchingUp,
        Self::Ready,
        Self::Serving,
        Self::Retired,
        Self::Halted,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::CatchingUp => "catching_up",
            Self::Ready => "ready",
            Self::Serving => "serving",
            Self::Retired => "retired",
            Self::Halted => "halted",
        }
    }
}

impl FromStr for ProjectionState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

#[derive(Debug)]
pub(crate) struct Progress {
    /// In the order of [`ALL`], and of their numbers.
    generations: RwLock<Vec<Arc<Standing>>>,
    head: AtomicU64,
    /// The position every serving generation has reached.
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

/// Where one generation stands, told by whoever folds it.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) projection: &'static Projection,
    pub(crate) generation: u64,
    state: Mutex<ProjectionState>,
    position: AtomicU64,
    parked: AtomicU64,
}

impl Standing {
    pub(crate) fn new(
        projection: &'static Projection,
        generation: u64,
        state: ProjectionState,
        position: u64,
    ) -> Arc<Self> {
        Arc::new(Self {
            projection,
            generation,
            state: Mutex::new(state),
            position: position.into(),
            parked: 0.into(),
        })
    }

    pub(crate) fn state(&self) -> ProjectionState {
        *self.state.lock()
    }

    pub(crate) fn serves(&self) -> bool {
        self.state() == ProjectionState::Serving
    }

    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    pub(crate) fn moved(&self, position: u64) {
        self.position.store(position, Ordering::Release);
    }

    pub(crate) fn parked(&self, events: u64) {
        self.parked.store(events, Ordering::Relaxed);
    }

    fn status(&self, head: u64) -> ProjectionStatus {
        let checkpoint = self.position();
        ProjectionStatus {
            name: self.projection.name,
            version: self.projection.version,
            generation: self.generation,
            state: self.state(),
            checkpoint,
            head: head.max(checkpoint),
            lag_events: head.saturating_sub(checkpoint),
            parked: self.parked.load(Ordering::Relaxed),
        }
    }
}

impl Progress {
    pub(crate) fn new(generations: impl IntoIterator<Item = Arc<Standing>>, head: u64) -> Self {
        let progress = Self {
            generations: RwLock::new(generations.into_iter().collect()),
            head: AtomicU64::new(head),
            reached: watch::Sender::new(0),
            waiting: watch::Sender::new(0),
        };
        progress.sort();
        progress.announce();
        progress
    }

    fn sort(&self) {
        let place = |standing: &Arc<Standing>| ALL.iter().position(|known| known.name == standing.projection.name);
        self.generations
            .write()
            .sort_by_key(|standing| (place(standing), standing.generation));
    }

    pub(crate) fn generations(&self) -> Vec<Arc<Standing>> {
        self.generations.read().clone()
    }

    /// The generation that answers queries.
    pub(crate) fn serving(&self, projection: &str) -> Option<Arc<Standing>> {
        let generations = self.generations.read();
        let mut of_view = generations
            .iter()
            .filter(|standing| standing.projection.name == projection);
        of_view.find(|standing| standing.serves()).cloned()
    }

    /// The log reaches at least to `head`.
    pub(crate) fn saw_head(&self, head: u64) {
        self.head.fetch_max(head, Ordering::Relaxed);
    }

    /// Wakes those who wait, once all views that serve have moved.
    pub(crate) fn announce(&self) {
        let generations = self.generations.read();
        let serving = generations.iter().filter(|standing| standing.serves());
        let lowest = serving.map(|standing| standing.position()).min().unwrap_or(0);
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
        let head = self.head();
        self.generations
            .read()
            .iter()
            .map(|standing| standing.status(head))
            .collect()
    }
}
