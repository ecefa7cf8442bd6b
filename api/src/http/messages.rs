//! Messages of a channel: saying, changing and taking back, and reading the timeline as it stands now.

mod delete;
mod edit;
mod page;
mod read;
mod restore;
mod send;

pub(crate) use delete::delete;
pub(crate) use edit::edit;
pub(crate) use page::page;
pub(crate) use read::read;
pub(crate) use restore::restore;
pub(crate) use send::send;
