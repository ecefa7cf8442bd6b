//! Whether the log was restored from a backup behind the views: then what they were folded from is not all in it any more, and something
//! else may take its place.

use std::path::Path;

use event_store::{EventLog, Head, ReadError};

use crate::{
    FolderError, OpenError,
    generations::{Generations, checkpoint::Checkpoint},
};

/// What shows that a log was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Restored {
    #[error("a view was folded up to position {checkpoint}, and the log ends at {head}")]
    Shorter { checkpoint: u64, head: u64 },
    #[error("a view knows another event at position {position} of the log")]
    OtherEvent { position: u64 },
    #[error("a view was folded from incarnation {stored} of the log, and this is incarnation {actual}")]
    OlderIncarnation { stored: u32, actual: u32 },
}

#[derive(Debug, thiserror::Error)]
pub enum RestoredError {
    #[error(transparent)]
    Views(OpenError),
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
}

impl From<FolderError> for RestoredError {
    fn from(error: FolderError) -> Self {
        Self::Views(error.into())
    }
}

impl From<rusqlite::Error> for RestoredError {
    fn from(error: rusqlite::Error) -> Self {
        FolderError::from(error).into()
    }
}

/// What the views in `folder` know of a future that `log` has lost, with the highest incarnation that any of them has seen. Views that
/// were folded from another log know nothing of it.
pub async fn restored(folder: &Path, log: &dyn EventLog) -> Result<(Option<Restored>, u32), RestoredError> {
    let head = log.head().await?;
    let mut newest = head.identity.incarnation;
    let mut found = None;
    for checkpoint in checkpoints(folder)? {
        if checkpoint.identity.id != head.identity.id {
            continue;
        }
        newest = newest.max(checkpoint.identity.incarnation);
        if found.is_none() {
            found = contradiction(log, &head, &checkpoint).await?;
        }
    }
    Ok((found, newest))
}

fn checkpoints(folder: &Path) -> Result<Vec<Checkpoint>, RestoredError> {
    let generations = Generations::open(folder)?;
    let all = generations.all()?;
    let known = all.iter().filter_map(|generation| generations.checkpoint(generation));
    Ok(known.collect())
}

async fn contradiction(
    log: &dyn EventLog,
    head: &Head,
    checkpoint: &Checkpoint,
) -> Result<Option<Restored>, ReadError> {
    let (stored, actual) = (checkpoint.identity.incarnation, head.identity.incarnation);
    // One that is older was said to be restored already, and its views are folded again.
    if stored < actual {
        return Ok(None);
    }
    if stored > actual {
        return Ok(Some(Restored::OlderIncarnation { stored, actual }));
    }
    let position = checkpoint.position;
    if position > head.position {
        return Ok(Some(Restored::Shorter {
            checkpoint: position,
            head: head.position,
        }));
    }
    let (Some(event), Some(before)) = (checkpoint.event, position.checked_sub(1)) else {
        return Ok(None);
    };
    let page = log.read_all(before, 1).await?;
    let there = page.events.first().filter(|there| there.position == position);
    Ok(there
        .filter(|there| there.event.id != event)
        .map(|_| Restored::OtherEvent { position }))
}
