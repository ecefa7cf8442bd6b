//! Builds one generation beside the one that serves: with its own reader from where it stands, in large transactions, the indexes of the
//! queries last. Once close it asks the writer to stop between two batches, catches up to exactly where the serving generation stands,
//! and hands over. It can be paused, slowed down and cancelled at any transaction, and goes on after a crash from its own checkpoint.

use std::{sync::Arc, time::Duration};

use event_store::EventLog;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{
    RETRY_MAX, RETRY_MIN,
    apply::{ApplyError, Folder},
    orders::Order,
    reader::{Batch, Reader},
};
use crate::{
    generations::Generation,
    progress::{ProjectionState, Standing},
    views::Shared,
};

/// Events of the first transaction; the next ones are as large as keeps each near [`TRANSACTION_AIM`].
const EVENTS_FIRST: usize = 1024;
const EVENTS_MIN: usize = 64;
const EVENTS_MAX: usize = 64 * 1024;
/// Long enough that pages are written once for many rows, short enough that a pause or a cancellation is soon heard.
const TRANSACTION_AIM: Duration = Duration::from_millis(250);
/// A throttled rebuild folds so many times a second, a part of its allowance each time.
const SLICES_A_SECOND: u32 = 4;
/// So close to the serving generation the indexes are made, and so close the writer is asked to wait: it does for some milliseconds.
const CLOSE_EVENTS: u64 = 2_048;
const MEETING_EVENTS: u64 = 512;
/// How long there may be nothing to fold before the serving generation is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The writer waits no longer for a generation that is to join it.
pub(super) const MEETING_MAX: Duration = Duration::from_secs(2);

/// What the writer wants of a builder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) paused: bool,
    /// Ends at the next transaction; what becomes of the generation is the writer's affair.
    pub(super) ended: bool,
}

/// Where the writer stands and will stand until it hears back.
pub(crate) struct Meeting {
    pub(super) position: u64,
    pub(super) joining: oneshot::Sender<Folder>,
}

/// A builder at work. Dropping it ends it where it stands, which loses nothing.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) generation: Generation,
    pub(super) standing: Arc<Standing>,
    control: watch::Sender<Control>,
    task: JoinHandle<()>,
}

impl Drop for Builder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Builder {
    pub(super) fn start(
        shared: Arc<Shared>,
        log: Arc<dyn EventLog>,
        orders: mpsc::Sender<Order>,
        generation: Generation,
        standing: Arc<Standing>,
        epoch: u64,
    ) -> Self {
        let control = watch::Sender::new(Control {
            paused: generation.paused,
            ended: false,
        });
        standing.pause(generation.paused);
        let building = Building {
            control: control.subscribe(),
            shared,
            log,
            orders,
            events_per_s: generation.events_per_s,
            standing: Arc::clone(&standing),
            epoch,
            folder: None,
            batch: None,
            size: EVENTS_FIRST,
            allowed: Instant::now(),
        };
        Self {
            generation,
            standing,
            control,
            task: tokio::spawn(building.run()),
        }
    }

    pub(super) fn pause(&mut self, paused: bool) {
        self.generation.paused = paused;
        self.standing.pause(paused);
        self.control.send_modify(|control| control.paused = paused);
    }

    /// Resolves when its files are closed.
    pub(super) async fn end(mut self) {
        self.control.send_modify(|control| control.ended = true);
        // A builder that panicked has said so itself.
        let _ended = (&mut self.task).await;
    }
}

struct Building {
    shared: Arc<Shared>,
    log: Arc<dyn EventLog>,
    orders: mpsc::Sender<Order>,
    control: watch::Receiver<Control>,
    standing: Arc<Standing>,
    epoch: u64,
    events_per_s: Option<u32>,
    /// `None` before it is opened, while it is worked with, and once it was handed over.
    folder: Option<Folder>,
    /// What was read and is not folded to its end yet.
    batch: Option<Arc<Batch>>,
    /// Events of the next transaction.
    size: usize,
    /// When the throttle lets the next transaction begin.
    allowed: Instant,
}

/// Why a builder ends before its generation is built.
enum End {
    Told,
    /// Somebody else folds these views now.
    Stale,
}

impl Building {
    async fn run(mut self) {
        match self.build().await {
            Ok(()) | Err(End::Told) => {}
            Err(End::Stale) => {
                let (name, generation) = (self.standing.projection.name, self.standing.generation);
                tracing::error!(
                    projection = name,
                    generation,
                    "Generation {generation} of view {name} was moved on by someone else"
                );
            }
        }
    }

    async fn build(&mut self) -> Result<(), End> {
        self.open().await?;
        let from = self.standing.position();
        let (_reader, mut waiting) = Reader::beside(Arc::clone(&self.log), from, Arc::clone(&self.shared));
        loop {
            self.go_ahead().await?;
            let serving = self.serving();
            if self.standing.state() == ProjectionState::Building
                && serving.saturating_sub(self.position()) <= CLOSE_EVENTS
            {
                self.index().await?;
                continue;
            }
            if self.standing.state() == ProjectionState::CatchingUp
                && serving.saturating_sub(self.position()) <= self.meeting_events()
                && self.meet(&mut waiting).await?
            {
                return Ok(());
            }
            self.step(&mut waiting, serving, self.size).await?;
        }
    }

    fn position(&self) -> u64 {
        self.standing.position()
    }

    /// How close the writer is asked to wait: not so far that the throttle would be forgotten on the rest of the way.
    fn meeting_events(&self) -> u64 {
        self.events_per_s.map_or(MEETING_EVENTS, |allowed| {
            u64::from(allowed / SLICES_A_SECOND).min(MEETING_EVENTS)
        })
    }

    /// Where the generation stands that serves. Nothing is folded beyond it, so that both can meet.
    fn serving(&self) -> u64 {
        self.shared.progress.serving_position(self.standing.projection.name)
    }

    /// Waits while paused or throttled.
    async fn go_ahead(&mut self) -> Result<(), End> {
        loop {
            let control = *self.control.borrow_and_update();
            if control.ended {
                return Err(End::Told);
            }
            let wait = async {
                if control.paused {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep_until(self.allowed).await;
            };
            tokio::select! {
                () = wait => return Ok(()),
                changed = self.control.changed() => changed.map_err(|_| End::Told)?,
            }
        }
    }

    /// Folds what is there of the next `size` events, none of them beyond `up_to`.
    async fn step(&mut self, waiting: &mut mpsc::Receiver<Batch>, up_to: u64, size: usize) -> Result<(), End> {
        let at = self.position();
        if self.batch.as_ref().is_none_or(|batch| batch.scanned_to() <= at) {
            self.batch = None;
            let received = tokio::time::timeout(LOOK_EVERY, waiting.recv()).await;
            let Ok(received) = received else { return Ok(()) };
            let mut batch = received.ok_or(End::Told)?;
            while batch.len() < size {
                let Ok(next) = waiting.try_recv() else { break };
                batch.append(next);
            }
            self.batch = Some(Arc::new(batch));
        }
        let Some(batch) = self.batch.clone() else { return Ok(()) };
        let size = self
            .events_per_s
            .map_or(size, |allowed| size.min((allowed / SLICES_A_SECOND).max(1) as usize));
        let Some((range, to)) = batch.part(at, size, up_to) else {
            // The serving generation has not come this far.
            tokio::time::sleep(LOOK_EVERY).await;
            return Ok(());
        };
        let events = range.len();
        let started = Instant::now();
        self.with_folder(move |folder| folder.apply(&batch.events()[range.clone()], to).map(|_| ()))
            .await?;
        self.paced(events, started);
        Ok(())
    }

    /// Learns from how long the last transaction took.
    fn paced(&mut self, events: usize, started: Instant) {
        let now = Instant::now();
        let took = now - started;
        if events >= self.size && took < TRANSACTION_AIM / 2 {
            self.size = (self.size * 2).min(EVENTS_MAX);
        } else if took > TRANSACTION_AIM * 2 {
            self.size = (self.size / 2).max(EVENTS_MIN);
        }
        if let Some(allowed) = self.events_per_s {
            let share = Duration::from_secs_f64(events as f64 / f64::from(allowed.max(1)));
            self.allowed = self.allowed.max(started) + share;
        }
        self.standing.built(events);
    }

    async fn open(&mut self) -> Result<(), End> {
        let (path, epoch) = (
            self.shared
                .generations
                .path(self.standing.projection.name, self.standing.generation),
            self.epoch,
        );
        let mut wait = RETRY_MIN;
        loop {
            let (standing, path) = (Arc::clone(&self.standing), path.clone());
            let skips = Arc::clone(&self.shared.skips);
            let opening = tokio::task::spawn_blocking(move || Folder::load(standing, path, epoch, skips));
            match opening.await.map_err(|_| End::Told)? {
                Ok(folder) => {
                    self.folder = Some(folder);
                    return Ok(());
                }
                Err(error) => self.failed(error)?,
            }
            self.pause_between_tries(&mut wait).await?;
        }
    }

    async fn index(&mut self) -> Result<(), End> {
        let started = Instant::now();
        self.with_folder(Folder::index).await?;
        let (name, generation) = (self.standing.projection.name, self.standing.generation);
        let seconds = started.elapsed().as_secs_f64();
        tracing::info!(
            projection = name,
            generation,
            seconds,
            "Generation {generation} of view {name} has its indexes"
        );
        self.size = EVENTS_FIRST;
        self.shared.state(&self.standing, ProjectionState::CatchingUp, None);
        Ok(())
    }

    /// Asks the writer to wait, catches up with it and joins it; false if it could not wait that long.
    async fn meet(&mut self, waiting: &mut mpsc::Receiver<Batch>) -> Result<bool, End> {
        let (meeting, met) = oneshot::channel();
        let order = Order::Meet {
            standing: Arc::clone(&self.standing),
            meeting,
        };
        self.orders.send(order).await.map_err(|_| End::Told)?;
        let Ok(meeting) = met.await else { return Ok(false) };
        let deadline = Instant::now() + MEETING_MAX;
        while self.position() < meeting.position {
            if self.control.borrow().ended {
                return Err(End::Told);
            }
            if Instant::now() > deadline || meeting.joining.is_closed() {
                return Ok(false);
            }
            self.step(waiting, meeting.position, EVENTS_MAX).await?;
        }
        self.with_folder(Folder::settle).await?;
        let Some(folder) = self.folder.take() else {
            return Err(End::Told);
        };
        match meeting.joining.send(folder) {
            Ok(()) => Ok(true),
            Err(folder) => {
                self.folder = Some(folder);
                Ok(false)
            }
        }
    }

    /// Away from the runtime, again and again until it is done.
    async fn with_folder(
        &mut self,
        work: impl Fn(&mut Folder) -> Result<(), ApplyError> + Send + Sync + 'static,
    ) -> Result<(), End> {
        let work = Arc::new(work);
        let mut wait = RETRY_MIN;
        loop {
            let mut folder = self.folder.take().ok_or(End::Told)?;
            let working = Arc::clone(&work);
            let worked = tokio::task::spawn_blocking(move || {
                let done = working(&mut folder);
                (folder, done)
            });
            let (folder, done) = worked.await.map_err(|_| End::Told)?;
            self.folder = Some(folder);
            match done {
                Ok(()) => return Ok(()),
                Err(error) => self.failed(error)?,
            }
            self.pause_between_tries(&mut wait).await?;
        }
    }

    fn failed(&self, error: ApplyError) -> Result<(), End> {
        match error {
            ApplyError::Stale { .. } => Err(End::Stale),
            ApplyError::Database { projection, source } => {
                let generation = self.standing.generation;
                tracing::error!(
                    projection,
                    generation,
                    error = %source,
                    "Generation {generation} of view {projection} cannot be written, trying again"
                );
                self.shared.metrics.failed(projection);
                Ok(())
            }
        }
    }

    async fn pause_between_tries(&mut self, wait: &mut Duration) -> Result<(), End> {
        tokio::time::sleep(*wait).await;
        *wait = (*wait * 2).min(RETRY_MAX);
        if self.control.borrow().ended {
            return Err(End::Told);
        }
        Ok(())
    }
}
