//! One generation's file: made with its tables, opened to be written, deleted with what SQLite keeps beside it.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{FolderError, checkpoint::Checkpoint};
use crate::{
    digest::{self, Digest, Recorder},
    registry::Projection,
};

/// How long any statement waits for a lock before it is an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of a writer, in KiB: the inner pages of every index of a few million messages.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// Pages of the write-ahead log before they are copied into the database: 16 MiB, since pages of indexes on random ids are written
/// again and again, and only their last version needs copying.
const WAL_PAGES_MAX: i64 = 4000;
/// Statements a connection keeps prepared: those of any one fold, with room to spare.
const STATEMENTS_MAX: usize = 64;

/// A connection that writes a generation, and what is recorded of what it writes.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) connection: Connection,
    pub(crate) recorder: Recorder,
}

impl Handle {
    /// The file must be there.
    pub(crate) fn open(path: &Path, projection: &'static Projection) -> rusqlite::Result<Self> {
        let connection = connect(path)?;
        let recorder = digest::attach(&connection, projection)?;
        Ok(Self { connection, recorder })
    }
}

/// Views can be folded again, so a power cut may cost their newest transactions, but never their consistency. What is deleted is
/// overwritten, since deleted words are to be gone.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    // A statement of many rows keeps a journal of its own, which would be a file made and removed each time.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "secure_delete", "on")?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES_MAX)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(connection)
}

/// Makes the file with the tables of `projection`, at the beginning of a log. What stood there under the same name is gone.
pub(super) fn create(
    path: &Path,
    projection: &'static Projection,
    generation: u64,
    start: &Checkpoint,
) -> Result<(), FolderError> {
    delete(path)?;
    private(path)?;
    let mut connection = connect(path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(include_str!("file.sql"))?;
    transaction.execute_batch(projection.schema.tables)?;
    start.insert(&transaction, projection.name, generation)?;
    transaction.commit()?;
    Ok(())
}

/// Makes the indexes of the queries, those that are there already excepted.
pub(crate) fn index(connection: &mut Connection, projection: &'static Projection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let schema = projection
        .schema
        .indexes
        .replace("create index ", "create index if not exists ")
        .replace("create unique index ", "create unique index if not exists ");
    transaction.execute_batch(&schema)?;
    transaction.commit()
}

/// What the rows of the generation add up to.
pub(crate) fn digest(path: &Path, projection: &Projection) -> Option<Digest> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).ok()?;
    connection.busy_timeout(BUSY_TIMEOUT).ok()?;
    digest::of(&connection, projection).ok().flatten()
}

/// Where the generation in the file stands; `None` if there is no such file, or nothing in it that could be read.
pub(super) fn checkpoint(path: &Path) -> Option<Checkpoint> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).ok()?;
    connection.busy_timeout(BUSY_TIMEOUT).ok()?;
    Checkpoint::load(&connection).ok().flatten()
}

/// Deletes a database and what SQLite keeps beside it. The file itself goes last, so that after a crash in between the rest is found.
pub(super) fn delete(path: &Path) -> io::Result<()> {
    for beside in ["-wal", "-shm", "-journal", ""] {
        match fs::remove_file(with_suffix(path, beside)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Makes an empty file that only its owner can read. SQLite gives the files beside it the same mode.
pub(crate) fn private(path: &Path) -> io::Result<()> {
    let mut new = fs::OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    match new.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether this is a database of SQLite, or what one leaves when it was never written to.
pub(super) fn is_database(path: &Path) -> bool {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    fs::File::open(path).is_ok_and(|mut file| {
        let mut begins = [0; MAGIC.len()];
        file.metadata().is_ok_and(|data| data.is_file())
            && io::Read::read_exact(&mut file, &mut begins).is_ok_and(|()| begins == MAGIC)
    })
}
