//! Channels: those of spaces, groups and direct conversations, and who is in them. What is said there is in `messages`.

mod archive;
mod create;
mod create_in_space;
mod join;
mod leave;
mod list;
mod list_in_space;
mod members;
mod put_member;
mod read;
mod remove_member;
mod update;

pub(crate) use archive::archive;
pub(crate) use create::create;
pub(crate) use create_in_space::create_in_space;
pub(crate) use join::join;
pub(crate) use leave::leave;
pub(crate) use list::list;
pub(crate) use list_in_space::list_in_space;
pub(crate) use members::members;
pub(crate) use put_member::put_member;
pub(crate) use read::read;
pub(crate) use remove_member::remove_member;
pub(crate) use update::update;
