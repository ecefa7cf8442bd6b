//! The folder of the views. Each generation of a view is a database of its own, `<projection>.<generation>.sqlite`, so that one can be
//! built, promoted or deleted without touching another; `registry.sqlite` says which there are and which one of each view serves.
//!
//! Parameters in these statements are numbered in the order in which they first appear: SQLite counts them so, and takes the numbers
//! for names.

pub(crate) mod checkpoint;
pub(crate) mod file;

use std::{
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use event_store::Head;
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use self::checkpoint::{Checkpoint, Mismatch, OnMismatch};
use crate::{
    columns,
    progress::ProjectionState,
    quarantine::Skips,
    registry::{ALL, Projection},
};

const REGISTRY: &str = "registry.sqlite";
/// Of the registry's tables. A registry of another format is thrown away with all views.
const FORMAT: i64 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a rebuild does once its generation stands where the serving one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Promote {
    /// It serves if its digest equals that of the one it replaces.
    #[default]
    WhenEqual,
    Always,
    /// It waits for an operator.
    Never,
}

impl Promote {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WhenEqual => "when_equal",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

impl FromStr for Promote {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::WhenEqual, Self::Always, Self::Never]
            .into_iter()
            .find(|promote| promote.as_str() == text)
            .ok_or(())
    }
}

/// One generation, as the registry knows it.
#[derive(Debug, Clone)]
pub struct Generation {
    pub projection: &'static Projection,
    pub number: u64,
    pub version: u32,
    pub state: ProjectionState,
    pub paused: bool,
    /// Events folded a second at most while it is built.
    pub events_per_s: Option<u32>,
    pub promote: Promote,
    /// Why it is what it is, where that is not plain.
    pub reason: Option<String>,
}

impl Generation {
    /// Of the present version, not registered yet.
    pub(crate) fn new(projection: &'static Projection, state: ProjectionState) -> Self {
        Self {
            projection,
            number: 0,
            version: projection.version,
            state,
            paused: false,
            events_per_s: None,
            promote: Promote::default(),
            reason: None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("the folder of the views cannot be used")]
    Io(#[from] io::Error),
    #[error("the views cannot be opened")]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// The folder, with its registry open.
#[derive(Debug)]
pub(crate) struct Generations {
    folder: PathBuf,
    registry: Mutex<Connection>,
}

impl Generations {
    /// Makes the folder where there is none.
    pub(crate) fn open(folder: &Path) -> Result<Self, FolderError> {
        clear_the_way(folder)?;
        make_private(folder)?;
        let registry = match open_registry(folder) {
            Err(error) if is_broken(&error) => {
                tracing::warn!(%error, "The registry of the views cannot be read; all views are folded again");
                empty(folder)?;
                open_registry(folder)?
            }
            opened => opened?,
        };
        Ok(Self {
            folder: folder.to_owned(),
            registry: Mutex::new(registry),
        })
    }

    pub(crate) fn path(&self, projection: &str, generation: u64) -> PathBuf {
        self.folder.join(file_name(projection, generation))
    }

    /// Where a generation stands, as far as its file can be read.
    pub(crate) fn checkpoint(&self, generation: &Generation) -> Option<Checkpoint> {
        file::checkpoint(&self.path(generation.projection.name, generation.number))
    }

    /// All of them, in the order of [`ALL`] and then of their numbers.
    pub(crate) fn all(&self) -> rusqlite::Result<Vec<Generation>> {
        let registry = self.registry.lock();
        let mut statement = registry.prepare_cached(include_str!("generations/all.sql"))?;
        let mut rows = statement.query([])?;
        let mut all = vec![];
        while let Some(row) = rows.next()? {
            all.extend(generation(row)?);
        }
        let place = |generation: &Generation| ALL.iter().position(|known| known.name == generation.projection.name);
        all.sort_by_key(|generation| (place(generation), generation.number));
        Ok(all)
    }

    /// Of each view one generation that serves, new ones in the place of those that cannot go on with the log as it is, and what else
    /// there is and can go on. Everything that no longer counts is deleted.
    pub(crate) fn settle(
        &self,
        head: &Head,
        on_mismatch: OnMismatch,
    ) -> Result<Vec<(Generation, Checkpoint)>, FolderError> {
        let mut settled = vec![];
        for generation in self.all()? {
            match self.stands(&generation, head, on_mismatch)? {
                Some(checkpoint) => settled.push((generation, checkpoint)),
                None => self.forget(&generation)?,
            }
        }
        for projection in ALL {
            let serves = |(generation, _): &(Generation, Checkpoint)| {
                generation.projection.name == projection.name && generation.state == ProjectionState::Serving
            };
            if !settled.iter().any(serves) {
                settled.push(self.create(projection, head, ProjectionState::Serving)?);
            }
        }
        self.sweep()?;
        Ok(settled)
    }

    /// Where a generation stands, if it can go on from there.
    fn stands(
        &self,
        generation: &Generation,
        head: &Head,
        on_mismatch: OnMismatch,
    ) -> Result<Option<Checkpoint>, FolderError> {
        let (name, number, version) = (
            generation.projection.name,
            generation.number,
            generation.projection.version,
        );
        if generation.state == ProjectionState::Retired {
            return Ok(None);
        }
        let Some(checkpoint) = file::checkpoint(&self.path(name, number)) else {
            tracing::warn!(
                projection = name,
                generation = number,
                "View {name} has lost its file and is rebuilt"
            );
            return Ok(None);
        };
        if checkpoint.version != version {
            tracing::info!(
                projection = name,
                version,
                "View {name} has a new version and is rebuilt"
            );
            return Ok(None);
        }
        match (checkpoint.fits(name, head), on_mismatch) {
            (Ok(()), _) => Ok(Some(checkpoint)),
            (Err(mismatch), OnMismatch::Refuse) => Err(mismatch.into()),
            (Err(mismatch), OnMismatch::Rebuild) => {
                tracing::warn!(projection = name, "View {name} is rebuilt: {mismatch}");
                Skips::forget(&self.registry.lock(), name)?;
                Ok(None)
            }
        }
    }

    /// A new generation at the beginning of the log, with all its indexes if it is to serve at once.
    pub(crate) fn create(
        &self,
        projection: &'static Projection,
        head: &Head,
        state: ProjectionState,
    ) -> Result<(Generation, Checkpoint), FolderError> {
        self.add(Generation::new(projection, state), head)
    }

    /// Registers a generation under the next number and makes its file. A crash in between leaves a row without a file, which is
    /// deleted at the next start.
    pub(crate) fn add(&self, wanted: Generation, head: &Head) -> Result<(Generation, Checkpoint), FolderError> {
        let projection = wanted.projection;
        let number = self.transaction(|registry| {
            let number: i64 =
                registry.query_row(include_str!("generations/next_number.sql"), [projection.name], |row| {
                    row.get(0)
                })?;
            registry.execute(
                include_str!("generations/insert.sql"),
                params![
                    projection.name,
                    number,
                    wanted.version,
                    wanted.state.as_str(),
                    wanted.events_per_s,
                    wanted.promote.as_str(),
                    micros()
                ],
            )?;
            Ok(number.cast_unsigned())
        })?;
        let checkpoint = Checkpoint::start(projection.version, head.identity);
        let path = self.path(projection.name, number);
        file::create(&path, projection, number, &checkpoint)?;
        if wanted.state == ProjectionState::Serving {
            file::index(&mut file::Handle::open(&path, projection)?.connection, projection)?;
        }
        Ok((Generation { number, ..wanted }, checkpoint))
    }

    /// Takes a generation out of the registry and deletes its file.
    pub(crate) fn forget(&self, generation: &Generation) -> Result<(), FolderError> {
        let (name, number) = (generation.projection.name, generation.number);
        self.registry.lock().execute(
            include_str!("generations/delete.sql"),
            params![name, columns::integer(number)],
        )?;
        Ok(file::delete(&self.path(name, number))?)
    }

    /// Takes over the folding of every view: whoever did it before can commit nothing more. Gives the epoch of each, in the order of
    /// [`ALL`].
    pub(crate) fn claim(&self, holder: Uuid) -> rusqlite::Result<Vec<u64>> {
        self.transaction(|registry| {
            ALL.iter()
                .map(|projection| {
                    registry.query_row(
                        include_str!("generations/claim.sql"),
                        params![projection.name, holder.as_bytes(), micros()],
                        |row| row.get::<_, i64>(0).map(i64::cast_unsigned),
                    )
                })
                .collect()
        })
    }

    /// The events that operators had views pass over.
    pub(crate) fn skips(&self) -> rusqlite::Result<Skips> {
        Skips::load(&self.registry.lock())
    }

    pub(crate) fn skip(&self, skips: &Skips, projection: &str, position: u64) -> rusqlite::Result<()> {
        skips.add(&self.registry.lock(), projection, position, micros())
    }

    /// Notes that whoever holds these epochs is there; false if somebody took over any of the views.
    pub(crate) fn beat(&self, epochs: &[u64]) -> rusqlite::Result<bool> {
        self.transaction(|registry| {
            let mut held = true;
            for (projection, epoch) in ALL.iter().zip(epochs) {
                let beat = registry.execute(
                    include_str!("generations/beat.sql"),
                    params![micros(), projection.name, columns::integer(*epoch)],
                )?;
                held &= beat == 1;
            }
            Ok(held)
        })
    }

    pub(crate) fn set_state(
        &self,
        projection: &str,
        generation: u64,
        state: ProjectionState,
        reason: Option<&str>,
    ) -> rusqlite::Result<()> {
        self.registry.lock().execute(
            include_str!("generations/set_state.sql"),
            params![
                state.as_str(),
                reason,
                micros(),
                projection,
                columns::integer(generation)
            ],
        )?;
        Ok(())
    }

    pub(crate) fn set_paused(&self, projection: &str, generation: u64, paused: bool) -> rusqlite::Result<()> {
        self.registry.lock().execute(
            include_str!("generations/set_paused.sql"),
            params![paused, micros(), projection, columns::integer(generation)],
        )?;
        Ok(())
    }

    /// Lets a generation serve, and keeps the one it replaces as one that is ready, in one transaction.
    pub(crate) fn promote(&self, projection: &str, generation: u64) -> rusqlite::Result<()> {
        self.transaction(|registry| {
            registry.execute(include_str!("generations/demote.sql"), params![micros(), projection])?;
            registry.execute(
                include_str!("generations/set_state.sql"),
                params![
                    ProjectionState::Serving.as_str(),
                    None::<&str>,
                    micros(),
                    projection,
                    columns::integer(generation)
                ],
            )?;
            Ok(())
        })
    }

    fn transaction<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut registry = self.registry.lock();
        let transaction = registry.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Deletes the files of generations that the registry does not know: what a crash left, and views that are no more.
    fn sweep(&self) -> Result<(), FolderError> {
        let known: Vec<String> = self
            .all()?
            .iter()
            .map(|generation| file_name(generation.projection.name, generation.number))
            .chain([REGISTRY.to_owned()])
            .collect();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let database = ["-wal", "-shm", "-journal"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(&name);
            if database.ends_with(".sqlite") && !known.iter().any(|known| known == database) {
                tracing::info!(file = name, "Deleting {name}, which belongs to no view");
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// `None` for a view that is no more.
fn generation(row: &Row<'_>) -> rusqlite::Result<Option<Generation>> {
    let name: String = row.get("projection")?;
    let state: String = row.get("state")?;
    let promote: String = row.get("promote")?;
    let known = ALL.iter().find(|projection| projection.name == name);
    let (Some(projection), Ok(state)) = (known, state.parse()) else {
        return Ok(None);
    };
    Ok(Some(Generation {
        projection,
        number: row.get::<_, i64>("generation")?.cast_unsigned(),
        version: row.get("version")?,
        state,
        paused: row.get("paused")?,
        events_per_s: row.get("events_per_s")?,
        promote: promote.parse().unwrap_or_default(),
        reason: row.get("reason")?,
    }))
}

fn file_name(projection: &str, generation: u64) -> String {
    format!("{projection}.{generation}.sqlite")
}

/// Wherever a moment is noted for people.
fn micros() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

fn open_registry(folder: &Path) -> Result<Connection, FolderError> {
    let path = folder.join(REGISTRY);
    file::private(&path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut registry = Connection::open_with_flags(path, flags)?;
    registry.busy_timeout(BUSY_TIMEOUT)?;
    registry.pragma_update(None, "journal_mode", "wal")?;
    registry.pragma_update(None, "synchronous", "full")?;
    let transaction = registry.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let format: i64 = transaction.query_row("pragma user_version", [], |row| row.get(0))?;
    match format {
        FORMAT => {}
        0 => {
            transaction.execute_batch(include_str!("generations/registry.sql"))?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
        }
        _ => {
            return Err(
                rusqlite::Error::InvalidColumnType(0, "user_version".into(), rusqlite::types::Type::Integer).into(),
            );
        }
    }
    transaction.commit()?;
    Ok(registry)
}

/// Nothing will make it readable again.
fn is_broken(error: &FolderError) -> bool {
    match error {
        FolderError::Database(error) => {
            matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ) || matches!(error, rusqlite::Error::InvalidColumnType(..))
        }
        FolderError::Io(_) | FolderError::Mismatch(_) => false,
    }
}

fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().contains(".sqlite") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Earlier versions kept all views in one file, where the folder is now or beside it. It may hold words that were deleted since.
fn clear_the_way(folder: &Path) -> io::Result<()> {
    for old in [folder.to_owned(), folder.with_extension("sqlite")] {
        if file::is_database(&old) {
            file::delete(&old)?;
            tracing::info!(file = %old.display(), "Deleted the views of an earlier version; they are folded again");
        }
    }
    Ok(())
}

/// Only its owner may enter. One that exists keeps its mode.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut new = fs::DirBuilder::new();
    new.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut new, 0o700);
    new.create(folder)
}
