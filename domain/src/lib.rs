//! The rules of Verbatim, pure: what people may do, and what follows from it.
//!
//! One module per noun, each with its commands, events, state and rejections, decided by [`Decider::decide`] and folded by
//! [`Decider::evolve`]. No async, no I/O, no clock and no chance live here; ids and time arrive in the [`Context`].
//!
//! To add an event:
//! 1. add the variant to `Event` in its noun's module; the compiler then asks each `match` for its answer, here and in the views;
//! 2. name it, with version 1, in that module's `codec!` table;
//! 3. give it a sample in `tests/golden_events.rs`, run `UPDATE_GOLDEN=1 cargo test --workspace --test golden_events`, and commit the new
//!    file in `tests/golden/events/`; files that are there stay as they are. Let it happen in `projections/tests/world/story.rs`, and
//!    write the golden log anew: `UPDATE_GOLDEN=1 cargo test --workspace --test golden_replay`;
//! 4. where `State` changed its serialized form, raise the noun's `STATE_VERSION`, so that older snapshots are ignored.
//!
//! A field that may be absent and then means what was always meant needs no new version: `#[serde(default)]`, and it is left out where
//! it says nothing new. To add a version of an event, when its old form can no longer be read as the new one:
//! 1. change its payload struct, and raise its version in the `codec!` table: from then on it is written in the new form only;
//! 2. append the step from the old version to the new one to `UPCASTS` in `upcast.rs`: a pure function over the JSON object, which fills
//!    in what the old form left unsaid. Steps that are there stay as they are, for they are applied one after the other;
//! 3. change its sample to the new form, run `UPDATE_GOLDEN=1 cargo test --workspace --test golden_events`, and commit the new `.vN.json`;
//!    the file of the old version stays, and must still decode. Write the golden log anew as above;
//! 4. raise the `version` of the views whose rows come out otherwise, and `STATE_VERSION` as above. Clients are sent the newest form only.
//!
//! What older logs must keep meaning is held by `replay-tools/tests/replay/released.rs`, over a log that is never written anew.
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
