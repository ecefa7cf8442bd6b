//! HTTP, as a client sees it: every resource of the contract that exists, its rules and its refusals.
//! Sockets are tested in `ws`, crashes and disks in `faults`.

mod accounts;
mod audit;
mod bans;
mod blocks;
mod channels;
mod commands;
mod contracts;
mod conventions;
mod deletion;
mod direct;
mod dpop;
mod edits;
mod event_streams;
mod events;
mod health;
mod hidden;
mod idempotency;
mod issuers;
mod logs;
mod malformed;
mod messages;
mod moderating;
mod ownership;
mod people;
mod reports;
mod rights;
mod sessions;
mod settings;
mod spaces;
mod timeline;
mod unread;
