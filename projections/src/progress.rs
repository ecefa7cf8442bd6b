//! How far the views are, for everyone who asks: waiting reads, health checks, operators. Kept in memory; the runner reports it.

use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::registry::{ALL, Projection};

/// One generation of a view, as `GET /admin/projections` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionStatus {
    pub name: &'static str,
    pub version: u32,
    pub generation: u64,
    pub state: ProjectionState,
    pub checkpoint: u64,
    /// Newest position of the log that was seen.
    pub head: u64,
    pub lag_events: u64,
    /// Age of the oldest event that is not folded yet, as of the last second.
    pub lag_seconds: f64,
    /// Events put aside because they, or one before them in their stream, could not be read.
    pub parked: u64,
    /// While it is built.
    pub progress: Option<BuildProgress>,
    /// Why it is what it is, where that is not plain.
    pub reason: Option<String>,
}

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BuildProgress {
    pub events: u64,
    pub of: u64,
    /// Events a second, of late.
    pub rate: f64,
    /// `None` while nothing tells.
    pub eta_s: Option<f64>,
    pub paused: bool,
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
    state: Mutex<(ProjectionState, Option<String>)>,
    position: AtomicU64,
    parked: AtomicU64,
    lag: Mutex<Duration>,
    pace: Mutex<Pace>,
}

/// How fast a generation is built, in steps of which the newest counts most.
#[derive(Debug)]
struct Pace {
    began: Instant,
    step_began: Instant,
    step_events: usize,
    rate: Option<f64>,
    paused: bool,
}

const PACE_STEP: Duration = Duration::from_secs(1);
/// Share of the newest step in the rate.
const PACE_NEWEST: f64 = 0.3;

impl Pace {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            step_began: now,
            step_events: 0,
            rate: None,
            paused: false,
        }
    }

    fn built(&mut self, events: usize) {
        self.step_events += events;
        let took = self.step_began.elapsed();
        if took >= PACE_STEP || self.rate.is_none() {
            let newest = self.step_events as f64 / took.as_secs_f64().max(1e-3);
            self.rate = Some(self.rate.map_or(newest, |rate| rate + PACE_NEWEST * (newest - rate)));
            (self.step_began, self.step_events) = (Instant::now(), 0);
        }
    }

    /// A pause is no slowness.
    fn pause(&mut self, paused: bool) {
        self.paused = paused;
        (self.step_began, self.step_events) = (Instant::now(), 0);
    }
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
            state: Mutex::new((state, None)),
            position: position.into(),
            parked: 0.into(),
            lag: Mutex::default(),
            pace: Mutex::new(Pace::new()),
        })
    }

    pub(crate) fn state(&self) -> ProjectionState {
        self.state.lock().0
    }

    pub(crate) fn set_state(&self, state: ProjectionState, reason: Option<&str>) {
        *self.state.lock() = (state, reason.map(str::to_owned));
    }

    /// So old is the oldest event that is not folded yet.
    pub(crate) fn lags(&self, by: Duration) {
        *self.lag.lock() = by;
    }

    /// So many events more were folded by its builder.
    pub(crate) fn built(&self, events: usize) {
        self.pace.lock().built(events);
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.pace.lock().pause(paused);
    }

    /// Since its builder began, or went on after a restart.
    pub(crate) fn building_seconds(&self) -> f64 {
        self.pace.lock().began.elapsed().as_secs_f64()
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
        let (state, reason) = self.state.lock().clone();
        let building = matches!(state, ProjectionState::Building | ProjectionState::CatchingUp);
        ProjectionStatus {
            name: self.projection.name,
            version: self.projection.version,
            generation: self.generation,
            state,
            checkpoint,
            head: head.max(checkpoint),
            lag_events: head.saturating_sub(checkpoint),
            lag_seconds: self.lag.lock().as_secs_f64(),
            parked: self.parked.load(Ordering::Relaxed),
            progress: building.then(|| self.build_progress(checkpoint, head.max(checkpoint))),
            reason,
        }
    }

    fn build_progress(&self, events: u64, of: u64) -> BuildProgress {
        let pace = self.pace.lock();
        let rate = pace.rate.filter(|_| !pace.paused).unwrap_or(0.0);
        BuildProgress {
            events,
            of,
            rate,
            eta_s: (rate > 0.0).then(|| (of - events) as f64 / rate),
            paused: pace.paused,
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

    /// Those of one view, by number.
    pub(crate) fn of(&self, name: &str) -> Vec<Arc<Standing>> {
        let generations = self.generations.read();
        let of_view = generations.iter().filter(|standing| standing.projection.name == name);
        of_view.cloned().collect()
    }

    /// Where the generation of a view stands that serves.
    pub(crate) fn serving_position(&self, name: &str) -> u64 {
        self.serving(name).map_or(0, |standing| standing.position())
    }

    pub(crate) fn add(&self, standing: Arc<Standing>) {
        self.generations.write().push(standing);
        self.sort();
    }

    pub(crate) fn remove(&self, standing: &Arc<Standing>) {
        self.generations.write().retain(|known| !Arc::ptr_eq(known, standing));
    }

    pub(crate) fn status_of(&self, standing: &Standing) -> ProjectionStatus {
        standing.status(self.head())
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
