//! Opening the log: connections with settings that were checked, its identity, and where it ends.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, config::DbConfig};
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

/// How a log is read that somebody else may be writing to, or nobody.
#[derive(Debug, Clone)]
pub(super) enum ReadOnly {
    /// Beside a writer, in the same memory and under the same locks of SQLite.
    Beside(PathBuf),
    /// A folder in which nothing can be made: a backup, a read-only disk. Nobody writes there, so nothing need be locked.
    Sealed(String),
}

/// Opens without the lock of the writer, and so that nothing is ever written into the log.
pub(super) fn read_only(path: &Path, options: &SqliteOptions) -> Result<(Connection, ReadOnly, Identity), OpenError> {
    let beside = ReadOnly::Beside(path.to_owned());
    let first = beside
        .connect(options)
        .and_then(|connection| usable(connection, beside));
    let (connection, how) = match first {
        Err(OpenError::Sqlite(error)) if cannot_make_files(&error) && !has_wal(path) => {
            let sealed = ReadOnly::Sealed(immutable(path));
            sealed
                .connect(options)
                .and_then(|connection| usable(connection, sealed))?
        }
        outcome => outcome?,
    };
    check_schema(&connection)?;
    let identity = connection
        .query_row(include_str!("sql/identity.sql"), [], identity_of)
        .optional()?;
    // A log that was made and never opened has none yet, and no events either.
    let never_opened = Identity {
        id: Uuid::nil(),
        incarnation: 1,
    };
    Ok((connection, how, identity.unwrap_or(never_opened)))
}

impl ReadOnly {
    pub(super) fn connect(&self, options: &SqliteOptions) -> Result<Connection, OpenError> {
        let access = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self {
            Self::Beside(path) => Connection::open_with_flags(path, access)?,
            Self::Sealed(uri) => Connection::open_with_flags(uri, access | OpenFlags::SQLITE_OPEN_URI)?,
        };
        configure(&connection, options, READER_CACHE_KIB)?;
        set(&connection, "query_only", "on", "1")?;
        // The last one out would otherwise copy the write-ahead log of a writer that died; that is the next writer's business.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(connection)
    }
}

/// SQLite opens files when the first statement needs them.
fn usable(connection: Connection, how: ReadOnly) -> Result<(Connection, ReadOnly), OpenError> {
    let _: i64 = connection.query_row("pragma schema_version", [], |row| row.get(0))?;
    Ok((connection, how))
}

fn cannot_make_files(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
    )
}

fn has_wal(path: &Path) -> bool {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    std::fs::metadata(wal).is_ok_and(|wal| wal.len() > 0)
}

fn immutable(path: &Path) -> String {
    let escaped: String = path
        .to_string_lossy()
        .chars()
        .map(|c| match c {
            '%' => "%25".to_owned(),
            '?' => "%3f".to_owned(),
            '#' => "%23".to_owned(),
            other => other.to_string(),
        })
        .collect();
    format!("file:{escaped}?immutable=1")
}

fn connect(options: &SqliteOptions, access: OpenFlags, cache_kib: i64) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(&options.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    configure(&connection, options, cache_kib)?;
    Ok(connection)
}

fn configure(connection: &Connection, options: &SqliteOptions, cache_kib: i64) -> Result<(), OpenError> {
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(())
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
    Ok(connection.query_row(include_str!("sql/identity.sql"), [], identity_of)?)
}

fn identity_of(row: &Row<'_>) -> rusqlite::Result<Identity> {
    Ok(Identity {
        id: Uuid::from_bytes(row.get(0)?),
        incarnation: row.get(1)?,
    })
}

/// Durable when it returns.
pub(super) fn raise_incarnation(connection: &Connection, above: u32) -> Result<Identity, OpenError> {
    connection.execute(include_str!("sql/raise_incarnation.sql"), [above])?;
    identity(connection)
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
