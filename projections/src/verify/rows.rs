//! The rows of one key in two databases: which is the first that differs. It is named by its primary key and by the columns that differ,
//! never by what they hold.

use std::cmp::Ordering;

use rusqlite::{
    Connection, Rows,
    types::{Value, ValueRef},
};

use crate::digest::Table;

/// A row of a view that is not what the log makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingRow {
    /// Its primary key; words in it are left out.
    pub row: String,
    /// The columns that differ; none where the row is missing or should not be there.
    pub columns: Vec<String>,
    pub kind: Difference,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    Changed,
    /// The log makes this row, and the view has none.
    Missing,
    /// The view has this row, and the log makes none.
    Unfounded,
}

impl Difference {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Unfounded => "unfounded",
        }
    }
}

/// The columns of a table, and which of them are its primary key, in the order of the key.
struct Layout {
    columns: Vec<String>,
    primary: Vec<usize>,
}

/// Compares the rows of `key` in a view with those folded again.
pub(super) fn first_difference(
    view: &Connection,
    folded: &Connection,
    table: &Table,
    key: &[u8],
) -> rusqlite::Result<Option<DifferingRow>> {
    let layout = Layout::of(view, table)?;
    let sql = layout.rows_of_key(table);
    let (mut kept, mut made) = (view.prepare(&sql)?, folded.prepare(&sql)?);
    let (mut kept, mut made) = (kept.query([key])?, made.query([key])?);
    loop {
        let (one, other) = (next(&mut kept)?, next(&mut made)?);
        let found = match (one, other) {
            (None, None) => return Ok(None),
            (Some(row), None) => layout.name(&row, Difference::Unfounded),
            (None, Some(row)) => layout.name(&row, Difference::Missing),
            (Some(row), Some(made)) => match layout.compare(&row, &made) {
                Ordering::Less => layout.name(&row, Difference::Unfounded),
                Ordering::Greater => layout.name(&made, Difference::Missing),
                Ordering::Equal if row == made => continue,
                Ordering::Equal => DifferingRow {
                    columns: layout.differing(&row, &made),
                    ..layout.name(&row, Difference::Changed)
                },
            },
        };
        return Ok(Some(found));
    }
}

fn next(rows: &mut Rows<'_>) -> rusqlite::Result<Option<Vec<Value>>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let columns = row.as_ref().column_count();
    let values = (0..columns).map(|place| row.get_ref(place).map(to_value));
    values.collect::<rusqlite::Result<_>>().map(Some)
}

/// Text as it is stored, readable or not: a hand may have written anything.
fn to_value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

impl Layout {
    fn of(db: &Connection, table: &Table) -> rusqlite::Result<Self> {
        let mut statement = db.prepare("select name, pk from pragma_table_info($1) order by cid")?;
        let columns: Vec<(String, i64)> = statement
            .query_map([table.name], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut primary: Vec<usize> = (0..columns.len()).filter(|place| columns[*place].1 > 0).collect();
        primary.sort_by_key(|place| columns[*place].1);
        Ok(Self {
            columns: columns.into_iter().map(|(name, _)| name).collect(),
            primary,
        })
    }

    fn rows_of_key(&self, table: &Table) -> String {
        let (name, key) = (table.name, table.key);
        let order: Vec<String> = self.primary.iter().map(|place| format!("{}", place + 1)).collect();
        format!(
            "select * from \"{name}\" where \"{key}\" = $1 order by {}",
            order.join(", ")
        )
    }

    /// By primary key, as SQLite orders.
    fn compare(&self, one: &[Value], other: &[Value]) -> Ordering {
        let places = self.primary.iter();
        places.fold(Ordering::Equal, |so_far, place| {
            so_far.then_with(|| compare(&one[*place], &other[*place]))
        })
    }

    fn differing(&self, one: &[Value], other: &[Value]) -> Vec<String> {
        let differ = |place: &usize| one[*place] != other[*place];
        let places = (0..self.columns.len()).filter(differ);
        places.map(|place| self.columns[place].clone()).collect()
    }

    fn name(&self, row: &[Value], kind: Difference) -> DifferingRow {
        let part = |place: &usize| format!("{}={}", self.columns[*place], shown(&row[*place]));
        let parts: Vec<String> = self.primary.iter().map(part).collect();
        DifferingRow {
            row: parts.join(" "),
            columns: vec![],
            kind,
        }
    }
}

/// Numbers and ids name a row; words could be somebody's.
fn shown(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Blob(bytes) => crate::digest::hex(bytes),
        Value::Null | Value::Real(_) | Value::Text(_) => "…".to_owned(),
    }
}

fn compare(one: &Value, other: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Integer(_) | Value::Real(_) => 1,
        Value::Text(_) => 2,
        Value::Blob(_) => 3,
    };
    match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => one.as_bytes().cmp(other.as_bytes()),
        (Value::Blob(one), Value::Blob(other)) => one.cmp(other),
        (Value::Real(one), Value::Real(other)) => one.total_cmp(other),
        (one, other) => rank(one).cmp(&rank(other)),
    }
}
