//! Sums kept while rows change: temporary triggers of the writer's connection hand each old and new row to a function, what they add up to
//! waits in memory, and goes into the table `digest` in the transaction of the rows. Nothing else writes to that table.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use rusqlite::{
    Connection, Error,
    functions::{Context, FunctionFlags},
    params,
};

use super::{
    row::{Sum, hash_of, key_bytes},
    table::Table,
};
use crate::registry::Projection;

/// What a writer's connection has learned of changed rows since the last commit.
#[derive(Debug, Clone)]
pub struct Recorder {
    tables: &'static [Table],
    changes: Arc<Mutex<Changes>>,
}

/// What changed in the transaction at hand, by table and key.
#[derive(Debug)]
struct Changes {
    tables: Vec<TableChanges>,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct TableChanges {
    /// Place of the key among the columns.
    key: usize,
    sums: HashMap<Vec<u8>, Sum>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.sums.is_empty())
    }

    fn clear(&mut self) {
        self.tables.iter_mut().for_each(|table| table.sums.clear());
    }

    /// `digest_row(table, sign, columns…)`.
    fn take(&mut self, context: &Context<'_>) -> rusqlite::Result<()> {
        let (place, sign): (i64, i64) = (context.get(0)?, context.get(1)?);
        let columns = (2..context.len()).map(|argument| context.get_raw(argument));
        let hash = hash_of(columns, &mut self.scratch);
        let unknown = || Error::InvalidParameterName("a table of the digest".to_owned());
        let table = usize::try_from(place).ok().and_then(|place| self.tables.get_mut(place));
        let table = table.ok_or_else(unknown)?;
        let key = context.get_raw(2 + table.key);
        let sum = match key {
            rusqlite::types::ValueRef::Blob(bytes) if table.sums.contains_key(bytes) => table.sums.get_mut(bytes),
            other => Some(table.sums.entry(key_bytes(other)).or_default()),
        };
        let sum = sum.ok_or_else(unknown)?;
        if sign < 0 {
            sum.take(hash)
        } else {
            sum.add(hash)
        }
        Ok(())
    }
}

/// From now on every change of the projection's tables over this connection counts.
pub fn attach(connection: &Connection, projection: &Projection) -> rusqlite::Result<Recorder> {
    Recorder::attach(connection, projection.tables)
}

impl Recorder {
    /// From now on every change of these tables over this connection counts. A transaction that changes rows commits only after
    /// [`Self::store`]; one that is rolled back leaves nothing behind. A part of one cannot be rolled back alone.
    pub(super) fn attach(connection: &Connection, tables: &'static [Table]) -> rusqlite::Result<Self> {
        // Rows that `insert or replace` takes away are told like others.
        connection.pragma_update(None, "recursive_triggers", true)?;
        connection.execute_batch(include_str!("create_digest.sql"))?;
        let changes = Arc::new(Mutex::new(Changes {
            tables: vec![],
            scratch: vec![],
        }));
        register(connection, &changes)?;
        for (place, table) in tables.iter().enumerate() {
            let columns = columns_of(connection, table.name)?;
            let key = columns.iter().position(|column| column == table.key);
            let key = key.ok_or_else(|| Error::InvalidColumnName(format!("{}.{}", table.name, table.key)))?;
            changes.lock().tables.push(TableChanges {
                key,
                sums: HashMap::new(),
            });
            connection.execute_batch(&triggers(place, table.name, &columns))?;
        }
        let (after_rollback, before_commit) = (Arc::clone(&changes), Arc::clone(&changes));
        connection.rollback_hook(Some(move || after_rollback.lock().clear()))?;
        // Rows without their sums would look like rows changed by hand, so such a commit is turned into a rollback.
        connection.commit_hook(Some(move || !before_commit.lock().is_empty()))?;
        Ok(Self { tables, changes })
    }

    /// Writes what the rows changed so far add up to. The last thing in each transaction that changes rows.
    pub fn store(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut put = connection.prepare_cached(include_str!("add_sums.sql"))?;
        let mut drop_empty = connection.prepare_cached(include_str!("drop_empty.sql"))?;
        for (table, changed) in self.tables.iter().zip(self.taken()) {
            for (key, sum) in changed.into_iter().filter(|(_, sum)| *sum != Sum::NOTHING) {
                let (high, low) = (sum.high.cast_signed(), sum.low.cast_signed());
                let rows: i64 = put.query_row(params![table.name, key, sum.rows, high, low], |row| row.get(0))?;
                if rows == 0 {
                    drop_empty.execute(params![table.name, key])?;
                }
            }
        }
        Ok(())
    }

    /// The transaction was not committed, so neither is what was learned in it.
    pub fn forget(&self) {
        self.changes.lock().clear();
    }

    /// Out of the lock, since a statement that fails may roll the transaction back, which takes the lock.
    fn taken(&self) -> Vec<HashMap<Vec<u8>, Sum>> {
        let mut changes = self.changes.lock();
        changes
            .tables
            .iter_mut()
            .map(|table| std::mem::take(&mut table.sums))
            .collect()
    }
}

fn register(connection: &Connection, changes: &Arc<Mutex<Changes>>) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    let taken = Arc::clone(changes);
    connection.create_scalar_function("digest_row", -1, flags, move |context| {
        taken.lock().take(context)?;
        Ok(0)
    })?;
    // SQLite makes a fraction of an integer that grows too large.
    let flags = flags | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("digest_sum", 2, flags, |context| {
        let (one, other): (i64, i64) = (context.get(0)?, context.get(1)?);
        Ok(one.wrapping_add(other))
    })
}

/// In table order, which is the order of the canonical form.
pub(super) fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("select name from pragma_table_info($1) order by cid")?;
    let columns = statement.query_map([table], |row| row.get(0))?;
    columns.collect()
}

fn triggers(place: usize, table: &str, columns: &[String]) -> String {
    let row = |sign: i8, which: &str| {
        let columns = columns
            .iter()
            .map(|column| format!("{which}.\"{column}\""))
            .collect::<Vec<_>>();
        format!("digest_row({place}, {sign}, {})", columns.join(", "))
    };
    let (added, taken) = (row(1, "new"), row(-1, "old"));
    let trigger = |event: &str, told: &str| {
        format!(
            "create temp trigger digest_{table}_{event} after {event} on main.\"{table}\" begin select {told}; end;\n"
        )
    };
    [
        trigger("insert", &added),
        trigger("update", &format!("{taken}, {added}")),
        trigger("delete", &taken),
    ]
    .concat()
}
