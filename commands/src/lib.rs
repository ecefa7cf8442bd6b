//! The write side: commands become events here, and nowhere else. One owner per stream decides and appends; what comes back is a typed
//! outcome. The rules themselves live in `domain`, the storage in `event-store`; nothing here knows HTTP or sockets.
//!
//! To add a noun (a new kind of stream):
//! 1. write its decider in `domain`;
//! 2. give it a [`Sequencers`] field in `service.rs`, with the surroundings its rules ask for;
//! 3. name its outcomes in the metrics, which the compiler does not ask for: `metrics.rs` takes the category as label.

mod acknowledgements;
mod blocks;
mod caller;
mod metrics;
mod outcome;
mod owner;
pub mod private_file;
mod reactor;
mod rosters;
mod sequencers;
mod service;
mod snapshots;
mod space_exit;

pub use acknowledgements::{Acknowledgements, Mark};
pub use caller::{Caller, IntentKey};
pub use metrics::CommandMetrics;
pub use outcome::{CommandError, Outcome, ReadFailure, Unavailable};
pub use owner::StreamView;
pub use reactor::{Checkpoints, PortFailure, SpaceChannels, SpaceExits};
pub use sequencers::{Pending, Sequencers};
pub use service::{Commands, Options};
pub use space_exit::SpaceExit;
