//! Keeps the views up to date: one reader follows the log, one writer folds what it hands on into every view, the same way for
//! catching up and for live events. What it does with the databases is in `desk`, and what a run of events does to one view in `apply`.

pub(crate) mod apply;
mod building;
mod desk;
mod orders;
mod reader;

use std::{collections::HashMap, sync::Arc, time::Duration};

use event_store::EventLog;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior},
};

use crate::{verify::LogReader, views::Shared};
pub(crate) use apply::ApplyError;
pub(crate) use apply::Folder;
pub use apply::{Mended, StillParked};
use building::Builder;
use desk::{Desk, Outcome, Work};
pub(crate) use orders::may;
pub(crate) use orders::{ORDERS_MAX, Order};
pub use orders::{Operation, OperationError};
use reader::{Batch, Reader};

/// How the runner works; the defaults are meant for service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Events folded in one transaction at most. Indexes on random ids touch nearly a page an event in small transactions, so
    /// catching up takes large ones; beyond this they gain little.
    pub batch_events_max: usize,
    /// After a transaction that was not full, the next one begins no sooner, even for someone who waits for it. Without it a steady
    /// trickle of commits would keep the writer busy with tiny transactions, at the cost of those who send; what comes after a silence
    /// is folded at once all the same.
    pub rest: Duration,
    /// The same under load, while nobody waits. Pages of an index are written once a transaction, however many of its rows they hold,
    /// so fewer and larger transactions make each event cheaper.
    pub rest_under_load: Duration,
}

/// A transaction of so many events means load: at the shorter rest, some thousands a second.
const LOAD_EVENTS: usize = 64;

impl Default for Options {
    fn default() -> Self {
        Self {
            batch_events_max: 8192,
            rest: Duration::from_millis(10),
            rest_under_load: Duration::from_millis(250),
        }
    }
}

impl Options {
    /// From when on the next transaction may begin, after one of so many events.
    fn rested(&self, events: usize) -> Rested {
        let now = Instant::now();
        let unwanted = if events < LOAD_EVENTS {
            self.rest
        } else {
            self.rest_under_load
        };
        Rested {
            wanted: now + self.rest,
            unwanted: now + unwanted,
        }
    }
}

/// When the writer has rested enough for somebody who waits, and for nobody.
#[derive(Debug, Clone, Copy)]
struct Rested {
    wanted: Instant,
    unwanted: Instant,
}

impl Rested {
    fn now() -> Self {
        let now = Instant::now();
        Self {
            wanted: now,
            unwanted: now,
        }
    }
}

/// Waits between tries while the log or the views fail.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// After so much quiet the write-ahead log of the views is emptied, since it may still hold words deleted meanwhile.
const QUIET: Duration = Duration::from_secs(1);
/// How often the registry is told that somebody folds.
const BEAT_EVERY: Duration = Duration::from_secs(5);

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
    task: Option<JoinHandle<Result<(), RunnerError>>>,
}

impl Running {
    /// Finishes the batch at hand, notes where the views stand, and ends.
    pub async fn stop(mut self) -> Result<(), RunnerError> {
        self.stop.send_replace(true);
        self.ended().await
    }

    /// Waits for the runner to end by itself, which is always a fault. May be given up and called again; once it has answered,
    /// it says [`RunnerError::Died`].
    pub async fn ended(&mut self) -> Result<(), RunnerError> {
        let Some(task) = &mut self.task else {
            return Err(RunnerError::Died);
        };
        let ended = task.await.unwrap_or(Err(RunnerError::Died));
        self.task = None;
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

pub(crate) fn start(shared: Arc<Shared>, log: Arc<dyn EventLog>, options: Options) -> Running {
    let stop = watch::Sender::new(false);
    let writer = Writer {
        shared: Arc::clone(&shared),
        log,
        options,
        stopped: stop.subscribe(),
        desk: Some(Desk::new(shared)),
        builders: HashMap::new(),
    };
    Running {
        stop,
        task: Some(tokio::spawn(writer.run())),
    }
}

struct Writer {
    shared: Arc<Shared>,
    log: Arc<dyn EventLog>,
    options: Options,
    stopped: watch::Receiver<bool>,
    /// `None` only while work is done on it.
    desk: Option<Desk>,
    /// Of the generations that are being built, by view.
    builders: HashMap<&'static str, Builder>,
}

impl Writer {
    async fn run(mut self) -> Result<(), RunnerError> {
        let mut orders = self.shared.take_orders().ok_or(RunnerError::Died)?;
        if self.persist(&Work::Load).await? == Outcome::Stopped {
            return Ok(());
        }
        self.go_on_building();
        let from = self.desk.as_ref().map_or(0, Desk::position);
        let asked = LogReader::new(Arc::clone(&self.log));
        let (_reader, mut waiting) = Reader::start(Arc::clone(&self.log), from, self.shared.clone());
        self.follow(&mut waiting, &mut orders, &asked).await?;
        // A builder may be waiting for the writer, who comes no more.
        drop(orders);
        for (_, builder) in self.builders.drain() {
            builder.end().await;
        }
        self.persist(&Work::Settle).await?;
        Ok(())
    }

    /// With what was being built when the process ended.
    fn go_on_building(&mut self) {
        for generation in self.shared.unfinished.clone() {
            let standings = self.shared.progress.of(generation.projection.name);
            let standing = standings
                .into_iter()
                .find(|standing| standing.generation == generation.number);
            if let Some(standing) = standing {
                self.build(generation, standing);
            }
        }
    }

    fn epoch(&self, name: &str) -> u64 {
        self.desk.as_ref().map_or(0, |desk| desk.epoch(name))
    }

    /// Folds what comes until told to stop.
    async fn follow(
        &mut self,
        waiting: &mut mpsc::Receiver<Batch>,
        orders: &mut mpsc::Receiver<Order>,
        log: &LogReader,
    ) -> Result<(), RunnerError> {
        let mut stopped = self.stopped.clone();
        let mut beat = tokio::time::interval(BEAT_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut quiet = true;
        let mut rested = Rested::now();
        let shared = Arc::clone(&self.shared);
        loop {
            tokio::select! {
                biased;
                () = told(&mut stopped) => return Ok(()),
                () = shared.wishes.made() => {
                    self.persist(&Work::Mend { log: log.clone() }).await?;
                }
                Some(order) = orders.recv() => self.obey(order).await?,
                _ = beat.tick() => self.beat().await?,
                batch = next(waiting, rested, &shared) => {
                    let batch = Arc::new(self.merged(batch.ok_or(RunnerError::Died)?, waiting));
                    let events_max = self.options.batch_events_max;
                    self.persist(&Work::Fold { batch: Arc::clone(&batch), events_max }).await?;
                    let full = batch.fills(events_max);
                    rested = if full { Rested::now() } else { self.options.rested(batch.len()) };
                    quiet = false;
                }
                () = tokio::time::sleep(QUIET), if !quiet => {
                    self.persist(&Work::EmptyWal).await?;
                    quiet = true;
                }
            }
        }
    }

    /// The lease is what keeps two from folding the same views for long; that both commit is impossible anyway.
    async fn beat(&mut self) -> Result<(), RunnerError> {
        match self.on_desk(|desk| desk.beat()).await? {
            Ok(true) => Ok(()),
            Ok(false) => Err(RunnerError::Stale { projection: "all" }),
            Err(error) => {
                tracing::warn!(%error, "The lease on the views was not renewed");
                Ok(())
            }
        }
    }

    /// `batch` and those that wait behind it, as far as one transaction takes them.
    fn merged(&self, mut batch: Batch, waiting: &mut mpsc::Receiver<Batch>) -> Batch {
        while !batch.fills(self.options.batch_events_max) {
            let Ok(next) = waiting.try_recv() else { break };
            batch.append(next);
        }
        batch
    }

    /// Tries until it is done: the database may come back, and nothing may be skipped.
    async fn persist(&mut self, work: &Work) -> Result<Outcome, RunnerError> {
        let mut wait = RETRY_MIN;
        let mut stopped = self.stopped.clone();
        loop {
            match self.attempt(work.clone()).await? {
                Ok(outcome) => return Ok(outcome),
                Err(ApplyError::Stale { projection }) => return Err(RunnerError::Stale { projection }),
                Err(ApplyError::Database { projection, source }) => self.failed(projection, &source),
            }
            tokio::select! {
                () = told(&mut stopped) => return Ok(Outcome::Stopped),
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY_MAX),
            }
        }
    }

    fn failed(&mut self, projection: &'static str, error: &rusqlite::Error) {
        tracing::error!(projection, %error, "View {projection} cannot be written, trying again");
        self.shared.metrics.failed(projection);
        self.shared.metrics.halted(projection, true);
    }

    async fn attempt(&mut self, work: Work) -> Result<Result<Outcome, ApplyError>, RunnerError> {
        let stopped = self.stopped.clone();
        self.on_desk(move |desk| desk.work(&work, &stopped)).await
    }

    /// Away from the runtime, since a transaction waits for the disk.
    async fn on_desk<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Desk) -> T + Send + 'static,
    ) -> Result<T, RunnerError> {
        let mut desk = self.desk.take().ok_or(RunnerError::Died)?;
        let working = tokio::task::spawn_blocking(move || {
            let done = work(&mut desk);
            (desk, done)
        });
        let (desk, done) = working.await.map_err(|_| RunnerError::Died)?;
        self.desk = Some(desk);
        Ok(done)
    }
}

/// The next batch, not before the writer has rested.
async fn next(waiting: &mut mpsc::Receiver<Batch>, rested: Rested, shared: &Shared) -> Option<Batch> {
    tokio::time::sleep_until(rested.wanted).await;
    tokio::select! {
        () = tokio::time::sleep_until(rested.unwanted) => {}
        () = shared.progress.wanted() => {}
    }
    waiting.recv().await
}

/// Resolves when the runner is told to stop, or nobody is left to tell it.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _told_or_alone = stopped.wait_for(|stop| *stop).await.is_ok();
}
