//! The log that is looked at: found in a data folder, opened for reading alone, refused with a reason when it cannot be understood.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use event_store::{OpenError, ReadError, ReadOnlyLog, Scanned, Scanner};
use migrations::MigrateError;

/// The log's name in a data folder.
pub(crate) const LOG: &str = "log.sqlite";

#[derive(Args, Clone)]
pub(crate) struct Source {
    /// The service's data folder; it is only read, and the service may be running on it
    #[arg(long, env = "VERBATIM_DATA_DIR", default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// The log, where it is not in the data folder
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("there is no data folder at {}", path.display())]
    NoFolder { path: PathBuf },
    #[error("the data folder {} holds no log", path.display())]
    NoLog { path: PathBuf },
    #[error("there is no log at {}", path.display())]
    NoSuchFile { path: PathBuf },
    #[error("{} is not a log of Verbatim", path.display())]
    NotALog { path: PathBuf },
    #[error("the log at {} was written by a newer version (it has migration {migration}); use that version's replay", path.display())]
    Newer { path: PathBuf, migration: i64 },
    #[error("the log at {} has a schema that this version cannot read", path.display())]
    Schema { path: PathBuf, source: MigrateError },
    #[error("the log at {} cannot be opened", path.display())]
    Open { path: PathBuf, source: OpenError },
    #[error("the log at {} cannot be read", path.display())]
    Read { path: PathBuf, source: ReadError },
}

impl Source {
    pub(crate) fn path(&self) -> PathBuf {
        self.log.clone().unwrap_or_else(|| self.data_dir.join(LOG))
    }

    pub(crate) async fn open(&self) -> Result<Arc<ReadOnlyLog>, SourceError> {
        if self.log.is_none() {
            is_folder_with_log(&self.data_dir)?;
        }
        open_log(&self.path()).await
    }
}

fn is_folder_with_log(folder: &Path) -> Result<(), SourceError> {
    let path = folder.to_owned();
    if !folder.is_dir() {
        return Err(SourceError::NoFolder { path });
    }
    if !folder.join(LOG).exists() {
        return Err(SourceError::NoLog { path });
    }
    Ok(())
}

/// A log by its file, or by the data folder it is in.
pub(crate) async fn open_either(path: &Path) -> Result<Arc<ReadOnlyLog>, SourceError> {
    if path.is_file() {
        return open_log(path).await;
    }
    is_folder_with_log(path)?;
    open_log(&path.join(LOG)).await
}

async fn open_log(file: &Path) -> Result<Arc<ReadOnlyLog>, SourceError> {
    let path = file.to_owned();
    let log = ReadOnlyLog::open(file).map_err(|source| match source {
        OpenError::Missing { path } => SourceError::NoSuchFile { path },
        OpenError::NotMigrated => SourceError::NotALog { path: path.clone() },
        OpenError::Sqlite(ref error) if error.to_string().contains("not a database") => {
            SourceError::NotALog { path: path.clone() }
        }
        source => SourceError::Open {
            path: path.clone(),
            source,
        },
    })?;
    let applied = log.migrations().await.map_err(|source| SourceError::Read {
        path: path.clone(),
        source,
    })?;
    match migrations::check_log(&applied) {
        Ok(()) => Ok(log),
        Err(MigrateError::FromTheFuture { migration, .. }) => Err(SourceError::Newer { path, migration }),
        Err(source) => Err(SourceError::Schema { path, source }),
    }
}

/// Work that keeps a thread busy, beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// Damage on the way of something that needs whole events.
#[derive(Debug, thiserror::Error)]
#[error("the log is damaged {0}; `replay verify` lists what is wrong")]
pub(crate) struct Damaged(pub(crate) String);

/// Hands out whole events in order; the first that is not whole, or is missing, is an error.
pub(crate) fn whole_events(
    scanner: &mut Scanner,
    after: u64,
    to: u64,
    visit: &mut dyn FnMut(event_store::RawEvent<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    use std::ops::ControlFlow::{Break, Continue};
    let mut outcome = Ok(());
    let mut expected = after + 1;
    scanner.scan(after, to, &mut |scanned| {
        outcome = match scanned {
            Scanned::Event(event) if event.position != expected => {
                Err(Damaged(format!("at position {expected}")).into())
            }
            Scanned::Event(event) if !event.intact => Err(Damaged(format!("at position {}", event.position)).into()),
            Scanned::Event(event) => visit(event),
            Scanned::Unreadable { position, .. } => Err(Damaged(format!("at position {position}")).into()),
            Scanned::Broken { after } => Err(Damaged(format!("after position {after}")).into()),
        };
        expected += 1;
        if outcome.is_ok() { Continue(()) } else { Break(()) }
    })?;
    outcome
}
