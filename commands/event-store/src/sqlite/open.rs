//! Opening the log: connections with settings that were checked, its identity, and where it ends.

use rusqlite::{Connection, ErrorCode, OpenFlags};
use uuid::Uuid;

use super::{
    checkpoint,
    options::{OpenError, SqliteOptions},
};
use crate::Identity;

/// Older versions can lose committed transactions when the write-ahead log is reset under load.
pub(super) const SQLITE_VERSION_MIN: &str = "3.51.3";
const SQLITE_VERSION_MIN_NUMBER: i32 = 3_051_003;

/// Memory for pages of the writer: the ends of both indexes for a few thousand busy streams.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
const READER_CACHE_KIB: i64 = 8 * 1024;
/// A write-ahead log that had to grow beyond this shrinks back to it. Below it, pages are reused in place, which syncs faster.
const WAL_KEPT_BYTES: i64 = 64 << 20;
/// Kinds of statements a connection runs, with room to spare.
const STATEMENTS_MAX: usize = 32;

/// Where a log ends, as the writer goes on from there.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) position: u64,
    /// Highest number given to a stream.
    pub(super) stream: i64,
}

pub(super) fn check_version() -> Result<(), OpenError> {
    match rusqlite::version_number() {
        SQLITE_VERSION_MIN_NUMBER.. => Ok(()),
        _ => Err(OpenError::SqliteTooOld {
            found: rusqlite::version().to_owned(),
        }),
    }
}

/// The only connection that writes. Whatever a process that died left in the write-ahead log is synced now, so that
/// nothing is served which a power cut could still take back.
pub(super) fn writer(options: &SqliteOptions) -> Result<(Connection, Identity, End), OpenError> {
    let connection = connect(options, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITER_CACHE_KIB)?;
    set(&connection, "journal_mode", "wal", "wal")?;
    set(&connection, "synchronous", "full", "2")?;
    // Elsewhere than on macOS these change nothing; there, a plain sync does not reach the disk.
    set(&connection, "fullfsync", "on", "1")?;
    set(&connection, "checkpoint_fullfsync", "on", "1")?;
    check_schema(&connection)?;
    let identity = identity(&connection)?;
    let end = end(&connection)?;
    connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
    settle(&connection)?;
    Ok((connection, identity, end))
}

fn settle(connection: &Connection) -> Result<(), OpenError> {
    match checkpoint::everything(connection) {
        // The write-ahead log itself was synced first. Reading is possible, and so is writing once there is room.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            tracing::warn!("The disk is too full to checkpoint the log");
            Ok(())
        }
        outcome => Ok(outcome?),
    }
}

pub(super) fn reader(options: &SqliteOptions) -> Result<Connection, OpenError> {
    let connection = connect(options, OpenFlags::SQLITE_OPEN_READ_ONLY, READER_CACHE_KIB)?;
    set(&connection, "query_only", "on", "1")?;
    Ok(connection)
}

fn connect(options: &SqliteOptions, access: OpenFlags, cache_kib: i64) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(&options.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// A setting that SQLite may silently leave as it was.
fn set(connection: &Connection, setting: &'static str, to: &str, wanted: &'static str) -> Result<(), OpenError> {
    connection.execute_batch(&format!("pragma {setting} = {to}"))?;
    let found: rusqlite::types::Value = connection.query_row(&format!("pragma {setting}"), [], |row| row.get(0))?;
    let found = match found {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    };
    if found == wanted {
        Ok(())
    } else {
        Err(OpenError::Setting { setting, wanted, found })
    }
}

fn check_schema(connection: &Connection) -> Result<(), OpenError> {
    let tables: i64 = connection.query_row(include_str!("sql/known_tables.sql"), [], |row| row.get(0))?;
    if tables == 4 {
        Ok(())
    } else {
        Err(OpenError::NotMigrated)
    }
}

fn identity(connection: &Connection) -> Result<Identity, OpenError> {
    connection.execute(include_str!("sql/insert_identity.sql"), [Uuid::new_v4().as_bytes()])?;
    let identity = connection.query_row(include_str!("sql/identity.sql"), [], |row| {
        Ok(Identity {
            id: Uuid::from_bytes(row.get(0)?),
            incarnation: row.get(1)?,
        })
    })?;
    Ok(identity)
}

fn end(connection: &Connection) -> Result<End, OpenError> {
    let (head, newest, stream): (i64, i64, i64) = connection.query_row(include_str!("sql/head.sql"), [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    if head != newest {
        return Err(OpenError::Damaged {
            head: head.cast_unsigned(),
            newest: newest.cast_unsigned(),
        });
    }
    Ok(End {
        position: head.cast_unsigned(),
        stream,
    })
}
