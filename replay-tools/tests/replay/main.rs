//! The tool as its users run it: the real binary on folders whose logs were written through the store, whole and damaged.

mod at;
mod diffs;
mod endings;
mod exports;
mod inspecting;
mod rebuilding;
mod released;
mod verifying;
mod views;
mod what_if;
mod world;
