//! The ordered stream of a channel over HTTP, from the same windows and log that sockets read. One verb a file.

pub(crate) mod list;
