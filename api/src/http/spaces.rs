//! Spaces and who belongs to them, or is kept out or silent. Their channels are in `channels`.

mod archive;
mod ban;
mod bans;
mod create;
mod hand_over;
mod join;
mod leave;
mod list;
mod members;
mod mute;
mod mutes;
mod put_member;
mod read;
mod remove_member;
mod restore;
mod unban;
mod unmute;
mod update;

pub(crate) use archive::archive;
pub(crate) use ban::ban;
pub(crate) use bans::bans;
pub(crate) use create::create;
pub(crate) use hand_over::hand_over;
pub(crate) use join::join;
pub(crate) use leave::leave;
pub(crate) use list::list;
pub(crate) use members::members;
pub(crate) use mute::mute;
pub(crate) use mutes::mutes;
pub(crate) use put_member::put_member;
pub(crate) use read::read;
pub(crate) use remove_member::remove_member;
pub(crate) use restore::restore;
pub(crate) use unban::unban;
pub(crate) use unmute::unmute;
pub(crate) use update::update;
