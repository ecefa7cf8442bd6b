//! What calls the caller, and how far they have seen it.

mod list;
mod mark_read;

pub(crate) use list::list;
pub(crate) use mark_read::mark_read;
