//! The rows on the disk: multi-row inserts in a few fixed sizes, so that their statements stay prepared, in one transaction a batch.
//! WAL and `synchronous=FULL`: when `write` returns, the rows have been synced.

use std::path::Path;

use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Statement, ToSql, params, types::ToSqlOutput, types::ValueRef,
};

/// Rows of one insert, largest first.
const SIZES: [usize; 3] = [64, 8, 1];
const COLUMNS: usize = 7;
/// Pages of the write-ahead log before it is copied into the database; the real server's own default, so that both pay alike.
const CHECKPOINT_PAGES: u32 = 2_000;
const CACHE_KIB: i64 = 64 * 1024;
/// The guard: the same person cannot use a key twice in a room, ever.
const SCHEMA: &str = "
    create table events (
        pos integer primary key,
        room integer not null,
        seq integer not null,
        at integer not null,
        person integer not null,
        key blob not null,
        body blob not null
    ) strict;
    create unique index events_by_key on events (room, person, key);
";

/// A place that was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// The number of its command in the batch.
    pub(super) command: usize,
    pub(super) pos: u64,
    pub(super) room: u32,
    pub(super) seq: u64,
    pub(super) person: u32,
}

pub(super) struct Store {
    connection: Connection,
    inserts: [String; SIZES.len()],
    pos: u64,
}

/// Binds bytes without copying them first.
struct Blob<'a>(&'a [u8]);

impl ToSql for Blob<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0)))
    }
}

impl Store {
    pub(super) fn open(folder: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(folder.join("floor.sqlite"))?;
        // Nobody else reads the file, which spares the shared memory of the write-ahead log.
        connection.pragma_update(None, "locking_mode", "exclusive")?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self {
            connection,
            inserts: SIZES.map(insert),
            pos: 0,
        })
    }

    pub(super) fn next_pos(&mut self) -> u64 {
        self.pos += 1;
        self.pos
    }

    /// Only for places that were never written.
    pub(super) fn give_back_pos(&mut self) {
        self.pos -= 1;
    }

    /// All of the rows, or none of them.
    pub(super) fn write<'r, 't>(
        &self,
        rows: impl Iterator<Item = &'r Row>,
        at: i64,
        texts: impl Fn(&Row) -> (&'t [u8], &'t [u8]),
    ) -> rusqlite::Result<()> {
        let rows: Vec<&Row> = rows.collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.connection.prepare_cached("begin immediate")?.raw_execute()?;
        match self.insert(&rows, at, texts) {
            Ok(()) => self.connection.prepare_cached("commit")?.raw_execute().map(drop),
            // A repeated key has rolled back everything already.
            Err(error) if self.connection.is_autocommit() => Err(error),
            Err(error) => {
                self.connection.prepare_cached("rollback")?.raw_execute()?;
                Err(error)
            }
        }
    }

    fn insert<'t>(
        &self,
        mut rows: &[&Row],
        at: i64,
        texts: impl Fn(&Row) -> (&'t [u8], &'t [u8]),
    ) -> rusqlite::Result<()> {
        for (size, sql) in SIZES.into_iter().zip(&self.inserts) {
            if rows.len() < size {
                continue;
            }
            let mut statement = self.connection.prepare_cached(sql)?;
            while let Some((some, rest)) = rows.split_at_checked(size) {
                for (number, row) in some.iter().enumerate() {
                    bind(&mut statement, number * COLUMNS, row, at, texts(row))?;
                }
                statement.raw_execute()?;
                rows = rest;
            }
        }
        Ok(())
    }

    /// What was written under a key.
    pub(super) fn find(&self, room: u32, person: u32, key: &[u8], command: usize) -> rusqlite::Result<Option<Row>> {
        let mut statement = self
            .connection
            .prepare_cached("select pos, seq from events where room = ?1 and person = ?2 and key = ?3")?;
        let found = statement.query_row(params![room, person, key], |row| {
            Ok(Row {
                command,
                pos: row.get::<_, i64>(0)?.cast_unsigned(),
                room,
                seq: row.get::<_, i64>(1)?.cast_unsigned(),
                person,
            })
        });
        found.optional()
    }
}

/// Was a row refused because its key was used before?
pub(super) fn is_repetition(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn bind(
    statement: &mut Statement<'_>,
    before: usize,
    row: &Row,
    at: i64,
    (key, body): (&[u8], &[u8]),
) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(before + 1, row.pos.cast_signed())?;
    statement.raw_bind_parameter(before + 2, row.room)?;
    statement.raw_bind_parameter(before + 3, row.seq.cast_signed())?;
    statement.raw_bind_parameter(before + 4, at)?;
    statement.raw_bind_parameter(before + 5, row.person)?;
    statement.raw_bind_parameter(before + 6, Blob(key))?;
    statement.raw_bind_parameter(before + 7, Blob(body))
}

/// `or rollback`, since all or nothing of the transaction is wanted anyway: otherwise SQLite keeps a journal of each statement, to be able
/// to take back a part of one.
fn insert(rows: usize) -> String {
    let one = format!("({})", ["?"; COLUMNS].join(", "));
    format!(
        "insert or rollback into events (pos, room, seq, at, person, key, body) values {}",
        vec![one; rows].join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pos: u64, person: u32) -> Row {
        Row {
            command: 0,
            pos,
            room: 1,
            seq: pos,
            person,
        }
    }

    fn count(store: &Store) -> u64 {
        let counted = store
            .connection
            .query_row("select count(*) from events", [], |row| row.get::<_, i64>(0));
        counted.expect("a number").cast_unsigned()
    }

    #[test]
    fn what_was_written_has_been_synced() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a new file");
        let text = |sql: &str| store.connection.query_row(sql, [], |row| row.get::<_, String>(0));
        assert_eq!(text("pragma journal_mode"), Ok("wal".to_owned()));
        // 2 is `full`.
        assert_eq!(
            text("select cast(synchronous as text) from pragma_synchronous"),
            Ok("2".to_owned())
        );
    }

    #[test]
    fn rows_of_any_number_are_written_and_a_repeated_key_writes_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a new file");
        let texts = |_: &Row| (&b"key"[..], &b"body"[..]);
        // As many as need every size of insert.
        let rows: Vec<Row> = (1..=75).map(|pos| row(pos, pos as u32)).collect();
        store.write(rows.iter(), 0, texts).expect("new keys");
        assert_eq!(count(&store), 75);
        assert_eq!(store.find(1, 75, b"key", 0), Ok(Some(row(75, 75))));

        let again = [row(76, 100), row(77, 75)];
        let refused = store.write(again.iter(), 0, texts).expect_err("the key was used");
        assert!(is_repetition(&refused), "{refused}");
        assert_eq!(count(&store), 75);
        store.write(again[..1].iter(), 0, texts).expect("a new key");
        assert_eq!(count(&store), 76);
    }
}
