//! Migrations of the SQLite databases. The file is made here, readable by its owner only; opening it for work is its user's business.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// Brings the log to its newest schema, creating the file if there is none.
///
/// Not while a log is open: changing tables under a running writer is not foreseen.
pub async fn migrate_log(path: &Path) -> Result<(), MigrateError> {
    migrate(Database::Log, &LOG, path).await
}

/// Whether a log to which these migrations (number and checksum) were applied has the schema of this version. For those who open it
/// without touching it: nothing is read here, made or locked.
pub fn check_log(applied: &[(i64, Vec<u8>)]) -> Result<(), MigrateError> {
    let database = Database::Log;
    for (migration, checksum) in applied {
        let migration = *migration;
        match LOG.iter().find(|known| known.version == migration) {
            None => return Err(MigrateError::FromTheFuture { database, migration }),
            Some(known) if *known.checksum != **checksum => return Err(MigrateError::Changed { database, migration }),
            Some(_) => {}
        }
    }
    let lacks = |number: i64| applied.iter().all(|(migration, _)| *migration != number);
    match LOG.iter().find(|known| lacks(known.version)) {
        Some(missing) => Err(MigrateError::Behind {
            database,
            migration: missing.version,
        }),
        None => Ok(()),
    }
}

/// Brings the service's own tables to their newest schema, creating the file if there is none.
pub async fn migrate_service(path: &Path) -> Result<(), MigrateError> {
    migrate(Database::Service, &SERVICE, path).await
}

/// Older versions of SQLite can lose committed transactions when the WAL is reset under load.
pub const SQLITE_VERSION_MIN: &str = "3.51.3";

static LOG: Migrator = sqlx::migrate!("sqlite/log");
static SERVICE: Migrator = sqlx::migrate!("sqlite/service");

/// How long to wait for another process that is migrating the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Log,
    Service,
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "log",
            Self::Service => "service",
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("the file of the {database} database cannot be made at {}", path.display())]
    File {
        database: Database,
        path: PathBuf,
        source: io::Error,
    },
    #[error("SQLite {found} is too old for the {database} database, {SQLITE_VERSION_MIN} is needed")]
    SqliteTooOld { database: Database, found: String },
    #[error("the {database} database at {} cannot be opened", path.display())]
    Open {
        database: Database,
        path: PathBuf,
        source: sqlx::Error,
    },
    #[error("migration {migration} of the {database} database did not succeed")]
    Migration {
        database: Database,
        migration: i64,
        source: sqlx::Error,
    },
    #[error("migration {migration} of the {database} database was applied and has been changed since")]
    Changed { database: Database, migration: i64 },
    #[error("the {database} database has migration {migration}, which this version does not know; it is newer")]
    FromTheFuture { database: Database, migration: i64 },
    #[error("the {database} database lacks migration {migration}; the service brings it in at its next start")]
    Behind { database: Database, migration: i64 },
    #[error("the {database} database cannot be migrated")]
    Other {
        database: Database,
        source: sqlx::migrate::MigrateError,
    },
}

async fn migrate(database: Database, migrator: &Migrator, path: &Path) -> Result<(), MigrateError> {
    create_private(path).map_err(|source| MigrateError::File {
        database,
        path: path.to_owned(),
        source,
    })?;
    let open = |source| MigrateError::Open {
        database,
        path: path.to_owned(),
        source,
    };
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options(path))
        .await
        .map_err(open)?;
    let outcome = run(database, migrator, &pool).await;
    pool.close().await;
    outcome
}

async fn run(database: Database, migrator: &Migrator, pool: &SqlitePool) -> Result<(), MigrateError> {
    let found: String = sqlx::query_scalar("select sqlite_version()")
        .fetch_one(pool)
        .await
        .map_err(|source| MigrateError::Other {
            database,
            source: sqlx::migrate::MigrateError::Execute(source),
        })?;
    check_version(database, &found)?;
    migrator.run(pool).await.map_err(|error| named(database, error))
}

fn check_version(database: Database, found: &str) -> Result<(), MigrateError> {
    if parts(found) >= parts(SQLITE_VERSION_MIN) {
        return Ok(());
    }
    Err(MigrateError::SqliteTooOld {
        database,
        found: found.to_owned(),
    })
}

fn parts(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn named(database: Database, error: sqlx::migrate::MigrateError) -> MigrateError {
    use sqlx::migrate::MigrateError as E;
    match error {
        E::ExecuteMigration(source, migration) => MigrateError::Migration {
            database,
            migration,
            source,
        },
        E::VersionMismatch(migration) => MigrateError::Changed { database, migration },
        E::VersionMissing(migration) => MigrateError::FromTheFuture { database, migration },
        source => MigrateError::Other { database, source },
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
}

/// Makes an empty file that only its owner can read, unless there is one, and makes its name durable.
/// SQLite gives the files beside it (`-wal`, `-shm`) the same mode.
fn create_private(path: &Path) -> io::Result<()> {
    let mut new = std::fs::OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    match new.open(path) {
        Ok(file) => file.sync_all().and_then(|()| sync_folder_of(path)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => std::fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_with_the_wal_reset_bug_is_refused() {
        for old in ["3.51.2", "3.9.9", "2.99.0"] {
            let refused = check_version(Database::Log, old).expect_err("too old");
            assert!(matches!(refused, MigrateError::SqliteTooOld { found, .. } if found == old));
        }
        for good in ["3.51.3", "3.52.0", "4.0.0"] {
            check_version(Database::Log, good).expect("new enough");
        }
    }
}
