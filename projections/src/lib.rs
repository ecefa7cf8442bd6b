//! The views: what the log amounts to, in tables that answer questions, and the runner that keeps them up to date. Nothing here decides
//! anything, and everything here can be thrown away and folded again from the log.
//!
//! To add a projection:
//! 1. write `src/<view>.rs` with its row types and queries, and `src/<view>/fold.rs` with its `Projection` and its fold;
//! 2. write its tables and what its fold looks up by into `src/<view>/tables.sql`, and what its queries need besides into
//!    `src/<view>/indexes.sql`;
//! 3. name it in [`ALL`] (`registry.rs`) and give [`Views`] a field for its queries;
//! 4. run `UPDATE_GOLDEN=1 cargo test -p projections` and look at what the golden log made of it.
//!
//! To change what a fold does or what its tables mean: raise its `version`, and it is rebuilt at the next start.

mod audit;
mod channel_list;
mod columns;
pub mod digest;
mod directory;
mod event;
mod feed;
mod generations;
pub mod history;
mod listing;
pub mod live;
mod metrics;
mod notifications;
pub mod offline;
mod progress;
mod quarantine;
mod reads;
mod registry;
mod reports;
mod restored;
mod runner;
mod search;
mod timeline;
mod verify;
mod views;

pub use audit::{Act, AuditTrail, KINDS as AUDITED_KINDS, TargetKind, Wanted};
pub use channel_list::{ChannelBrief, ChannelList, ChannelMember, ChannelOf, ChannelRow, Receipt};
pub use digest::{Scope, Table};
pub use directory::{Directory, InviteRow, Person, Sanction, SanctionKind, SpaceMember, SpaceOf, SpaceRow};
pub use event::{Event, Fact, Unreadable};
pub use feed::{Among, Entry, FEED_CHANNELS_MAX, Feed, Place as FeedPlace, Ranking as FeedRanking, Sort};
pub use generations::{
    FolderError, Generation, Promote,
    checkpoint::{Mismatch, OnMismatch},
};
pub use listing::Listing;
pub use notifications::{Kind as NotificationKind, Notification, Notifications};
pub use progress::{BuildProgress, ProjectionState, ProjectionStatus};
pub use quarantine::{MendError, Parked};
pub use registry::{ALL, Projection};
pub use reports::{Decision, ReportRow, ReportState, Reports, Said};
pub use restored::{Restored, RestoredError, restored};
pub use runner::{Mended, Operation, OperationError, Options, RunnerError, Running, StillParked};
pub use search::{
    BadTerms, EXCERPT_CHARS, Excerpt, Hit, Hits, QUERY_CHARS_MAX as SEARCH_CHARS_MAX, Search, Searched,
    TERMS_MAX as SEARCH_TERMS_MAX, Terms,
};
pub use timeline::{
    Anchor, Comments, Opinions, Place, RANKING_SECONDS, Ranking, Reaction, Replies, Revision, Timeline,
    TimelineMessage, TimelinePage,
};
pub use verify::{Difference, Differing, DifferingRow, Extent, Pace, Refusal, Verification, VerificationState};
pub use views::{OpenError, ViewError, Views};
