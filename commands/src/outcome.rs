//! What became of a command: committed, replayed, already so; or rejected, refused, unknown.

use std::sync::Arc;

use event_store::{AppendError, ReadError, Recorded, UnavailableReason};

#[derive(Debug, Clone)]
pub struct Outcome {
    /// The events of the command as they stand in the log. Empty when everything was already so.
    pub events: Vec<Arc<Recorded>>,
    /// The command had been carried out before, under the same key; `events` are those of that time.
    pub replayed: bool,
    /// Events in the stream now; for a channel this is its top seq.
    pub top: u64,
    /// Position in the log at which a view shows this outcome.
    pub position: u64,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError<R> {
    #[error("{0}")]
    Rejected(R),
    #[error("this idempotency key was used for another command")]
    KeyReused,
    /// Nothing was written.
    #[error(transparent)]
    Unavailable(Unavailable),
    /// It may or may not have been written: the same key tells.
    #[error("the outcome is not known; retry with the same key")]
    OutcomeUnknown,
}

/// Why a command or a read cannot be served now. Retrying later is right for all but the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("too many commands are waiting")]
    Busy,
    #[error("other writers were faster each time")]
    Contended,
    #[error("the disk is full")]
    DiskFull,
    #[error("the log does not take events at the moment")]
    Log,
    #[error("the stream holds an event that this program cannot read")]
    Unreadable,
}

/// A read of a stream's state that could not be answered.
pub type ReadFailure = Unavailable;

impl From<UnavailableReason> for Unavailable {
    fn from(reason: UnavailableReason) -> Self {
        match reason {
            UnavailableReason::Overloaded => Self::Busy,
            UnavailableReason::DiskFull => Self::DiskFull,
            UnavailableReason::Storage | UnavailableReason::Failed | UnavailableReason::Closed => Self::Log,
        }
    }
}

impl From<ReadError> for Unavailable {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { .. } => Self::Unreadable,
            ReadError::Unavailable { reason } => reason.into(),
        }
    }
}

/// What an append's refusal means for everyone who waited for it.
pub(crate) enum Refusal {
    /// Somebody else wrote: read what is new and decide again.
    Stale,
    Unavailable(Unavailable),
    Unknown,
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict { .. } | AppendError::IdReuse { .. } => Self::Stale,
            AppendError::TooLarge { .. } => Self::Unavailable(Unavailable::Log),
            AppendError::Unavailable {
                maybe_committed: true, ..
            } => Self::Unknown,
            AppendError::Unavailable {
                maybe_committed: false,
                reason,
            } => Self::Unavailable(reason.into()),
        }
    }
}
