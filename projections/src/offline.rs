//! The generations of the views while no server runs: listed, rebuilt from a log, compared and promoted by tools.

use std::{path::Path, sync::Arc};

use event_store::EventLog;
use uuid::Uuid;

use crate::{
    FolderError, Generation, OpenError, ProjectionState, Promote,
    digest::Digest,
    event::Decoded,
    generations::{Generations, file},
    progress::Standing,
    quarantine::Skips,
    registry::{ALL, Projection},
    runner::{ApplyError, Folder},
};

/// Events folded in one transaction.
const BATCH_EVENTS: usize = 8192;

/// The folder of the views, with no server running on it.
#[derive(Debug)]
pub struct Offline {
    generations: Generations,
}

/// A generation and where it stands; no position where its file cannot be read.
#[derive(Debug, Clone)]
pub struct Stored {
    pub generation: Generation,
    pub position: Option<u64>,
}

/// What came of a rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    pub generation: u64,
    pub position: u64,
    pub digest: Option<Digest>,
    /// Whether the generation that serves adds up to the same; `None` where it stands elsewhere, so that both cannot be compared.
    pub equal: Option<bool>,
}

#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    #[error("there is no view of that name")]
    NoSuchView,
    #[error("there is no such generation, or it is not ready")]
    NotReady,
    #[error("the files of the views cannot be worked with")]
    Folder(#[from] FolderError),
    #[error("the view cannot be written: {0}")]
    Apply(String),
    #[error("the log cannot be read")]
    Log(#[from] event_store::ReadError),
}

impl From<rusqlite::Error> for OfflineError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Folder(error.into())
    }
}

impl Offline {
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            generations: Generations::open(folder)?,
        })
    }

    pub fn list(&self) -> Result<Vec<Stored>, OfflineError> {
        let stored = |generation: Generation| Stored {
            position: self.generations.checkpoint(&generation).map(|at| at.position),
            generation,
        };
        Ok(self.generations.all()?.into_iter().map(stored).collect())
    }

    /// What a generation's rows add up to.
    pub fn digest(&self, view: &str, generation: u64) -> Result<Option<Digest>, OfflineError> {
        let projection = named(view)?;
        Ok(file::digest(&self.generations.path(view, generation), projection))
    }

    /// Builds a new generation to the end of the log, or goes on with one that was begun, and leaves it ready. `told` hears the position
    /// and the head after each transaction.
    pub async fn rebuild(
        &self,
        view: &str,
        log: &Arc<dyn EventLog>,
        mut told: impl FnMut(u64, u64),
    ) -> Result<Rebuilt, OfflineError> {
        let projection = named(view)?;
        let head = log.head().await?;
        let mut folder = self.begun(projection, log).await?;
        while folder.position() < head.position {
            let page = log.read_all(folder.position(), BATCH_EVENTS).await?;
            let events = Decoded::all(&page.events, &page.damaged);
            folder.apply(&events, page.scanned_to).map_err(unwritten)?;
            told(folder.position(), head.position);
        }
        folder.index().map_err(unwritten)?;
        folder.settle().map_err(unwritten)?;
        let (generation, position) = (folder.standing().generation, folder.position());
        let digest = folder.digest()?;
        drop(folder);
        self.replace_ready(view)?;
        self.generations
            .set_state(view, generation, ProjectionState::Ready, None)?;
        let serving = self.list()?.into_iter().find(|stored| {
            stored.generation.projection.name == view && stored.generation.state == ProjectionState::Serving
        });
        let comparable = serving
            .filter(|serving| serving.position == Some(position) && serving.generation.version == projection.version);
        let equal = match comparable {
            Some(serving) => Some(self.digest(view, serving.generation.number)? == digest),
            None => None,
        };
        Ok(Rebuilt {
            generation,
            position,
            digest,
            equal,
        })
    }

    /// Lets a generation that is ready serve from the next start on.
    pub fn promote(&self, view: &str, generation: u64) -> Result<(), OfflineError> {
        let ready = |known: &Generation| {
            known.projection.name == view && known.number == generation && known.state == ProjectionState::Ready
        };
        if !self.generations.all()?.iter().any(ready) {
            return Err(OfflineError::NotReady);
        }
        Ok(self.generations.promote(view, generation)?)
    }

    async fn begun(&self, projection: &'static Projection, log: &Arc<dyn EventLog>) -> Result<Folder, OfflineError> {
        let head = log.head().await?;
        let unfinished = self.generations.all()?.into_iter().find(|known| {
            let fits = |at: crate::generations::checkpoint::Checkpoint| {
                at.version == projection.version && at.fits(projection.name, &head).is_ok()
            };
            known.projection.name == projection.name
                && matches!(known.state, ProjectionState::Building | ProjectionState::CatchingUp)
                && self.generations.checkpoint(known).is_some_and(fits)
        });
        let generation = match unfinished {
            Some(generation) => generation,
            None => {
                let wanted = Generation {
                    promote: Promote::Never,
                    ..Generation::new(projection, ProjectionState::Building)
                };
                self.generations.add(wanted, &head)?.0
            }
        };
        let epochs = self.generations.claim(Uuid::new_v4())?;
        let lease = ALL.iter().zip(epochs).find(|(known, _)| known.name == projection.name);
        let epoch = lease.map_or(0, |(_, epoch)| epoch);
        let standing = Standing::new(projection, generation.number, generation.state, 0);
        let path = self.generations.path(projection.name, generation.number);
        let skips: Arc<Skips> = Arc::new(self.generations.skips()?);
        Folder::load(standing, path, epoch, skips).map_err(unwritten)
    }

    fn replace_ready(&self, view: &str) -> Result<(), OfflineError> {
        for known in self.generations.all()? {
            if known.projection.name == view && known.state == ProjectionState::Ready {
                self.generations.forget(&known)?;
            }
        }
        Ok(())
    }
}

fn unwritten(error: ApplyError) -> OfflineError {
    OfflineError::Apply(error.to_string())
}

fn named(view: &str) -> Result<&'static Projection, OfflineError> {
    let known = ALL.iter().find(|projection| projection.name == view);
    known.copied().ok_or(OfflineError::NoSuchView)
}
