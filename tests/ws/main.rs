//! The socket, as a client sees it: every frame and rule of the contract's third section.
//! The same rules over HTTP are tested in `api`, crashes and restarts under load in `faults`.

mod acks;
mod backpressure;
mod commands;
mod cutover;
mod cuts;
mod delivery;
mod handshake;
mod heartbeat;
mod limits;
mod malformed;
mod opinions;
mod oracle;
mod presence;
mod raw_bytes;
mod reauth;
mod removal;
mod resume;
mod same_answers;
mod same_key;
mod seams;
mod slow_readers;
mod snaps;
mod typing;
