//! What the rows of a view add up to, kept while they are written: two copies of a view at the same position are equal when their sums
//! are, however each came to be. The sums find accidents and hands, not someone who can compute them
//! ([why so](../../ops/docs/decisions/0019-digests-are-sums-kept-by-triggers.md)).

mod recording;
mod row;
mod scan;
mod table;

pub use recording::{Recorder, attach};
pub use row::{Sum, hash_of, key_bytes};
pub use scan::{
    Difference, Digest, Keys, Slice, compare_key, compare_slice, differing, keys_after, of, stored_sums, sums_of_rows,
    totals,
};
pub(crate) use table::hex;
pub use table::{Scope, Table};

#[cfg(test)]
mod tests;
