//! What the rows really add up to, beside what was kept while they were written. Only reads; whoever asks holds one read transaction
//! around it, so that rows, sums and checkpoint are of one moment.

use std::{collections::BTreeMap, fmt};

use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use sha2::{Digest as _, Sha256};

use super::{
    recording::columns_of,
    row::{Sum, hash_of, key_bytes},
    table::{Table, hex},
};
use crate::registry::Projection;

/// A key whose rows are not those that the writer wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub key: Vec<u8>,
    pub stored: Sum,
    pub rows: Sum,
}

/// A part of a table that was compared.
#[derive(Debug, Default)]
pub struct Slice {
    pub differing: Vec<Difference>,
    /// Everything up to this key was compared; `None` when that was the rest of the table.
    pub reached: Option<Vec<u8>>,
    pub rows: u64,
}

/// The keys above the first and up to the second bound; without bounds, all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keys<'a> {
    pub above: Option<&'a [u8]>,
    pub up_to: Option<&'a [u8]>,
}

/// What a whole generation amounts to, in one value: two at the same position are equal when this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 16]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The digest of the generation that `connection` reads; `None` where none is kept.
pub fn of(connection: &Connection, projection: &Projection) -> rusqlite::Result<Option<Digest>> {
    if !connection.table_exists(None, "digest")? {
        return Ok(None);
    }
    let totals = totals(connection)?;
    let mut hash = Sha256::new();
    for table in projection.tables {
        let sum = totals.get(table.name).copied().unwrap_or_default();
        hash.update(table.name);
        hash.update(sum.rows.to_be_bytes());
        hash.update(sum.high.to_be_bytes());
        hash.update(sum.low.to_be_bytes());
    }
    let mut digest = Digest([0; 16]);
    digest.0.copy_from_slice(&hash.finalize()[..16]);
    Ok(Some(digest))
}

/// The stored sum of each table.
pub fn totals(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Sum>> {
    let mut statement = connection.prepare_cached(include_str!("totals.sql"))?;
    let mut rows = statement.query([])?;
    let mut totals: BTreeMap<String, Sum> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        totals.entry(row.get(0)?).or_default().join(sum_at(row, 2)?);
    }
    Ok(totals)
}

/// The stored sums of a table by key.
pub fn stored_sums(connection: &Connection, table: &Table, keys: Keys<'_>) -> rusqlite::Result<BTreeMap<Vec<u8>, Sum>> {
    let mut statement = connection.prepare_cached(include_str!("sums_after_key.sql"))?;
    let mut rows = statement.query(params![table.name, keys.above.unwrap_or_default()])?;
    let mut sums = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let key: Vec<u8> = row.get(0)?;
        if keys.up_to.is_some_and(|last| key.as_slice() > last) {
            break;
        }
        sums.insert(key, sum_at(row, 1)?);
    }
    Ok(sums)
}

/// What the rows of a table add up to by key.
pub fn sums_of_rows(
    connection: &Connection,
    table: &Table,
    keys: Keys<'_>,
) -> rusqlite::Result<BTreeMap<Vec<u8>, Sum>> {
    let column = table.key;
    let bound = |sign: &str, place: u8| format!("\"{column}\" {sign} ?{place}");
    match (keys.above, keys.up_to) {
        (None, None) => sums_where(connection, table, "true", []),
        (Some(above), None) => sums_where(connection, table, &bound(">", 1), [above]),
        (None, Some(up_to)) => sums_where(connection, table, &bound("<=", 1), [up_to]),
        (Some(above), Some(up_to)) => {
            let both = format!("{} and {}", bound(">", 1), bound("<=", 2));
            sums_where(connection, table, &both, [above, up_to])
        }
    }
}

/// One key alone.
pub fn compare_key(connection: &Connection, table: &Table, key: &[u8]) -> rusqlite::Result<Difference> {
    let rows = sums_where(connection, table, &format!("\"{}\" = ?1", table.key), [key])?;
    let stored = connection
        .prepare_cached(include_str!("sum_of_key.sql"))?
        .query_row(params![table.name, key], |row| sum_at(row, 0))
        .optional()?;
    Ok(Difference {
        key: key.to_vec(),
        stored: stored.unwrap_or_default(),
        rows: rows.get(key).copied().unwrap_or_default(),
    })
}

/// The next keys of a table by what is stored, at most so many.
pub fn keys_after(
    connection: &Connection,
    table: &Table,
    above: Option<&[u8]>,
    keys_max: usize,
) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut statement = connection.prepare_cached(include_str!("sums_after_key.sql"))?;
    let keys = statement.query_map(params![table.name, above.unwrap_or_default()], |row| row.get(0))?;
    keys.take(keys_max).collect()
}

fn sums_where(
    connection: &Connection,
    table: &Table,
    condition: &str,
    bounds: impl Params,
) -> rusqlite::Result<BTreeMap<Vec<u8>, Sum>> {
    let columns = columns_of(connection, table.name)?;
    let key = columns.iter().position(|column| column == table.key);
    let key = key.ok_or_else(|| rusqlite::Error::InvalidColumnName(table.key.to_owned()))?;
    let mut statement = connection.prepare(&format!("select * from \"{}\" where {condition}", table.name))?;
    let mut rows = statement.query(bounds)?;
    let mut sums: BTreeMap<Vec<u8>, Sum> = BTreeMap::new();
    let mut scratch = vec![];
    while let Some(row) = rows.next()? {
        let values = (0..columns.len())
            .map(|place| row.get_ref(place))
            .collect::<Result<Vec<_>, _>>()?;
        let hash = hash_of(values.into_iter(), &mut scratch);
        sums.entry(key_bytes(row.get_ref(key)?)).or_default().add(hash);
    }
    Ok(sums)
}

/// Compares the next keys of a table, whole ones, until they have `rows_max` rows by what is stored; at least one.
pub fn compare_slice(
    connection: &Connection,
    table: &Table,
    above: Option<&[u8]>,
    rows_max: u64,
) -> rusqlite::Result<Slice> {
    let reached = end_of_slice(connection, table, above, rows_max)?;
    let keys = Keys {
        above,
        up_to: reached.as_deref(),
    };
    let stored = stored_sums(connection, table, keys)?;
    let rows = sums_of_rows(connection, table, keys)?;
    Ok(Slice {
        rows: rows.values().map(|sum| sum.rows.unsigned_abs()).sum(),
        differing: differing(&stored, &rows),
        reached,
    })
}

/// The last key of a slice; `None` when everything that is left fits.
fn end_of_slice(
    connection: &Connection,
    table: &Table,
    above: Option<&[u8]>,
    rows_max: u64,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached(include_str!("sums_after_key.sql"))?;
    let mut rows = statement.query(params![table.name, above.unwrap_or_default()])?;
    let mut taken: u64 = 0;
    while let Some(row) = rows.next()? {
        taken += sum_at(row, 1)?.rows.unsigned_abs().max(1);
        if taken >= rows_max {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

/// Keys with different sums, in order; a key that is missing adds up to nothing.
pub fn differing(stored: &BTreeMap<Vec<u8>, Sum>, rows: &BTreeMap<Vec<u8>, Sum>) -> Vec<Difference> {
    let of = |sums: &BTreeMap<Vec<u8>, Sum>, key: &Vec<u8>| sums.get(key).copied().unwrap_or_default();
    let mut keys: Vec<&Vec<u8>> = stored.keys().chain(rows.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .map(|key| Difference {
            stored: of(stored, key),
            rows: of(rows, key),
            key: key.clone(),
        })
        .filter(|difference| difference.stored != difference.rows)
        .collect()
}

fn sum_at(row: &Row<'_>, place: usize) -> rusqlite::Result<Sum> {
    let (high, low): (i64, i64) = (row.get(place + 1)?, row.get(place + 2)?);
    Ok(Sum {
        rows: row.get(place)?,
        high: high.cast_unsigned(),
        low: low.cast_unsigned(),
    })
}
