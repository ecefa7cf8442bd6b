//! The `cmd` frame of the socket, over HTTP.

mod submit;

pub(crate) use submit::submit;
