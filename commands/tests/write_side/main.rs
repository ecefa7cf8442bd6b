//! Tests of the write side over a log in memory: outcomes, snapshots and followers, each in a module of its own.

mod followers;
mod outcomes;
mod snapshots;
mod succession;
mod world;
