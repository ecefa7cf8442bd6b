//! The writer's work with the databases, done on a thread that may wait: one connection a generation, each run of events through all of
//! them before the next begins.

use std::sync::Arc;

use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

use super::{
    apply::{ApplyError, Folder},
    reader::Batch,
};
use crate::{
    event::Decoded,
    progress::{ProjectionState, Standing},
    quarantine::MendError,
    registry::ALL,
    verify::LogReader,
    views::Shared,
};

/// Each may be tried again.
#[derive(Clone)]
pub(super) enum Work {
    /// Become the one who folds, and learn where the generations stand.
    Load,
    /// Take all of them through a batch to its end.
    Fold { batch: Arc<Batch>, events_max: usize },
    /// Note where those stand that had nothing to write lately.
    Settle,
    /// Do what operators wish for.
    Mend { log: LogReader },
    /// Empty the write-ahead logs, which may still hold words deleted meanwhile.
    EmptyWal,
}

/// Whether work was done, or given up because the runner was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Stopped,
}

pub(super) struct Desk {
    shared: Arc<Shared>,
    folders: Vec<Folder>,
    /// Of the lease on each view, in the order of [`ALL`].
    epochs: Vec<u64>,
}

impl Desk {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            folders: vec![],
            epochs: vec![],
        }
    }

    /// Under which the files of a view may be written.
    pub(super) fn epoch(&self, name: &str) -> u64 {
        let lease = ALL.iter().zip(&self.epochs).find(|(known, _)| known.name == name);
        lease.map_or(0, |(_, epoch)| *epoch)
    }

    /// Says that somebody is there who folds; false if somebody else took over.
    pub(super) fn beat(&self) -> rusqlite::Result<bool> {
        self.shared.generations.beat(&self.epochs)
    }

    /// Takes in a generation that stands where the serving one does, and says whether both add up to the same.
    pub(super) fn join(&mut self, mut folder: Folder) -> rusqlite::Result<bool> {
        let name = folder.name();
        let mut others = self.folders.iter_mut();
        let serving = others.find(|other| other.name() == name && other.standing().serves());
        let compared = serving.map_or(Ok(false), |serving| equal(serving, &mut folder));
        self.folders.push(folder);
        compared
    }

    /// Lets go of a generation and of its file.
    pub(super) fn leave(&mut self, name: &str, generation: u64) {
        self.folders
            .retain(|folder| folder.name() != name || folder.standing().generation != generation);
    }

    /// Where the slowest generation stands.
    pub(super) fn position(&self) -> u64 {
        self.folders.iter().map(Folder::position).min().unwrap_or(0)
    }

    pub(super) fn work(&mut self, work: &Work, stopped: &watch::Receiver<bool>) -> Result<Outcome, ApplyError> {
        match work {
            Work::Load => self.load()?,
            Work::Fold { batch, events_max } => return self.fold(batch, *events_max, stopped),
            Work::Settle => self.folders.iter_mut().try_for_each(Folder::settle)?,
            Work::Mend { log } => self.mend(log),
            Work::EmptyWal => self.folders.iter().for_each(Folder::empty_wal),
        }
        Ok(Outcome::Done)
    }

    /// What is being built is folded by its builder.
    fn load(&mut self) -> Result<(), ApplyError> {
        let generations = &self.shared.generations;
        self.epochs = generations
            .claim(Uuid::new_v4())
            .map_err(|source| ApplyError::Database {
                projection: "all",
                source,
            })?;
        self.folders.clear();
        for standing in self.shared.progress.generations() {
            if !matches!(standing.state(), ProjectionState::Serving | ProjectionState::Ready) {
                continue;
            }
            let name = standing.projection.name;
            let path = generations.path(name, standing.generation);
            let folder = Folder::load(standing, path, self.epoch(name), Arc::clone(&self.shared.skips))?;
            self.shared.metrics.parked(name, folder.parked_events());
            self.folders.push(folder);
        }
        Ok(())
    }

    /// In every generation of the view, so that those that are kept ready stay equal to the one that serves, whose result is told.
    fn mend(&mut self, log: &LogReader) {
        while let Some(wish) = self.shared.wishes.take() {
            let of_view = |folder: &&mut Folder| folder.name() == wish.projection;
            let mut told = Err(MendError::NoSuchView);
            for folder in self.folders.iter_mut().filter(of_view) {
                let mended = folder.mend(log, wish.stream.as_ref());
                if folder.standing().serves() {
                    self.shared.metrics.parked(wish.projection, folder.parked_events());
                    told = mended;
                } else if let Err(error) = mended {
                    let projection = wish.projection;
                    tracing::warn!(projection, %error, "A generation of view {projection} was not mended");
                }
            }
            // Whoever asked may be gone; what was done stands.
            let _gone = wish.answer.send(told);
        }
    }

    /// A spare generation that cannot be written is no longer one.
    fn halt(&mut self, standing: &Standing, error: &rusqlite::Error) {
        let (projection, generation) = (standing.projection.name, standing.generation);
        tracing::error!(
            projection,
            generation,
            %error,
            "Generation {generation} of view {projection} cannot be written and is no longer folded"
        );
        self.shared.metrics.failed(projection);
        self.leave(projection, generation);
        self.shared
            .state(standing, ProjectionState::Halted, Some("cannot be written"));
    }

    fn fold(
        &mut self,
        batch: &Batch,
        events_max: usize,
        stopped: &watch::Receiver<bool>,
    ) -> Result<Outcome, ApplyError> {
        for (run, to) in batch.runs(events_max) {
            if *stopped.borrow() {
                return Ok(Outcome::Stopped);
            }
            let mut broken = vec![];
            for folder in &mut self.folders {
                match apply(&self.shared, folder, run, to) {
                    // Who serves nobody holds nobody up.
                    Err(ApplyError::Database { source, .. }) if !folder.standing().serves() => {
                        broken.push((Arc::clone(folder.standing()), source));
                    }
                    done => done?,
                }
            }
            for (standing, error) in broken {
                self.halt(&standing, &error);
            }
            self.shared.progress.announce();
        }
        Ok(Outcome::Done)
    }
}

/// Whether both add up to the same; where no sums are kept, nothing speaks against it.
fn equal(one: &mut Folder, other: &mut Folder) -> rusqlite::Result<bool> {
    Ok(one.digest()? == other.digest()?)
}

fn apply(shared: &Shared, folder: &mut Folder, run: &[Decoded], to: u64) -> Result<(), ApplyError> {
    let started = Instant::now();
    let Some(events) = folder.apply(run, to)? else {
        return Ok(());
    };
    if folder.standing().serves() {
        let (name, metrics) = (folder.name(), &shared.metrics);
        metrics.parked(name, folder.parked_events());
        metrics.halted(name, false);
        metrics.applied(name, events, started.elapsed().as_secs_f64());
        metrics.lag(name, shared.progress.head().saturating_sub(to));
    }
    Ok(())
}
