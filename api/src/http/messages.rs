//! Messages of a channel: saying, changing and taking back, what people think of them, and reading the timeline as it stands now.

mod comments;
mod delete;
mod edit;
mod page;
mod pin;
mod pins;
mod react;
mod read;
mod restore;
mod revisions;
mod send;
mod thread;
mod vote;

pub(crate) use comments::comments;
pub(crate) use delete::delete;
pub(crate) use edit::edit;
pub(crate) use page::page;
pub(crate) use pin::{pin, unpin};
pub(crate) use pins::pins;
pub(crate) use react::{react, unreact};
pub(crate) use read::read;
pub(crate) use restore::restore;
pub(crate) use revisions::revisions;
pub(crate) use send::send;
pub(crate) use thread::thread;
pub(crate) use vote::{unvote, vote};
