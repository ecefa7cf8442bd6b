//! The port: what a log promises, in types. The promises E1 to E13 are named where they bind; `contract` tests each of them.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::Tail;

/// A durable, totally ordered log of event streams.
#[async_trait::async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Appends to several streams; results come back in the order of `appends`, and one refusal does not touch the others.
    ///
    /// Each append is all or nothing (E1) and continues its stream without a hole (E2). When it returns `Ok`, the events are durable
    /// at the adapter's declared level (E8) and visible to `read_stream` everywhere (E5). Appending the same event ids again returns
    /// the original result, whatever was expected, for ever (E6); the same first id with another intent is [`AppendError::IdReuse`] (E7).
    /// Of racing exact appends exactly one wins (E10).
    async fn append(&self, appends: Vec<Append>) -> Vec<Result<Appended, AppendError>>;

    /// Events of one stream from revision `from` (inclusive), in order, at most `limit`. A damaged one among them refuses the page,
    /// since whoever reads a stream folds it, and nobody folds around a hole.
    async fn read_stream(&self, stream: &StreamName, from: u64, limit: usize) -> Result<StreamPage, ReadError>;

    /// Events of all streams with a position above `after`, in the one total order (E3), at most `limit`. Damaged ones are named in
    /// their place, so that they hold up nobody but their own stream.
    async fn read_all(&self, after: u64, limit: usize) -> Result<Page, ReadError>;

    /// Identity and newest position.
    async fn head(&self) -> Result<Head, ReadError>;

    /// Follows the log from `after` on: every later event exactly once, in order, without end.
    fn tail(self: Arc<Self>, after: u64) -> Tail;

    /// Resolves when the log has failed in a way that leaves an outcome unknown (a sync that returned an error). From then on it
    /// refuses every append; the process is to end, restart and verify. The text is for the log line, without content.
    async fn failed(&self) -> String;
}

/// `{category}-{uuid}`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName(Arc<str>);

impl StreamName {
    pub fn new(category: &str, id: Uuid) -> Self {
        Self(format!("{category}-{id}").into())
    }

    /// A name read back from storage or given by a person.
    pub fn from_text(name: &str) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first `-`.
    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(category, _)| category)
    }

    /// The part after the first `-`, if it is a UUID.
    pub fn id(&self) -> Option<Uuid> {
        self.0.split_once('-').and_then(|(_, id)| Uuid::try_parse(id).ok())
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event on its way into the log. The bytes of `payload` come back identical (E9).
#[derive(Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub id: Uuid,
    pub kind: Arc<str>,
    pub version: u16,
    /// Who acted; nil for the service itself.
    pub actor: Uuid,
    /// The idempotency key of the command.
    pub key: Arc<str>,
    /// Keyed hash of the command's plaintext, to tell a retry from a reuse of its key.
    pub intent: [u8; 16],
    pub request_id: Uuid,
    /// Stored to the microsecond.
    pub recorded_at: DateTime<Utc>,
    pub payload: Bytes,
}

/// The payload stays out of debug output, so that no log line can carry it by accident.
impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} v{} ({} bytes)",
            self.id,
            self.kind,
            self.version,
            self.payload.len()
        )
    }
}

/// An event in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Place in the total order, from 1.
    pub position: u64,
    pub stream: StreamName,
    /// Place in the stream, from 0.
    pub revision: u64,
    pub event: NewEvent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Wherever the stream ends (E11).
    Any,
    /// The stream has no events yet.
    Empty,
    /// The stream's newest event has this revision.
    Revision(u64),
}

impl Expected {
    /// What a writer who has folded `count` events expects.
    pub fn after(count: u64) -> Self {
        count.checked_sub(1).map_or(Self::Empty, Self::Revision)
    }
}

#[derive(Debug, Clone)]
pub struct Append {
    pub stream: StreamName,
    pub expected: Expected,
    /// Without any, the append writes nothing and expects nothing.
    pub events: Vec<NewEvent>,
}

/// The events of one append as they stand in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    pub events: Vec<Arc<Recorded>>,
    /// The events were already there; nothing was written now.
    pub replayed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    #[error("the stream does not end where it was expected to")]
    Conflict {
        /// Revision of the newest event, `None` for an empty stream.
        actual: Option<u64>,
    },
    #[error("the event id {id} was used for something else")]
    IdReuse { id: Uuid },
    #[error("the append has {size} {unit}, more than the {max} the log takes at once")]
    TooLarge {
        size: usize,
        max: usize,
        unit: &'static str,
    },
    /// With `maybe_committed: false` provably nothing was written (E12).
    #[error("the log cannot be written: {reason}")]
    Unavailable {
        maybe_committed: bool,
        reason: UnavailableReason,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnavailableReason {
    #[error("too many appends are waiting")]
    Overloaded,
    #[error("the disk is full")]
    DiskFull,
    #[error("the storage did not answer as it should")]
    Storage,
    #[error("the log failed and the process must restart")]
    Failed,
    #[error("the log is closed")]
    Closed,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The stored bytes do not match their checksum.
    #[error("the event at position {position} is damaged")]
    Damaged { position: u64 },
    #[error("the log cannot be read: {reason}")]
    Unavailable { reason: UnavailableReason },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPage {
    pub events: Vec<Arc<Recorded>>,
    /// Revision of the stream's newest event when the page was read; `None` for an empty stream.
    pub last_revision: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub events: Vec<Arc<Recorded>>,
    /// Places between those of the events whose own cannot be handed out, in order.
    pub damaged: Vec<Damaged>,
    /// No event at or below this position will ever appear later (E4): the only legal source of a checkpoint. At least `after`.
    pub scanned_to: u64,
}

/// A place of the log whose stored bytes do not match their checksum, or are gone. What they say of themselves may be wrong as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    pub position: u64,
    /// `None` where nothing tells which stream it was.
    pub stream: Option<StreamName>,
    pub revision: Option<u64>,
}

impl Page {
    /// Places the page has, readable or not; fewer than its limit means that the end was reached.
    pub fn places(&self) -> usize {
        self.events.len() + self.damaged.len()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub identity: Identity,
    /// Position of the newest event, 0 when the log is empty.
    pub position: u64,
}

/// Which log this is (E13): bound into every checkpoint and cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    pub id: Uuid,
    /// Raised when the log is restored from a backup.
    pub incarnation: u32,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.id.simple(), self.incarnation)
    }
}
