//! The edge: HTTP and sockets on the outside, commands and views on the inside. Requests become typed commands here, outcomes become
//! answers; what is allowed is decided in `domain`, what is durable in `commands`, what is shown in `projections`.
//!
//! To add an endpoint:
//! 1. write `http/<resource>/<verb>.rs`: parse, call, render;
//! 2. put its route into `http.rs`;
//! 3. if it can be refused in a new way, add the row in `problem/kinds.rs`.

pub mod app;
pub mod auth;
pub mod brakes;
pub mod contract;
mod did_web;
pub mod http;
pub mod limits;
pub mod metrics;
mod ops;
mod outbound;
pub mod position;
pub mod problem;
pub mod rates;
mod render;
pub mod request;
mod schemas;
mod serve;
pub mod settings;
pub mod telemetry;
pub mod ws;

pub use serve::{EXIT_FAILED, EXIT_LOG_FAILED, StartError, create_keys, grant, raise_incarnation, revoke, serve};
