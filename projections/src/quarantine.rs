//! Events that a view could not read, and the later ones of their streams behind them: which of them operators have the view pass over.
//! Folding them once they can be read is the writer's work (`runner/apply/mend.rs`).

mod skips;

pub(crate) use skips::{Skipped, Skips};
