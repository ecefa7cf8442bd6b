//! All views behind one handle: opened beside a log, kept up to date by [`Views::start`], asked from anywhere. What a view holds and
//! answers is in its own file.

use std::{path::Path, sync::Arc, time::Duration};

use event_store::{EventLog, Head, StreamName};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, oneshot};

use crate::{
    AuditTrail, ChannelList, Directory, Feed, FolderError, Mismatch, Notifications, OnMismatch, ProjectionStatus,
    Reports, Running, Search, Timeline,
    digest::Digest,
    generations::{Generation, Generations, Promote, checkpoint::Checkpoint, file},
    metrics::Metrics,
    progress::{Progress, ProjectionState, Standing},
    quarantine::{self, MendError, Parked, Skips, Wishes},
    reads::{self, Reads},
    registry::{ALL, Projection},
    runner::{self, Mended, ORDERS_MAX, Operation, OperationError, Options, Order},
    verify::{self, Differing, Drift, Extent, Pace, Refusal, Verification, Verifications},
};

/// The views of one log. Cheap to clone; all clones see the same.
#[derive(Debug, Clone)]
pub struct Views {
    pub timeline: Timeline,
    pub channel_list: ChannelList,
    pub directory: Directory,
    pub reports: Reports,
    pub audit: AuditTrail,
    pub feed: Feed,
    pub notifications: Notifications,
    pub search: Search,
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) generations: Generations,
    pub(crate) reads: Vec<(&'static Projection, Reads)>,
    pub(crate) progress: Progress,
    pub(crate) metrics: Metrics,
    pub(crate) skips: Arc<Skips>,
    pub(crate) wishes: Wishes,
    pub(crate) drift: Drift,
    pub(crate) verifications: Verifications,
    /// What was being built when the process ended.
    pub(crate) unfinished: Vec<Generation>,
    pub(crate) orders: mpsc::Sender<Order>,
    /// Until a runner takes them.
    waiting_orders: Mutex<Option<mpsc::Receiver<Order>>>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the views cannot be opened")]
    Database(#[from] sqlx::Error),
    #[error("the views cannot be opened")]
    Folder(#[source] FolderError),
    #[error(transparent)]
    Mismatch(Mismatch),
}

impl From<FolderError> for OpenError {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Mismatch(mismatch) => Self::Mismatch(mismatch),
            FolderError::Io(_) | FolderError::Database(_) => Self::Folder(error),
        }
    }
}

/// A view could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the views cannot be read")]
pub struct ViewError(#[from] sqlx::Error);

impl Views {
    /// Opens the views in `folder`, which is made where there is none. They can be asked at once, as of where they stand.
    ///
    /// A view of another version of its fold is folded again, from the start and into new files. So is one that belongs to another
    /// log, to another incarnation of it, or to more of it than there is now, with a warning.
    pub async fn open(folder: &Path, head: &Head) -> Result<Self, OpenError> {
        Self::open_with(folder, head, OnMismatch::default()).await
    }

    pub async fn open_with(folder: &Path, head: &Head, on_mismatch: OnMismatch) -> Result<Self, OpenError> {
        let generations = Generations::open(folder)?;
        let settled = generations.settle(head, on_mismatch)?;
        let mut reads = vec![];
        for (generation, _) in settled.iter().filter(|(generation, _)| serves(generation)) {
            let path = generations.path(generation.projection.name, generation.number);
            reads.push((generation.projection, Reads::new(reads::pool(&path).await?)));
        }
        let standings = settled.iter().map(standing);
        let (orders, waiting_orders) = mpsc::channel(ORDERS_MAX);
        let shared = Shared {
            orders,
            waiting_orders: Mutex::new(Some(waiting_orders)),
            unfinished: settled
                .iter()
                .map(|(generation, _)| generation.clone())
                .filter(is_unfinished)
                .collect(),
            progress: Progress::new(standings, head.position),
            metrics: Metrics::default(),
            skips: Arc::new(generations.skips().map_err(FolderError::from)?),
            wishes: Wishes::default(),
            drift: Drift::default(),
            verifications: Verifications::default(),
            generations,
            reads,
        };
        Ok(Self {
            timeline: Timeline::new(shared.reads(&crate::timeline::TIMELINE)),
            channel_list: ChannelList::new(shared.reads(&crate::channel_list::CHANNEL_LIST)),
            directory: Directory::new(shared.reads(&crate::directory::DIRECTORY)),
            reports: Reports::new(shared.reads(&crate::reports::REPORTS)),
            audit: AuditTrail::new(shared.reads(&crate::audit::AUDIT)),
            feed: Feed::new(shared.reads(&crate::feed::FEED)),
            notifications: Notifications::new(shared.reads(&crate::notifications::NOTIFICATIONS)),
            search: Search::new(shared.reads(&crate::search::SEARCH)),
            shared: Arc::new(shared),
        })
    }

    /// Starts folding `log`, which must be the one the views were opened with, until told to stop.
    pub fn start(&self, log: Arc<dyn EventLog>) -> Running {
        self.start_with(log, Options::default())
    }

    pub fn start_with(&self, log: Arc<dyn EventLog>, options: Options) -> Running {
        runner::start(self.shared.clone(), log, options)
    }

    /// Waits until everything up to `position` can be read from every view; false when it takes longer than `timeout`.
    pub async fn wait_for(&self, position: u64, timeout: Duration) -> bool {
        let mut reached = self.shared.progress.reached();
        if *reached.borrow() >= position {
            return true;
        }
        let _waiting = self.shared.progress.wait();
        matches!(
            tokio::time::timeout(timeout, reached.wait_for(|reached| *reached >= position)).await,
            Ok(Ok(_))
        )
    }

    /// The position of the log up to which every view has everything.
    pub fn position(&self) -> u64 {
        *self.shared.progress.reached().borrow()
    }

    /// How many events the slowest view is behind the newest one seen in the log.
    pub fn lag(&self) -> u64 {
        self.shared.progress.head().saturating_sub(self.position())
    }

    pub fn status(&self) -> Vec<ProjectionStatus> {
        self.shared.progress.status()
    }

    /// Verifies the views that serve, for ever.
    pub async fn verify_in_background(&self, log: Arc<dyn EventLog>, pace: Pace) {
        verify::in_background(Arc::clone(&self.shared), log, pace).await;
    }

    /// Verifies one view now; if that takes longer than `patience`, it goes on and [`Self::verification`] has the result.
    pub async fn verify(
        &self,
        name: &str,
        extent: Extent,
        log: Arc<dyn EventLog>,
        patience: Duration,
    ) -> Result<Verification, Refusal> {
        let projection = named(name).ok_or(Refusal::NoSuchView)?;
        verify::verify(&self.shared, log, projection, extent, patience).await
    }

    /// The newest verification of a view, running or not.
    pub fn verification(&self, name: &str) -> Option<Verification> {
        self.shared.verifications.of(name)
    }

    /// Verifications that run end soon, without a result.
    pub fn stop_verifying(&self) {
        self.shared.verifications.stop();
    }

    /// What the background verifier knows to differ in the generation that serves.
    pub fn drift(&self, name: &str) -> Vec<Differing> {
        self.shared.drift.of(name)
    }

    /// Streams the generation that serves has put aside, the first hundred.
    pub fn quarantined(&self, name: &str) -> Result<Vec<Parked>, MendError> {
        let serving = self.shared.progress.serving(name).ok_or(MendError::NoSuchView)?;
        Ok(quarantine::parked(
            &self.shared.generations.path(name, serving.generation),
        )?)
    }

    /// Folds again what a view put aside, or one stream of it, as far as it can be read now.
    pub async fn retry(&self, name: &str, stream: Option<StreamName>) -> Result<Mended, MendError> {
        let projection = named(name).ok_or(MendError::NoSuchView)?;
        self.mend(projection, stream).await
    }

    /// Streams that are folded late are right by themselves; where rows come from several streams, only folding everything in order
    /// makes them what they would have been.
    async fn mend(&self, projection: &'static Projection, stream: Option<StreamName>) -> Result<Mended, MendError> {
        let mut mended = self.shared.wishes.make(projection.name, stream).await?;
        if mended.events > 0 && projection.mixes_streams() {
            let rebuild = Operation::Rebuild {
                promote: Promote::Always,
                events_per_s: None,
            };
            match self.operate(projection.name, rebuild).await {
                Ok(_) => mended.rebuilding = true,
                Err(error) => {
                    let name = projection.name;
                    tracing::warn!(projection = name, %error, "View {name} was mended, and not rebuilt after it");
                }
            }
        }
        Ok(mended)
    }

    /// Which stream waits for the event at `position`, if one does.
    pub fn waits_for(&self, name: &str, position: u64) -> Result<Option<StreamName>, MendError> {
        let quarantined = self.quarantined(name)?;
        let waiting = quarantined.into_iter().find(|parked| parked.position == position);
        Ok(waiting.map(|parked| StreamName::from_text(&parked.stream)))
    }

    /// Has a view pass over the event that a stream of it waits for, now and in every later fold, and folds the rest of the stream.
    /// What allows it is the caller's affair, and so is writing down who did it.
    pub async fn skip(&self, name: &str, position: u64) -> Result<Mended, MendError> {
        let projection = named(name).ok_or(MendError::NoSuchView)?;
        let stream = self.waits_for(name, position)?.ok_or(MendError::NotParked)?;
        let (generations, skips) = (&self.shared.generations, &self.shared.skips);
        generations.skip(skips, projection.name, position)?;
        self.mend(projection, Some(stream)).await
    }

    /// What a generation's rows add up to as of its newest commit; `None` where nothing tells.
    pub async fn digest(&self, view: &str, generation: u64) -> Option<Digest> {
        let projection = named(view)?;
        let path = self.shared.generations.path(view, generation);
        let reading = tokio::task::spawn_blocking(move || file::digest(&path, projection));
        reading.await.ok().flatten()
    }

    /// Whether an operation is possible as things are. Doing it may find that they have changed.
    pub fn may(&self, view: &str, operation: Operation) -> Result<(), OperationError> {
        let projection = named(view).ok_or(OperationError::NoSuchView)?;
        runner::may(&self.shared.progress.of(projection.name), operation)
    }

    /// Does something with the generations of a view, and gives the row of the one it was done to. What takes long goes on afterwards.
    pub async fn operate(&self, view: &str, operation: Operation) -> Result<ProjectionStatus, OperationError> {
        let projection = named(view).ok_or(OperationError::NoSuchView)?;
        let (done, outcome) = oneshot::channel();
        let order = Order::Operate {
            projection,
            operation,
            done,
        };
        let given = self.shared.orders.send(order).await;
        given.map_err(|_| OperationError::NobodyFolds)?;
        outcome.await.map_err(|_| OperationError::NobodyFolds)?
    }

    pub fn register(&self, registry: &mut Registry) {
        self.shared.metrics.register(registry);
    }
}

impl Shared {
    /// Once: only one runner of these views can be told anything.
    pub(crate) fn take_orders(&self) -> Option<mpsc::Receiver<Order>> {
        self.waiting_orders.lock().take()
    }

    /// For everyone who asks, and in the registry. Should that be refused, the next start finds an older state and comes to the same.
    pub(crate) fn state(&self, standing: &Standing, state: ProjectionState, reason: Option<&str>) {
        standing.set_state(state, reason);
        let (name, generation) = (standing.projection.name, standing.generation);
        if let Err(error) = self.generations.set_state(name, generation, state, reason) {
            tracing::warn!(projection = name, generation, %error, "The registry of the views was not changed");
        }
    }

    pub(crate) fn reads(&self, projection: &Projection) -> Reads {
        let known = self.reads.iter().find(|(known, _)| known.name == projection.name);
        known
            .map(|(_, reads)| reads.clone())
            .expect("each view of the list has one generation that serves, which settling saw to")
    }
}

fn named(name: &str) -> Option<&'static Projection> {
    ALL.iter().find(|projection| projection.name == name).copied()
}

/// What was being built when the process ended.
fn is_unfinished(generation: &Generation) -> bool {
    matches!(
        generation.state,
        ProjectionState::Building | ProjectionState::CatchingUp
    )
}

fn serves(generation: &Generation) -> bool {
    generation.state == ProjectionState::Serving
}

fn standing((generation, checkpoint): &(Generation, Checkpoint)) -> Arc<Standing> {
    let standing = Standing::new(
        generation.projection,
        generation.number,
        generation.state,
        checkpoint.position,
    );
    standing.set_state(generation.state, generation.reason.as_deref());
    standing
}
