//! The harness of the black-box tests: the real binary in its own folder, people who talk to it over HTTP, and sockets.
//! It knows the published contract and nothing of the server's code, so that a test here fails exactly when a client would notice.

mod address;
mod answer;
mod ask;
pub mod contract;
mod event_stream;
mod issuer;
mod person;
pub mod raw;
mod server;
mod socket;
mod stage;
mod waiting;

pub use address::Address;
pub use answer::Answer;
pub use ask::Ask;
pub use event_stream::{Block, EventStream};
pub use issuer::{Issuer, SigningKey, part, seconds_now, thumbprint, token_hash};
pub use person::{PASSWORD, Person, fresh_key};
pub use server::{Options, Server, run_to_end, shared};
pub use socket::{Hello, NOWHERE, Refused, SUBPROTOCOL, Socket};
pub use stage::{Room, Stage};
pub use waiting::{DEADLINE, until};

// To add a test:
// 1. find the module of its subject under `api/` (HTTP), `ws/` (sockets) or `faults/` (crashes, signals, disks), or add one and name
//    it in that folder's `main.rs`;
// 2. begin with `Stage::shared()`, or with a server of its own when the test changes settings, restarts or reads the logs;
// 3. wait with `until` for what shall become true, never for a time.
