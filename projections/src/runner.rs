//! Keeps the views up to date: one reader follows the log and decodes each batch once, one writer folds it into every view. The same
//! way for catching up and for live events. What a batch does to one view is in `apply`.

mod apply;

use std::{sync::Arc, time::Duration};

use event_store::{EventLog, Tail};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

use crate::{event::Decoded, registry::ALL, views::Shared};
use apply::{ApplyError, Folder};

/// How the runner works; the defaults are meant for service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Events folded in one transaction at most. More make little difference and longer waits for readers of what is new.
    pub batch_events_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { batch_events_max: 1024 }
    }
}

/// Committed batches decoded ahead of the writer.
const BATCHES_AHEAD: usize = 8;
/// Waits between tries while the log or the views fail.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// After so much quiet the write-ahead log of the views is emptied, since it may still hold words deleted meanwhile.
const QUIET: Duration = Duration::from_secs(1);
/// How often the end of the log is looked up while catching up, for the lag.
const HEAD_EVERY: Duration = Duration::from_secs(1);

/// Why the runner ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// Someone else folds these views; they go on, this runner must not.
    #[error("the view {projection} was moved on by someone else")]
    Stale { projection: &'static str },
    #[error("the runner of the views died")]
    Died,
}

/// A runner at work. Dropping it ends it where it stands, which repeats or loses nothing.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), RunnerError>>,
}

impl Running {
    /// Finishes the batch at hand, notes where the views stand, and ends.
    pub async fn stop(mut self) -> Result<(), RunnerError> {
        self.stop.send_replace(true);
        self.ended().await
    }

    /// Waits for the runner to end by itself, which is always a fault. May be dropped and called again.
    pub async fn ended(&mut self) -> Result<(), RunnerError> {
        (&mut self.task).await.unwrap_or(Err(RunnerError::Died))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn start(shared: Arc<Shared>, log: Arc<dyn EventLog>, options: Options) -> Running {
    let stop = watch::Sender::new(false);
    let writer = Writer {
        shared,
        options,
        stopped: stop.subscribe(),
        db: None,
        folders: vec![],
    };
    Running {
        stop,
        task: tokio::spawn(writer.run(log)),
    }
}

/// A committed batch, decoded.
struct Batch {
    events: Vec<Decoded>,
    scanned_to: u64,
}

struct Writer {
    shared: Arc<Shared>,
    options: Options,
    stopped: watch::Receiver<bool>,
    /// `None` before the first use and after an error.
    db: Option<SqliteConnection>,
    folders: Vec<Folder>,
}

/// What the writer does with the database; each may be tried again.
#[derive(Clone, Copy)]
enum Work<'a> {
    /// Learn where the views stand.
    Load,
    /// Take one view through a run of events to its end.
    Apply { view: usize, run: &'a [Decoded], to: u64 },
    /// Note where the views stand that had nothing to write lately.
    Settle,
}

/// Whether work was done, or given up because the runner was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Stopped,
}

impl Writer {
    async fn run(mut self, log: Arc<dyn EventLog>) -> Result<(), RunnerError> {
        if self.persist(Work::Load).await? == Outcome::Stopped {
            return Ok(());
        }
        let from = self.folders.iter().map(Folder::position).min().unwrap_or(0);
        let (batches, mut waiting) = mpsc::channel(BATCHES_AHEAD);
        let _reader = Reader::start(log, from, batches, self.shared.clone());
        self.follow(&mut waiting).await?;
        self.persist(Work::Settle).await?;
        Ok(())
    }

    /// Folds what comes until told to stop.
    async fn follow(&mut self, waiting: &mut mpsc::Receiver<Batch>) -> Result<(), RunnerError> {
        let mut stopped = self.stopped.clone();
        let mut quiet = true;
        loop {
            tokio::select! {
                biased;
                () = told(&mut stopped) => return Ok(()),
                batch = waiting.recv() => {
                    let batch = self.merged(batch.ok_or(RunnerError::Died)?, waiting);
                    self.fold(&batch).await?;
                    quiet = false;
                }
                () = tokio::time::sleep(QUIET), if !quiet => {
                    self.empty_wal().await;
                    quiet = true;
                }
            }
        }
    }

    /// `batch` and those that wait behind it, as far as one transaction takes them.
    fn merged(&self, mut batch: Batch, waiting: &mut mpsc::Receiver<Batch>) -> Batch {
        while batch.events.len() < self.options.batch_events_max {
            let Ok(next) = waiting.try_recv() else { break };
            batch.events.extend(next.events);
            batch.scanned_to = next.scanned_to;
        }
        batch
    }

    /// In runs of at most the size of one transaction, each through every view before the next begins.
    async fn fold(&mut self, batch: &Batch) -> Result<(), RunnerError> {
        let mut rest = batch.events.as_slice();
        while let Some(last) = rest.len().min(self.options.batch_events_max.max(1)).checked_sub(1) {
            let (run, later) = rest.split_at(last + 1);
            let to = if later.is_empty() {
                batch.scanned_to
            } else {
                run[last].position
            };
            for view in 0..self.folders.len() {
                if self.persist(Work::Apply { view, run, to }).await? == Outcome::Stopped {
                    return Ok(());
                }
            }
            self.shared.progress.announce();
            rest = later;
        }
        Ok(())
    }

    /// Tries until it is done: the database may come back, and nothing may be skipped.
    async fn persist(&mut self, work: Work<'_>) -> Result<Outcome, RunnerError> {
        let mut wait = RETRY_MIN;
        let mut stopped = self.stopped.clone();
        loop {
            match self.attempt(work).await {
                Ok(()) => return Ok(Outcome::Done),
                Err(ApplyError::Stale { projection }) => return Err(RunnerError::Stale { projection }),
                Err(ApplyError::Database { projection, source }) => self.failed(projection, &source),
            }
            tokio::select! {
                () = told(&mut stopped) => return Ok(Outcome::Stopped),
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY_MAX),
            }
        }
    }

    /// The connection may be what failed, so the next try makes a new one.
    fn failed(&mut self, projection: &'static str, error: &sqlx::Error) {
        tracing::error!(projection, %error, "View {projection} cannot be written, trying again");
        self.shared.metrics.failed(projection);
        self.db = None;
    }

    async fn attempt(&mut self, work: Work<'_>) -> Result<(), ApplyError> {
        let mut db = match self.db.take() {
            Some(db) => db,
            None => self.shared.database.connect().await?,
        };
        match work {
            Work::Load => self.load(&mut db).await?,
            Work::Apply { view, run, to } => self.apply(&mut db, view, run, to).await?,
            Work::Settle => {
                for folder in &mut self.folders {
                    folder.settle(&mut db).await?;
                }
            }
        }
        self.db = Some(db);
        Ok(())
    }

    async fn load(&mut self, db: &mut SqliteConnection) -> Result<(), ApplyError> {
        self.folders = Folder::load_all(db, ALL).await?;
        for folder in &self.folders {
            self.shared.progress.parked(folder.name(), folder.parked_events());
        }
        Ok(())
    }

    async fn apply(
        &mut self,
        db: &mut SqliteConnection,
        view: usize,
        run: &[Decoded],
        to: u64,
    ) -> Result<(), ApplyError> {
        let started = Instant::now();
        let folder = &mut self.folders[view];
        let Some(applied) = folder.apply(db, run, to).await? else {
            return Ok(());
        };
        let (name, progress, metrics) = (folder.name(), &self.shared.progress, &self.shared.metrics);
        progress.moved(name, to);
        progress.parked(name, folder.parked_events());
        metrics.applied(name, applied.events, applied.parked, started.elapsed().as_secs_f64());
        metrics.lag(name, progress.head().saturating_sub(to));
        Ok(())
    }

    /// As far as readers let it; what remains goes the next time.
    async fn empty_wal(&mut self) {
        let Some(db) = &mut self.db else { return };
        if let Err(error) = sqlx::query("pragma wal_checkpoint(truncate)").execute(db).await {
            tracing::debug!(%error, "The write-ahead log of the views was not emptied");
        }
    }
}

/// Resolves when the runner is told to stop, or nobody is left to tell it.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _told_or_alone = stopped.wait_for(|stop| *stop).await.is_ok();
}

/// Follows the log and decodes, ahead of the writer. Ends with it.
struct Reader(JoinHandle<()>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reader {
    fn start(log: Arc<dyn EventLog>, from: u64, batches: mpsc::Sender<Batch>, shared: Arc<Shared>) -> Self {
        let tail = log.clone().tail(from);
        Self(tokio::spawn(async move {
            tokio::join!(read(tail, batches, &shared), watch_head(log, &shared));
        }))
    }
}

async fn read(mut tail: Tail, batches: mpsc::Sender<Batch>, shared: &Shared) {
    let mut wait = RETRY_MIN;
    loop {
        match tail.next().await {
            Ok(committed) => {
                wait = RETRY_MIN;
                shared.progress.saw_head(committed.scanned_to);
                let events = committed.events.iter().map(|recorded| Decoded::of(recorded)).collect();
                if batches
                    .send(Batch {
                        events,
                        scanned_to: committed.scanned_to,
                    })
                    .await
                    .is_err()
                {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "The views cannot read the log, trying again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
        }
    }
}

async fn watch_head(log: Arc<dyn EventLog>, shared: &Shared) {
    loop {
        if let Ok(head) = log.head().await {
            shared.progress.saw_head(head.position);
        }
        tokio::time::sleep(HEAD_EVERY).await;
    }
}
