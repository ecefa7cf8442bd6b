//! Spaces and who belongs to them, or is kept out or silent. Their channels are in `channels`.

mod archive;
mod create;
mod hand_over;
mod join;
mod leave;
mod list;
mod members;
mod put_member;
mod read;
mod remove_member;
mod restore;
mod sanctions;
mod update;

pub(crate) use archive::archive;
pub(crate) use create::create;
pub(crate) use hand_over::hand_over;
pub(crate) use join::join;
pub(crate) use leave::leave;
pub(crate) use list::list;
pub(crate) use members::members;
pub(crate) use put_member::put_member;
pub(crate) use read::read;
pub(crate) use remove_member::remove_member;
pub(crate) use restore::restore;
pub(crate) use sanctions::{ban, bans, mute, mutes, unban, unmute};
pub(crate) use update::update;
