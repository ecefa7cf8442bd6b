//! All views behind one handle: opened beside a log, kept up to date by [`Views::start`], asked from anywhere. What a view holds and
//! answers is in its own file.

use std::{path::Path, sync::Arc, time::Duration};

use event_store::{EventLog, Head};
use prometheus_client::registry::Registry;

use crate::{
    AuditTrail, ChannelList, Directory, FolderError, Mismatch, OnMismatch, ProjectionStatus, Reports, Running,
    Timeline,
    generations::{Generation, Generations, checkpoint::Checkpoint},
    metrics::Metrics,
    progress::{Progress, ProjectionState, Standing},
    reads::{self, Reads},
    registry::Projection,
    runner::{self, Options},
};

/// The views of one log. Cheap to clone; all clones see the same.
#[derive(Debug, Clone)]
pub struct Views {
    pub timeline: Timeline,
    pub channel_list: ChannelList,
    pub directory: Directory,
    pub reports: Reports,
    pub audit: AuditTrail,
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) generations: Generations,
    pub(crate) reads: Vec<(&'static Projection, Reads)>,
    pub(crate) progress: Progress,
    pub(crate) metrics: Metrics,
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
        let shared = Shared {
            progress: Progress::new(standings, head.position),
            metrics: Metrics::default(),
            generations,
            reads,
        };
        Ok(Self {
            timeline: Timeline::new(shared.reads(&crate::timeline::TIMELINE)),
            channel_list: ChannelList::new(shared.reads(&crate::channel_list::CHANNEL_LIST)),
            directory: Directory::new(shared.reads(&crate::directory::DIRECTORY)),
            reports: Reports::new(shared.reads(&crate::reports::REPORTS)),
            audit: AuditTrail::new(shared.reads(&crate::audit::AUDIT)),
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

    pub fn register(&self, registry: &mut Registry) {
        self.shared.metrics.register(registry);
    }
}

impl Shared {
    pub(crate) fn reads(&self, projection: &Projection) -> Reads {
        let known = self.reads.iter().find(|(known, _)| known.name == projection.name);
        known
            .map(|(_, reads)| reads.clone())
            .expect("each view of the list has one generation that serves, which settling saw to")
    }
}

fn serves(generation: &Generation) -> bool {
    generation.state == ProjectionState::Serving
}

fn standing((generation, checkpoint): &(Generation, Checkpoint)) -> Arc<Standing> {
    Standing::new(
        generation.projection,
        generation.number,
        generation.state,
        checkpoint.position,
    )
}
