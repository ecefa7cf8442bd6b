//! HTTP, as a client sees it: every resource of the contract that exists, its rules and its refusals.
//! Sockets are tested in `ws`, crashes and disks in `faults`.

mod accounts;
mod channels;
mod commands;
mod contracts;
mod conventions;
mod deletion;
mod direct;
mod edits;
mod event_streams;
mod events;
mod health;
mod hidden;
mod idempotency;
mod logs;
mod malformed;
mod matrix;
mod messages;
mod moderating;
mod people;
mod rights;
mod sessions;
mod settings;
mod spaces;
mod timeline;
mod tokens;
mod unread;
