//! What operators have done with the generations of a view, between two batches of the writer, so that nothing else moves meanwhile.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{
    RunnerError, Writer,
    apply::Folder,
    building::{Builder, MEETING_MAX, Meeting},
};
use crate::{
    generations::{FolderError, Generation, Promote},
    progress::{ProjectionState, ProjectionStatus, Standing},
    reads,
    registry::Projection,
};

/// Orders that wait; who gives more waits with them.
pub(crate) const ORDERS_MAX: usize = 16;

/// What can be done with the generations of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Build a new generation from the log beside the serving one.
    Rebuild {
        promote: Promote,
        /// At most; as many as possible without.
        events_per_s: Option<u32>,
    },
    Pause,
    Resume,
    /// Give the generation up that is being built.
    Cancel,
    /// Let the newer generation that is ready serve.
    Promote,
    /// Let the one serve again that served before.
    RollBack,
    /// Delete the generation that is ready or halted.
    Retire,
}

/// Why an operation is impossible as things are.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    #[error("there is no view of that name")]
    NoSuchView,
    #[error("generation {generation} of this view is being built already")]
    RebuildRunning { generation: u64 },
    #[error("no generation of this view is being built")]
    NoRebuild,
    #[error("no newer generation of this view is ready")]
    NothingToPromote,
    #[error("no generation that served before is kept")]
    NothingToRollBackTo,
    #[error("that generation is not yet where the serving one is")]
    NotCaughtUp,
    #[error("the view has only the generation that serves, which cannot be retired")]
    NothingToRetire,
    #[error("nobody folds the views at the moment")]
    NobodyFolds,
    #[error("the files of the views cannot be worked with")]
    Files(#[from] FolderError),
    #[error("the files of the views cannot be read")]
    Reads(#[from] sqlx::Error),
}

/// Whether an operation is possible with these generations of a view.
pub(crate) fn may(generations: &[Arc<Standing>], operation: Operation) -> Result<(), OperationError> {
    use ProjectionState::{Building, CatchingUp, Halted, Ready};
    let built = generations
        .iter()
        .find(|standing| matches!(standing.state(), Building | CatchingUp));
    let serving = generations.iter().find(|standing| standing.serves());
    let serving = serving.map_or(0, |standing| standing.generation);
    let ready = |newer: bool| {
        let mut ready = generations.iter().filter(|standing| standing.state() == Ready);
        ready.any(|standing| (standing.generation > serving) == newer)
    };
    let spare = |standing: &Arc<Standing>| matches!(standing.state(), Ready | Halted);
    match (operation, built) {
        (Operation::Rebuild { .. }, Some(built)) => Err(OperationError::RebuildRunning {
            generation: built.generation,
        }),
        (Operation::Pause | Operation::Resume | Operation::Cancel, None) => Err(OperationError::NoRebuild),
        (Operation::Promote, _) if !ready(true) => Err(OperationError::NothingToPromote),
        (Operation::RollBack, _) if !ready(false) => Err(OperationError::NothingToRollBackTo),
        (Operation::Retire, _) if !generations.iter().any(spare) => Err(OperationError::NothingToRetire),
        _ => Ok(()),
    }
}

impl From<rusqlite::Error> for OperationError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Files(error.into())
    }
}

pub(crate) enum Order {
    Operate {
        projection: &'static Projection,
        operation: Operation,
        done: oneshot::Sender<Result<ProjectionStatus, OperationError>>,
    },
    /// A generation that is nearly there asks the writer to wait for it.
    Meet {
        standing: Arc<Standing>,
        meeting: oneshot::Sender<Meeting>,
    },
}

impl Writer {
    pub(super) async fn obey(&mut self, order: Order) -> Result<(), RunnerError> {
        match order {
            Order::Operate {
                projection,
                operation,
                done,
            } => {
                let outcome = self.operate(projection, operation).await;
                if let Err(error) = &outcome {
                    tracing::warn!(projection = projection.name, ?operation, %error, "View {}: {error}", projection.name);
                }
                // Who no longer listens needs no answer.
                let _unheard = done.send(outcome);
                Ok(())
            }
            Order::Meet { standing, meeting } => self.meet(&standing, meeting).await,
        }
    }

    async fn operate(
        &mut self,
        projection: &'static Projection,
        operation: Operation,
    ) -> Result<ProjectionStatus, OperationError> {
        let name = projection.name;
        let standing = match operation {
            Operation::Rebuild { promote, events_per_s } => self.rebuild(projection, promote, events_per_s).await?,
            Operation::Pause => self.pause(name, true)?,
            Operation::Resume => self.pause(name, false)?,
            Operation::Cancel => self.cancel(name).await?,
            Operation::Promote => {
                let newer = self.ready(name, |ready, serving| ready > serving);
                self.flip(newer.ok_or(OperationError::NothingToPromote)?).await?
            }
            Operation::RollBack => {
                let older = self.ready(name, |ready, serving| ready < serving);
                self.flip(older.ok_or(OperationError::NothingToRollBackTo)?).await?
            }
            Operation::Retire => {
                let spare = self.spare(name).ok_or(OperationError::NothingToRetire)?;
                self.retire(spare).await?
            }
        };
        self.shared.progress.announce();
        Ok(self.shared.progress.status_of(&standing))
    }

    async fn rebuild(
        &mut self,
        projection: &'static Projection,
        promote: Promote,
        events_per_s: Option<u32>,
    ) -> Result<Arc<Standing>, OperationError> {
        let name = projection.name;
        if let Some(building) = self.builders.get(name) {
            let generation = building.standing.generation;
            return Err(OperationError::RebuildRunning { generation });
        }
        let head = self.log.head().await.map_err(|_| OperationError::NobodyFolds)?;
        let wanted = Generation {
            promote,
            events_per_s,
            ..Generation::new(projection, ProjectionState::Building)
        };
        let shared = Arc::clone(&self.shared);
        let adding = tokio::task::spawn_blocking(move || shared.generations.add(wanted, &head));
        let (generation, _) = adding.await.map_err(|_| OperationError::NobodyFolds)??;
        let standing = Standing::new(projection, generation.number, ProjectionState::Building, 0);
        self.shared.progress.add(Arc::clone(&standing));
        tracing::info!(
            projection = name,
            generation = generation.number,
            promote = promote.as_str(),
            "Rebuilding view {name} as generation {}",
            generation.number
        );
        self.build(generation, Arc::clone(&standing));
        Ok(standing)
    }

    /// Starts a builder, or goes on with what one began before a restart.
    pub(super) fn build(&mut self, generation: Generation, standing: Arc<Standing>) {
        let name = generation.projection.name;
        let builder = Builder::start(
            Arc::clone(&self.shared),
            Arc::clone(&self.log),
            self.shared.orders.clone(),
            generation,
            standing,
            self.epoch(name),
        );
        self.builders.insert(name, builder);
    }

    fn pause(&mut self, name: &str, paused: bool) -> Result<Arc<Standing>, OperationError> {
        let builder = self.builders.get_mut(name).ok_or(OperationError::NoRebuild)?;
        let generation = builder.standing.generation;
        self.shared.generations.set_paused(name, generation, paused)?;
        builder.pause(paused);
        let what = if paused { "paused" } else { "goes on" };
        tracing::info!(projection = name, generation, "The rebuild of view {name} {what}");
        Ok(Arc::clone(&builder.standing))
    }

    /// From the registry at once, so that a crash does not bring it back; its file goes as soon as its builder has let go of it.
    async fn cancel(&mut self, name: &str) -> Result<Arc<Standing>, OperationError> {
        let builder = self.builders.remove(name).ok_or(OperationError::NoRebuild)?;
        let standing = Arc::clone(&builder.standing);
        let generation = builder.generation.clone();
        self.shared
            .state(&standing, ProjectionState::Retired, Some("cancelled"));
        self.shared.progress.remove(&standing);
        tracing::info!(
            projection = name,
            generation = generation.number,
            "The rebuild of view {name} was cancelled"
        );
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            builder.end().await;
            let forgetting = tokio::task::spawn_blocking(move || shared.generations.forget(&generation));
            if let Ok(Err(error)) = forgetting.await {
                tracing::warn!(%error, "What a cancelled rebuild left is deleted at the next start");
            }
        });
        Ok(standing)
    }

    /// A generation that is ready, if its number stands as wanted to that of the one that serves.
    fn ready(&self, name: &str, wanted: impl Fn(u64, u64) -> bool) -> Option<Arc<Standing>> {
        let all = self.shared.progress.of(name);
        let serving = all.iter().find(|standing| standing.serves())?.generation;
        let is_ready = |standing: &&Arc<Standing>| standing.state() == ProjectionState::Ready;
        let mut ready = all.iter().filter(is_ready);
        ready.find(|standing| wanted(standing.generation, serving)).cloned()
    }

    /// The oldest generation that neither serves nor is built.
    fn spare(&self, name: &str) -> Option<Arc<Standing>> {
        let all = self.shared.progress.of(name);
        all.into_iter()
            .find(|standing| matches!(standing.state(), ProjectionState::Ready | ProjectionState::Halted))
    }

    /// Lets a generation serve that stands where the serving one does. Whoever reads at that moment finishes in the old one, which stays
    /// warm.
    pub(super) async fn flip(&mut self, to: Arc<Standing>) -> Result<Arc<Standing>, OperationError> {
        let name = to.projection.name;
        // Lately started, the spare one may still be behind, and answers never go back.
        if to.position() < self.shared.progress.serving_position(name) {
            return Err(OperationError::NotCaughtUp);
        }
        let pool = reads::pool(&self.shared.generations.path(name, to.generation)).await?;
        let from = self
            .shared
            .progress
            .of(name)
            .into_iter()
            .find(|standing| standing.serves());
        let shared = Arc::clone(&self.shared);
        let generation = to.generation;
        let promoting = tokio::task::spawn_blocking(move || shared.generations.promote(name, generation));
        promoting.await.map_err(|_| OperationError::NobodyFolds)??;
        if let Some(from) = &from {
            from.set_state(ProjectionState::Ready, None);
        }
        to.set_state(ProjectionState::Serving, None);
        self.shared.reads(to.projection).swap(pool);
        self.shared.progress.announce();
        let from = from.map_or(0, |from| from.generation);
        tracing::info!(
            projection = name,
            generation,
            from,
            "Generation {generation} of view {name} serves in the place of {from}"
        );
        Ok(to)
    }

    async fn retire(&mut self, spare: Arc<Standing>) -> Result<Arc<Standing>, OperationError> {
        let (projection, number) = (spare.projection, spare.generation);
        spare.set_state(ProjectionState::Retired, None);
        self.shared.progress.remove(&spare);
        let shared = Arc::clone(&self.shared);
        let retired = self
            .on_desk(move |desk| {
                desk.leave(projection.name, number);
                shared.generations.forget(&Generation {
                    number,
                    ..Generation::new(projection, ProjectionState::Retired)
                })
            })
            .await;
        retired.map_err(|_| OperationError::NobodyFolds)??;
        let name = projection.name;
        tracing::info!(
            projection = name,
            generation = number,
            "Generation {number} of view {name} is retired"
        );
        Ok(spare)
    }

    /// Waits for a generation to come where the serving one stands, and takes it in.
    async fn meet(&mut self, standing: &Arc<Standing>, meeting: oneshot::Sender<Meeting>) -> Result<(), RunnerError> {
        let name = standing.projection.name;
        let known = self
            .builders
            .get(name)
            .is_some_and(|builder| Arc::ptr_eq(&builder.standing, standing));
        if !known {
            return Ok(());
        }
        let (joining, joined) = oneshot::channel();
        let position = self.shared.progress.serving_position(name);
        if meeting.send(Meeting { position, joining }).is_err() {
            return Ok(());
        }
        let Ok(Ok(folder)) = tokio::time::timeout(MEETING_MAX, joined).await else {
            return Ok(());
        };
        let Some(builder) = self.builders.remove(name) else {
            return Ok(());
        };
        if let Err(error) = self.take_in(folder, &builder).await? {
            tracing::error!(projection = name, %error, "View {name} keeps the generation that serves: {error}");
        }
        Ok(())
    }

    /// The generation is folded on from now on, and serves if it may.
    async fn take_in(&mut self, folder: Folder, builder: &Builder) -> Result<Result<(), OperationError>, RunnerError> {
        let (standing, wanted) = (Arc::clone(&builder.standing), builder.generation.promote);
        let (name, number) = (standing.projection.name, standing.generation);
        for older in self.shared.progress.of(name) {
            if older.state() == ProjectionState::Ready
                && let Err(error) = self.retire(older).await
            {
                tracing::warn!(projection = name, %error, "What a rebuild replaced is deleted at the next start");
            }
        }
        let compared = self.on_desk(move |desk| desk.join(folder)).await?;
        let (promoted, reason) = match (wanted, compared) {
            (Promote::Always, _) | (Promote::WhenEqual, Ok(true)) => (true, None),
            (Promote::Never, _) => (false, None),
            (Promote::WhenEqual, Ok(false)) => (false, Some(DIFFERS)),
            (Promote::WhenEqual, Err(_)) => (false, Some(NOT_COMPARED)),
        };
        self.shared.state(&standing, ProjectionState::Ready, reason);
        let seconds = standing.building_seconds();
        tracing::info!(
            projection = name,
            generation = number,
            seconds,
            "Generation {number} of view {name} is ready"
        );
        if let Some(reason) = reason {
            tracing::error!(
                projection = name,
                generation = number,
                "Generation {number} of view {name} {reason}"
            );
        }
        if promoted {
            return Ok(self.flip(standing).await.map(drop));
        }
        Ok(Ok(()))
    }
}

const DIFFERS: &str = "differs from the generation that serves, at the same position";
const NOT_COMPARED: &str = "could not be compared with the generation that serves";
