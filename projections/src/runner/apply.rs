//! One view and one run of events: what it has already is skipped, what it cannot read is put aside, the rest is folded, and rows and
//! checkpoint move in one transaction or not at all.

use std::collections::{HashMap, hash_map::Entry};

use event_store::StreamName;
use serde::Serialize;
use sqlx::{Connection, Row, SqliteConnection};

use crate::{
    Event,
    checkpoint::{self, Checkpoint},
    columns,
    event::Decoded,
    registry::{Projection, Statement},
};

/// How far a view that had nothing to write may be ahead of its stored checkpoint. These events are read again after a crash.
const UNSTORED_EVENTS_MAX: u64 = 4096;

#[derive(Debug, thiserror::Error)]
pub(super) enum ApplyError {
    #[error("the view {projection} was moved on by someone else")]
    Stale { projection: &'static str },
    #[error("the view {projection} cannot be written")]
    Database {
        projection: &'static str,
        source: sqlx::Error,
    },
}

/// Before it is known which view it is about.
impl From<sqlx::Error> for ApplyError {
    fn from(source: sqlx::Error) -> Self {
        Self::Database {
            projection: "all",
            source,
        }
    }
}

/// One view, with what its owner must remember between runs.
#[derive(Debug)]
pub(super) struct Folder {
    projection: &'static Projection,
    stored: Checkpoint,
    /// At or after the stored checkpoint: events that did not touch the view lie between.
    position: u64,
    /// The last commit ended in an error, so the database must be asked whether it happened.
    unsure: bool,
    /// Streams put aside, each with the number of its events that were.
    parked: HashMap<StreamName, u64>,
}

impl Folder {
    /// All views as they stand. Those without a checkpoint are someone else's to begin.
    pub(super) async fn load_all(
        db: &mut SqliteConnection,
        projections: &[&'static Projection],
    ) -> Result<Vec<Self>, ApplyError> {
        let mut stored = checkpoint::load(db).await?;
        let mut folders = Vec::with_capacity(projections.len());
        for projection in projections {
            let name = projection.name;
            let stored = stored.remove(name).ok_or(ApplyError::Stale { projection: name })?;
            let parked = parked_streams(db, name).await?;
            folders.push(Self {
                projection,
                stored,
                position: stored.position,
                unsure: false,
                parked,
            });
        }
        Ok(folders)
    }

    pub(super) fn name(&self) -> &'static str {
        self.projection.name
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn parked_events(&self) -> u64 {
        self.parked.values().sum()
    }

    /// Takes the view to `to`, the end of `run`, and says how many events it folded; `None` if it was there already. After an error
    /// the same may be tried again.
    pub(super) async fn apply(
        &mut self,
        db: &mut SqliteConnection,
        run: &[Decoded],
        to: u64,
    ) -> Result<Option<usize>, ApplyError> {
        if to <= self.position {
            return Ok(None);
        }
        let sorted = self.sort(run);
        let statements = (self.projection.fold)(&sorted.events);
        let nothing = statements.is_empty() && sorted.parked.is_empty();
        if !nothing || to - self.stored.position >= UNSTORED_EVENTS_MAX {
            self.write(db, &statements, &sorted.parked, to).await?;
        }
        self.remember(&sorted.parked);
        self.position = to;
        Ok(Some(sorted.events.len()))
    }

    /// Stores the checkpoint, if the view went on without.
    pub(super) async fn settle(&mut self, db: &mut SqliteConnection) -> Result<(), ApplyError> {
        if self.position > self.stored.position {
            self.write(db, &[], &[], self.position).await?;
        }
        Ok(())
    }

    /// Once an event of a stream cannot be read, those after it wait behind it, since they may depend on it.
    fn sort<'a>(&self, run: &'a [Decoded]) -> Sorted<'a> {
        let mut sorted = Sorted::default();
        let mut newly_parked: Vec<&StreamName> = vec![];
        let fresh = run.iter().filter(|decoded| decoded.position > self.position);
        for decoded in fresh.filter(|decoded| decoded.concerns(self.projection.categories)) {
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
    async fn write(
        &mut self,
        db: &mut SqliteConnection,
        statements: &[Statement],
        parked: &[Parked<'_>],
        to: u64,
    ) -> Result<(), ApplyError> {
        let projection = self.projection.name;
        match self.commit_once(db, statements, parked, to).await {
            Ok(true) => {}
            Ok(false) => return Err(ApplyError::Stale { projection }),
            Err(source) => {
                self.unsure = true;
                return Err(ApplyError::Database { projection, source });
            }
        }
        self.unsure = false;
        self.stored.position = to;
        Ok(())
    }

    /// A commit that was reported as an error may have happened; then there is nothing left to do.
    async fn commit_once(
        &self,
        db: &mut SqliteConnection,
        statements: &[Statement],
        parked: &[Parked<'_>],
        to: u64,
    ) -> sqlx::Result<bool> {
        let committed = Checkpoint {
            position: to,
            ..self.stored
        };
        if self.unsure && checkpoint::load(db).await?.get(self.projection.name) == Some(&committed) {
            return Ok(true);
        }
        self.commit(db, statements, parked, to).await
    }

    async fn commit(
        &self,
        db: &mut SqliteConnection,
        statements: &[Statement],
        parked: &[Parked<'_>],
        to: u64,
    ) -> sqlx::Result<bool> {
        let name = self.projection.name;
        let mut transaction = db.begin_with("begin immediate").await?;
        // First, so that a stale owner wastes no work; the transaction holds the write lock already.
        if !self.stored.move_to(&mut transaction, name, to).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        for statement in statements {
            sqlx::query(statement.sql)
                .bind(&*statement.rows)
                .execute(&mut *transaction)
                .await?;
        }
        if !parked.is_empty() {
            sqlx::query(include_str!("park.sql"))
                .bind(name)
                .bind(columns::to_json(parked))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    fn remember(&mut self, parked: &[Parked<'_>]) {
        let projection = self.projection.name;
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

async fn parked_streams(db: &mut SqliteConnection, projection: &str) -> sqlx::Result<HashMap<StreamName, u64>> {
    let rows = sqlx::query(include_str!("parked_streams.sql"))
        .bind(projection)
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| {
            Ok((
                StreamName::from_text(row.try_get("stream")?),
                columns::number(row, "events")?,
            ))
        })
        .collect()
}
