//! The rules of Verbatim, pure: what people may do, and what follows from it.
//!
//! One module per noun, each with its commands, events, state and rejections, decided by [`Decider::decide`] and folded by
//! [`Decider::evolve`]. No async, no I/O, no clock and no chance live here; ids and time arrive in the [`Context`].
//!
//! To add an event (or a new version of one):
//! 1. add the variant to `Event` in its noun's module; the compiler then asks each `match` for its answer;
//! 2. name it and its version in that module's `codec!` table; for a new version, append the lift from the old one to `upcast.rs`;
//! 3. give it a sample in `tests/golden_events.rs`, run `UPDATE_GOLDEN=1 cargo test -p domain`, and commit the new file in
//!    `tests/golden/events/`; files that are there stay as they are;
//! 4. where `State` changed its serialized form, raise the noun's `STATE_VERSION`, so that older snapshots are ignored.
//!
//! To add a rule: write it as a sentence in the noun's `tests`, in the form of `given.rs`, then make it true.

pub mod audit;
pub mod channel;
mod codec;
mod decider;
mod did;
mod emoji;
mod ids;
pub mod inbox;
pub mod limits;
pub mod report;
pub mod rights;
pub mod space;
mod text;
mod upcast;
pub mod user;

#[cfg(test)]
mod given;

pub use codec::{Coded, DecodeError};
pub use decider::{Actor, Context, Decider, Meta};
pub use did::{DidWeb, InvalidDid};
pub use emoji::Emoji;
pub use ids::{
    ChannelId, EventId, IdError, InviteId, MessageId, ReportId, SessionId, SpaceId, UserId, direct_channel_id,
    event_id, owned_id,
};
pub use text::{ChannelName, Cohort, DisplayName, Handle, IdempotencyKey, InvalidText, MessageBody, Reason, SpaceName};
