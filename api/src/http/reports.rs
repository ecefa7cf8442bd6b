//! Reports: making them, looking at those one decides about, deciding, taking a decision back. The same for moderators of a space and
//! for operators, who look after everything that is in no space.

mod as_operator;
mod list;
mod make;
mod read;
mod resolve;
mod undo;

pub(crate) use as_operator::{list_outside, resolve_as_operator, undo_as_operator};
pub(crate) use list::list_in_space;
pub(crate) use make::make;
pub(crate) use read::read;
pub(crate) use resolve::resolve;
pub(crate) use undo::undo;
