//! Searching what one may read.

mod find;

pub(crate) use find::find;
