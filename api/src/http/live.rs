//! Getting onto a socket. The socket itself is in `ws.rs`.

mod ticket;

pub use ticket::ticket;
