//! The published contracts, generated from the types that are parsed and sent, committed under `api/contracts` and served as committed.
//! A test regenerates them and compares; nothing here is used while requests are answered.
//!
//! To add a frame: its type in `ws/protocol`, an example in `contract/examples.rs`, what answers it in `contract/asyncapi.rs` if a client
//! sends it, then `UPDATE_GOLDEN=1 cargo test -p api --lib contract`.

pub mod asyncapi;
mod events;
mod examples;
mod operations;

/// The contract of the socket, as committed.
pub const ASYNCAPI: &str = include_str!("../contracts/asyncapi.json");

#[cfg(test)]
mod tests;
