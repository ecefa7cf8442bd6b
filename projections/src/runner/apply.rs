//! One generation and one run of events: what it has already is skipped, what it cannot read is put aside, the rest is folded, and rows
//! and checkpoint move in one transaction or not at all.

mod mend;

pub use mend::{Mended, StillParked};

use std::{
    collections::{HashMap, hash_map::Entry},
    path::PathBuf,
    sync::Arc,
};

use event_store::StreamName;
use rusqlite::TransactionBehavior;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Event, columns,
    digest::{self, Digest},
    event::Decoded,
    generations::{
        checkpoint::Checkpoint,
        file::{self, Handle},
    },
    progress::Standing,
    quarantine::Skips,
    registry::{Projection, Statement},
};

/// How far a view that had nothing to write may be ahead of its stored checkpoint. These events are read again after a crash.
const UNSTORED_EVENTS_MAX: u64 = 4096;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error("the view {projection} was moved on by someone else")]
    Stale { projection: &'static str },
    #[error("the view {projection} cannot be written")]
    Database {
        projection: &'static str,
        source: rusqlite::Error,
    },
}

/// One generation, with what its owner must remember between runs.
#[derive(Debug)]
pub(crate) struct Folder {
    standing: Arc<Standing>,
    path: PathBuf,
    /// `None` after an error: the connection may be what failed, so the next try makes a new one.
    handle: Option<Handle>,
    stored: Checkpoint,
    /// At or after the stored checkpoint: events that did not touch the view lie between.
    position: u64,
    /// Id of the event at the position, if there is one.
    newest: Option<Uuid>,
    /// The last commit ended in an error, so the database must be asked whether it happened.
    unsure: bool,
    /// Events the view passes over.
    skips: Arc<Skips>,
    /// Streams put aside, each with the number of its events that were.
    parked: HashMap<StreamName, u64>,
}

impl Folder {
    /// A generation as it stands, to be moved by nobody else from now on; stale if someone with a newer epoch was here before.
    pub(crate) fn load(
        standing: Arc<Standing>,
        path: PathBuf,
        epoch: u64,
        skips: Arc<Skips>,
    ) -> Result<Self, ApplyError> {
        let projection = standing.projection;
        let name = projection.name;
        let failed = |source| ApplyError::Database {
            projection: name,
            source,
        };
        let handle = Handle::open(&path, projection).map_err(failed)?;
        if !Checkpoint::claim(&handle.connection, epoch).map_err(failed)? {
            return Err(ApplyError::Stale { projection: name });
        }
        let stored = Checkpoint::load(&handle.connection).map_err(failed)?;
        let stored = stored.ok_or(ApplyError::Stale { projection: name })?;
        let parked = parked_streams(&handle).map_err(failed)?;
        let folder = Self {
            standing,
            path,
            handle: Some(handle),
            position: stored.position,
            newest: stored.event,
            stored,
            unsure: false,
            skips,
            parked,
        };
        folder.tell();
        Ok(folder)
    }

    pub(crate) fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    fn projection(&self) -> &'static Projection {
        self.standing.projection
    }

    pub(crate) fn name(&self) -> &'static str {
        self.projection().name
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn parked_events(&self) -> u64 {
        self.parked.values().sum()
    }

    /// Takes the generation to `to`, the end of `run`, and says how many events it folded; `None` if it was there already. After an
    /// error the same may be tried again.
    pub(crate) fn apply(&mut self, run: &[Decoded], to: u64) -> Result<Option<usize>, ApplyError> {
        if to <= self.position {
            return Ok(None);
        }
        let sorted = self.sort(run);
        let statements = (self.projection().fold)(&sorted.events);
        let nothing = statements.is_empty() && sorted.parked.is_empty();
        let newest = run.last().filter(|last| last.position == to).and_then(|last| last.id);
        if !nothing || to - self.stored.position >= UNSTORED_EVENTS_MAX {
            self.write(&statements, &sorted.parked, to, newest)?;
        }
        self.remember(&sorted.parked);
        (self.position, self.newest) = (to, newest);
        self.tell();
        Ok(Some(sorted.events.len()))
    }

    /// Stores the checkpoint, if the generation went on without.
    pub(crate) fn settle(&mut self) -> Result<(), ApplyError> {
        if self.position > self.stored.position {
            self.write(&[], &[], self.position, self.newest)?;
        }
        Ok(())
    }

    /// Makes the indexes of the queries, where they are missing.
    pub(crate) fn index(&mut self) -> Result<(), ApplyError> {
        let projection = self.projection();
        let name = projection.name;
        self.opened()
            .and_then(|handle| file::index(&mut handle.connection, projection))
            .map_err(|source| {
                self.handle = None;
                ApplyError::Database {
                    projection: name,
                    source,
                }
            })
    }

    /// What the rows add up to as of the position; `None` where no sums are kept.
    pub(crate) fn digest(&mut self) -> rusqlite::Result<Option<Digest>> {
        let projection = self.projection();
        digest::of(&self.opened()?.connection, projection)
    }

    fn opened(&mut self) -> rusqlite::Result<&mut Handle> {
        let projection = self.projection();
        match &mut self.handle {
            Some(handle) => Ok(handle),
            none => Ok(none.insert(Handle::open(&self.path, projection)?)),
        }
    }

    /// Empties the write-ahead log as far as readers let it; what remains goes the next time.
    pub(crate) fn empty_wal(&self) {
        let Some(handle) = &self.handle else { return };
        let emptied = handle
            .connection
            .query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
        if let Err(error) = emptied {
            let projection = self.name();
            tracing::debug!(projection, %error, "The write-ahead log of view {projection} was not emptied");
        }
    }

    /// For everyone who asks.
    fn tell(&self) {
        self.standing.parked(self.parked_events());
        self.standing.moved(self.position);
    }

    /// Once an event of a stream cannot be read, those after it wait behind it, since they may depend on it.
    fn sort<'a>(&self, run: &'a [Decoded]) -> Sorted<'a> {
        let mut sorted = Sorted::default();
        let mut newly_parked: Vec<&StreamName> = vec![];
        let categories = self.projection().categories;
        let fresh = run.iter().filter(|decoded| decoded.position > self.position);
        let skipped = self.skips.of(self.name());
        let wanted = |decoded: &&Decoded| decoded.concerns(categories) && !skipped.contains(&decoded.position);
        for decoded in fresh.filter(wanted) {
            let waiting = self.parked.contains_key(&decoded.stream) || newly_parked.contains(&&decoded.stream);
            match &decoded.event {
                Ok(_) if waiting => sorted
                    .parked
                    .push(Parked::new(decoded, "waits behind an event that cannot be read".into())),
                Ok(event) => sorted.events.push(event),
                Err(why) => {
                    sorted.parked.push(Parked::new(decoded, why.to_string()));
                    newly_parked.push(&decoded.stream);
                }
            }
        }
        sorted
    }

    /// Rows, parked events and checkpoint in one transaction.
    fn write(
        &mut self,
        statements: &[Statement],
        parked: &[Parked<'_>],
        to: u64,
        newest: Option<Uuid>,
    ) -> Result<(), ApplyError> {
        let projection = self.name();
        let to = Checkpoint {
            position: to,
            event: newest,
            ..self.stored
        };
        match self.commit_once(statements, parked, &to) {
            Ok(true) => {}
            Ok(false) => return Err(ApplyError::Stale { projection }),
            Err(source) => {
                self.unsure = true;
                self.handle = None;
                return Err(ApplyError::Database { projection, source });
            }
        }
        self.unsure = false;
        self.stored = to;
        Ok(())
    }

    /// A commit that was reported as an error may have happened; then there is nothing left to do.
    fn commit_once(
        &mut self,
        statements: &[Statement],
        parked: &[Parked<'_>],
        to: &Checkpoint,
    ) -> rusqlite::Result<bool> {
        let (stored, unsure) = (self.stored, self.unsure);
        let handle = self.opened()?;
        if unsure && Checkpoint::load(&handle.connection)? == Some(*to) {
            return Ok(true);
        }
        let committed = commit(handle, &stored, statements, parked, to);
        if !matches!(committed, Ok(true)) {
            handle.recorder.forget();
        }
        committed
    }

    fn remember(&mut self, parked: &[Parked<'_>]) {
        let projection = self.name();
        for event in parked {
            match self.parked.entry(StreamName::from_text(event.stream)) {
                Entry::Occupied(mut known) => *known.get_mut() += 1,
                Entry::Vacant(new) => {
                    let (stream, position) = (event.stream, event.position);
                    let reason = &event.reason;
                    tracing::error!(
                        projection,
                        stream,
                        position,
                        "View {projection} puts {stream} aside: {reason}"
                    );
                    new.insert(1);
                }
            }
        }
    }
}

fn commit(
    handle: &mut Handle,
    stored: &Checkpoint,
    statements: &[Statement],
    parked: &[Parked<'_>],
    to: &Checkpoint,
) -> rusqlite::Result<bool> {
    let recorder = &handle.recorder;
    let transaction = handle
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    // First, so that a stale owner wastes no work; the transaction holds the write lock already.
    if !stored.move_to(&transaction, to)? {
        transaction.rollback()?;
        return Ok(false);
    }
    for statement in statements {
        transaction.prepare_cached(statement.sql)?.execute([&*statement.rows])?;
    }
    if !parked.is_empty() {
        transaction.execute(include_str!("../generations/park.sql"), [columns::to_json(parked)])?;
    }
    recorder.store(&transaction)?;
    transaction.commit()?;
    Ok(true)
}

/// The part of a run that is new to a view and concerns it.
#[derive(Default)]
struct Sorted<'a> {
    events: Vec<&'a Event>,
    parked: Vec<Parked<'a>>,
}

#[derive(Serialize)]
struct Parked<'a> {
    position: u64,
    stream: &'a str,
    reason: String,
}

impl<'a> Parked<'a> {
    fn new(decoded: &'a Decoded, reason: String) -> Self {
        Self {
            position: decoded.position,
            stream: decoded.stream.as_str(),
            reason,
        }
    }
}

fn parked_streams(handle: &Handle) -> rusqlite::Result<HashMap<StreamName, u64>> {
    let mut statement = handle
        .connection
        .prepare(include_str!("../generations/parked_streams.sql"))?;
    let streams = statement.query_map([], |row| {
        let stream: String = row.get("stream")?;
        Ok((
            StreamName::from_text(&stream),
            row.get::<_, i64>("events")?.cast_unsigned(),
        ))
    })?;
    streams.collect()
}
