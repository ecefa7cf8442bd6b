//! The log: every event ever appended, in streams and in one total order. This crate holds the port ([`EventLog`]), its promises as a
//! contract suite, and the adapters that keep them. It knows nothing of what the events mean.
//!
//! To add an adapter:
//! 1. implement [`EventLog`] in a file of its own behind a cargo feature;
//! 2. run it through the contract suite in `tests/contract.rs`;
//! 3. let the settings of `api` choose it.

mod admission;
mod failure;
mod port;
mod tail;

#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use admission::{APPEND_BYTES_MAX, APPEND_EVENTS_MAX};
#[cfg(feature = "memory")]
pub use memory::MemoryLog;
pub use port::{
    Append, AppendError, Appended, Damaged, EventLog, Expected, Head, Identity, NewEvent, Page, ReadError, Recorded,
    StreamName, StreamPage, UnavailableReason,
};
#[cfg(feature = "sqlite")]
pub use sqlite::{
    CommitStats, Ends, LogLock, OnCommit, OpenError, RawEvent, ReadOnlyLog, Scanned, Scanner, SqliteLog, SqliteOptions,
    StreamBrief, Touched,
};
pub use tail::{Committed, Tail};
