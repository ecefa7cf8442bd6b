//! Verifying a view because somebody asks: all rows against their sums and some streams folded again, or everything folded again into a
//! file beside the view. One at a time, away from the runtime; who asked may come back for the result.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use event_store::{EventLog, StreamName};
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};

use super::{
    DIFFERENCES_MAX, Differing, LogReader, VerifyError, category_of, execute, named, refold::PAGE_EVENTS, refolded,
    rows::first_difference, view::Snapshot,
};
use crate::{
    Event,
    digest::{Keys, compare_slice, differing, keys_after, sums_of_rows},
    event::Decoded,
    quarantine::Skipped,
    registry::Projection,
    views::Shared,
};

/// How much of a view is folded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All rows are compared with their sums, and so many streams are folded again, evenly chosen among all.
    Sample(usize),
    /// Everything is folded again.
    All,
}

/// One verification, finished or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    pub state: VerificationState,
    /// Position of the log: how far it has come, and in the end the one at which was compared.
    pub position: u64,
    /// Tables that were compared.
    pub tables: usize,
    pub differing: Vec<Differing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationState {
    Running,
    Done,
    /// It could not be finished, and says nothing about the view.
    Failed,
}

impl VerificationState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Why a verification does not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no view has this name")]
    NoSuchView,
    #[error("a view is being verified already")]
    Busy,
}

/// Events by which the copy may be behind while the rows of the view are held still to end it.
const CLOSE_EVENTS: u64 = 4096;
/// Rows compared at a time while others wait for the disk.
const SLICE_ROWS: u64 = 50_000;

/// The newest verification of each view.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    by_view: Mutex<BTreeMap<&'static str, Arc<Job>>>,
}

#[derive(Debug)]
struct Job {
    position: AtomicU64,
    stop: AtomicBool,
    result: Mutex<Option<Verification>>,
}

impl Job {
    fn shown(&self) -> Verification {
        let running = || Verification {
            state: VerificationState::Running,
            position: self.position.load(Ordering::Relaxed),
            tables: 0,
            differing: vec![],
        };
        self.result.lock().clone().unwrap_or_else(running)
    }

    fn is_running(&self) -> bool {
        self.result.lock().is_none()
    }

    fn may_go_on(&self) -> Result<(), VerifyError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(VerifyError::Stopped);
        }
        Ok(())
    }
}

impl Verifications {
    pub(crate) fn of(&self, projection: &str) -> Option<Verification> {
        self.by_view.lock().get(projection).map(|job| job.shown())
    }

    /// Whoever runs ends soon, without a result.
    pub(crate) fn stop(&self) {
        self.by_view
            .lock()
            .values()
            .for_each(|job| job.stop.store(true, Ordering::Relaxed));
    }

    fn begin(&self, projection: &'static Projection) -> Result<Arc<Job>, Refusal> {
        let mut by_view = self.by_view.lock();
        if by_view.values().any(|job| job.is_running()) {
            return Err(Refusal::Busy);
        }
        let job = Arc::new(Job {
            position: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            result: Mutex::new(None),
        });
        by_view.insert(projection.name, Arc::clone(&job));
        Ok(job)
    }
}

/// Begins, and waits for the result at most so long; until then it is shown as running.
pub(crate) async fn verify(
    shared: &Arc<Shared>,
    log: Arc<dyn EventLog>,
    projection: &'static Projection,
    extent: Extent,
    patience: Duration,
) -> Result<Verification, Refusal> {
    let job = shared.verifications.begin(projection)?;
    let (there, reader) = (Arc::clone(&job), LogReader::new(log));
    let shared = Arc::clone(shared);
    let working = tokio::task::spawn_blocking(move || {
        let done = work(&shared, &reader, projection, extent, &there);
        let result = done.unwrap_or_else(|error| {
            let name = projection.name;
            tracing::warn!(projection = name, %error, "View {name} was not verified to the end");
            Verification {
                state: VerificationState::Failed,
                ..there.shown()
            }
        });
        *there.result.lock() = Some(result);
    });
    let _done_or_later = tokio::time::timeout(patience, working).await;
    Ok(job.shown())
}

fn work(
    shared: &Shared,
    log: &LogReader,
    projection: &'static Projection,
    extent: Extent,
    job: &Job,
) -> Result<Verification, VerifyError> {
    let served = shared.progress.serving(projection.name).ok_or(VerifyError::Changed)?;
    let path = shared.generations.path(projection.name, served.generation);
    let skipped = shared.skips.of(projection.name);
    let (position, differing) = match extent {
        Extent::Sample(streams) => sampled(log, &path, projection, streams, &skipped, job)?,
        Extent::All => {
            let scratch = Scratch::at(path.with_file_name(format!("verify.{}.sqlite", projection.name)))?;
            everything(log, &path, projection, &skipped, &scratch, job)?
        }
    };
    for found in &differing {
        let (name, table, key) = (projection.name, found.table, &found.key);
        tracing::error!(
            projection = name,
            table,
            key,
            "View {name} does not hold what the log says: {table} of {key}"
        );
    }
    Ok(Verification {
        state: VerificationState::Done,
        position,
        tables: projection.tables.len(),
        differing,
    })
}

fn sampled(
    log: &LogReader,
    path: &Path,
    projection: &'static Projection,
    streams: usize,
    skipped: &Skipped,
    job: &Job,
) -> Result<(u64, Vec<Differing>), VerifyError> {
    let snapshot = Snapshot::open(path, projection)?;
    job.position.store(snapshot.position, Ordering::Relaxed);
    let mut found = Found::default();
    for table in projection.tables {
        let mut above: Option<Vec<u8>> = None;
        loop {
            job.may_go_on()?;
            let slice = compare_slice(&snapshot.connection, table, above.as_deref(), SLICE_ROWS)?;
            for difference in slice.differing {
                found.add(named(log, &snapshot, table, &difference.key, skipped)?);
            }
            above = slice.reached;
            if above.is_none() {
                break;
            }
        }
        if category_of(table).is_empty() {
            continue;
        }
        for key in sample(keys_after(&snapshot.connection, table, None, usize::MAX)?, streams) {
            job.may_go_on()?;
            for (_, differing) in refolded(log, &snapshot, category_of(table), &key, skipped)? {
                found.add(differing);
            }
        }
    }
    Ok((snapshot.position, found.0))
}

/// Evenly chosen, so that nobody knows of a key that is never looked at.
fn sample(keys: Vec<Vec<u8>>, wanted: usize) -> Vec<Vec<u8>> {
    let step = keys.len().div_ceil(wanted.max(1)).max(1);
    let places = keys.len();
    keys.into_iter().step_by(step).take(wanted.min(places)).collect()
}

/// What was found, each key of a table once.
#[derive(Default)]
struct Found(Vec<Differing>);

impl Found {
    fn add(&mut self, found: Differing) {
        let known = |other: &Differing| other.table == found.table && other.key == found.key;
        if self.0.len() < DIFFERENCES_MAX && !self.0.iter().any(known) {
            self.0.push(found);
        }
    }
}

/// A file that goes when it is no longer used. What a crash leaves is deleted with other files that belong to no view.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn at(path: PathBuf) -> Result<Self, VerifyError> {
        let scratch = Self { path };
        scratch.delete();
        Ok(scratch)
    }

    fn open(&self, projection: &Projection) -> Result<Connection, VerifyError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        crate::generations::file::private(&self.path)?;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.pragma_update(None, "journal_mode", "off")?;
        connection.pragma_update(None, "synchronous", "off")?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.execute_batch(projection.schema.tables)?;
        Ok(connection)
    }

    fn delete(&self) {
        for suffix in ["", "-journal"] {
            let mut name = self.path.clone().into_os_string();
            name.push(suffix);
            // Mostly it is not there.
            let _deleted = std::fs::remove_file(name);
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.delete();
    }
}

/// Folds the whole log as far as the view is, in the order of the log, and compares table by table, key by key, row by row.
fn everything(
    log: &LogReader,
    path: &Path,
    projection: &'static Projection,
    skipped: &Skipped,
    scratch: &Scratch,
    job: &Job,
) -> Result<(u64, Vec<Differing>), VerifyError> {
    let begun = Snapshot::open(path, projection)?;
    let parked = begun.parked()?;
    let target = begun.position;
    drop(begun);
    let mut copy = Copy {
        projection,
        db: scratch.open(projection)?,
        position: 0,
        halted: parked.clone(),
        skipped,
    };
    copy.fold_to(log, target, job)?;
    let snapshot = loop {
        let snapshot = Snapshot::open(path, projection)?;
        let target = snapshot.position;
        // What is far behind catches up without holding anything still.
        if target <= copy.position + CLOSE_EVENTS {
            break snapshot;
        }
        drop(snapshot);
        copy.fold_to(log, target, job)?;
    };
    copy.fold_to(log, snapshot.position, job)?;
    let parked_then = |parked: BTreeMap<StreamName, u64>| -> BTreeMap<StreamName, u64> {
        parked.into_iter().filter(|(_, position)| *position <= target).collect()
    };
    if parked_then(snapshot.parked()?) != parked_then(parked) {
        return Err(VerifyError::Changed);
    }
    let mut found = Found::default();
    for table in projection.tables {
        job.may_go_on()?;
        let kept = sums_of_rows(&snapshot.connection, table, Keys::default())?;
        let made = sums_of_rows(&copy.db, table, Keys::default())?;
        for difference in differing(&made, &kept).into_iter().take(DIFFERENCES_MAX) {
            found.add(Differing {
                table: table.name,
                key: table.public_key(&difference.key),
                row: first_difference(&snapshot.connection, &copy.db, table, &difference.key)?,
            });
        }
    }
    Ok((snapshot.position, found.0))
}

/// A view folded again, as its writer would have.
struct Copy<'a> {
    projection: &'static Projection,
    db: Connection,
    position: u64,
    /// Streams and the position from which on they are not folded.
    halted: BTreeMap<StreamName, u64>,
    skipped: &'a Skipped,
}

impl Copy<'_> {
    fn fold_to(&mut self, log: &LogReader, to: u64, job: &Job) -> Result<(), VerifyError> {
        while self.position < to {
            job.may_go_on()?;
            let limit = usize::try_from(to - self.position)
                .unwrap_or(usize::MAX)
                .min(PAGE_EVENTS);
            let page = log.all(self.position, limit)?;
            let decoded = Decoded::all(&page.events, &page.damaged);
            let events = self.readable(&decoded);
            self.db.execute_batch("begin")?;
            execute(&self.db, &(self.projection.fold)(&events))?;
            self.db.execute_batch("commit")?;
            if page.scanned_to == self.position {
                return Err(VerifyError::Changed);
            }
            self.position = page.scanned_to;
            job.position.store(self.position, Ordering::Relaxed);
        }
        Ok(())
    }

    fn readable<'d>(&mut self, decoded: &'d [Decoded]) -> Vec<&'d Event> {
        let mut events = vec![];
        let concerned = |decoded: &&Decoded| decoded.concerns(self.projection.categories);
        let fresh = decoded.iter().filter(concerned);
        for decoded in fresh.filter(|decoded| !self.skipped.contains(&decoded.position)) {
            let halted = self.halted.get(&decoded.stream);
            match &decoded.event {
                Ok(_) if halted.is_some_and(|from| *from <= decoded.position) => {}
                Ok(event) => events.push(event),
                Err(_) => {
                    let from = self.halted.entry(decoded.stream.clone()).or_insert(decoded.position);
                    *from = decoded.position.min(*from);
                }
            }
        }
        events
    }
}
