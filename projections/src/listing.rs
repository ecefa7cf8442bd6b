//! Pages of lists: rows after a cursor, and whether more follow. Pages of the timeline are a matter of their own.

use crate::columns;

/// Rows after a cursor. The next page begins after the key of the last item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    pub items: Vec<T>,
    /// Another page follows.
    pub more: bool,
}

impl<T> Listing<T> {
    /// One more than asked for, to know whether another page follows.
    pub(crate) fn rows_wanted(limit: usize) -> i64 {
        columns::integer(limit as u64).saturating_add(1)
    }

    pub(crate) fn of(rows: impl Iterator<Item = sqlx::Result<T>>, limit: usize) -> sqlx::Result<Self> {
        let mut items = rows.collect::<sqlx::Result<Vec<_>>>()?;
        let more = items.len() > limit;
        items.truncate(limit);
        Ok(Self { items, more })
    }
}
