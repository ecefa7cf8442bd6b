//! What people have received and read.

mod mark_read;
mod receipts;

pub(crate) use mark_read::mark_read;
pub(crate) use receipts::receipts;
