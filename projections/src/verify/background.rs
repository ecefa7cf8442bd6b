//! The verifier that never ends: at each interval it goes on comparing rows with their sums where it stopped, in slices with pauses between,
//! and folds a few streams again. What it finds stays an alarm until it is gone.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use event_store::EventLog;

use super::{DIFFERENCES_MAX, Differing, LogReader, VerifyError, category_of, named, refolded, view::Snapshot};
use crate::{
    digest::{compare_key, compare_slice, keys_after},
    registry::{ALL, Projection},
    views::Shared,
};

/// Rows compared in one read transaction, give or take a key: some milliseconds.
const SLICE_ROWS: u64 = 5_000;
/// Time left to others after a slice, as a multiple of what it took.
const REST: u32 = 4;

/// How much is verified, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub interval: Duration,
    /// Rows compared with their sums in each interval, over all views. With fewer in the views, all of them.
    pub rows: u64,
    /// Streams folded again in each interval, of each view.
    pub streams: usize,
}

/// Follows the views that serve, for ever.
pub(crate) async fn run(shared: Arc<Shared>, log: Arc<dyn EventLog>, pace: Pace) {
    let log = LogReader::new(log);
    let mut patrols: Vec<Patrol> = ALL.iter().map(|projection| Patrol::of(projection)).collect();
    loop {
        let begun = tokio::time::Instant::now();
        let mut rows = pace.rows;
        for patrol in &mut patrols {
            rows = rows.saturating_sub(patrol.interval(&shared, &log, pace, rows).await);
        }
        // Who came last, and perhaps too late, is first the next time.
        patrols.rotate_left(1);
        tokio::time::sleep_until(begun + pace.interval).await;
    }
}

/// The round through one view.
#[derive(Debug, Clone)]
struct Patrol {
    projection: &'static Projection,
    /// What is known about another generation says nothing about this one.
    generation: u64,
    place: Place,
    refolding: Place,
    /// By place of the table and by key.
    differing: BTreeMap<(usize, Vec<u8>), Differing>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    table: usize,
    above: Option<Vec<u8>>,
}

impl Patrol {
    fn of(projection: &'static Projection) -> Self {
        Self {
            projection,
            generation: 0,
            place: Place::default(),
            refolding: Place::default(),
            differing: BTreeMap::new(),
        }
    }

    /// Gives the rows it compared: at most a whole round, and about `rows`.
    async fn interval(&mut self, shared: &Arc<Shared>, log: &LogReader, pace: Pace, rows: u64) -> u64 {
        let all = self.projection.tables.len();
        let (mut compared, mut tables) = (0, 0);
        if self.step(shared, log, Step::Recheck).await.is_none() {
            return 0;
        }
        while compared < rows && tables < all {
            let Some(done) = self.step(shared, log, Step::Scan).await else {
                return compared;
            };
            compared += done.rows;
            tables += done.tables;
        }
        for _ in 0..all {
            let streams = pace.streams;
            match self.step(shared, log, Step::Refold { streams }).await {
                // Of a table whose rows come from many streams nothing can be folded alone.
                Some(done) if done.rows == 0 => {}
                Some(_) | None => break,
            }
        }
        compared
    }

    /// `None` when the view cannot be verified now.
    async fn step(&mut self, shared: &Arc<Shared>, log: &LogReader, step: Step) -> Option<Done> {
        let standing = shared.progress.serving(self.projection.name)?;
        if standing.generation != self.generation {
            *self = Self {
                generation: standing.generation,
                ..Self::of(self.projection)
            };
            self.publish(shared);
        }
        let (mut patrol, shared_there, log) = (self.clone(), Arc::clone(shared), log.clone());
        let working = tokio::task::spawn_blocking(move || {
            let done = patrol.work(&shared_there, &log, step);
            (patrol, done)
        });
        let (patrol, done) = working.await.ok()?;
        *self = patrol;
        match done {
            Ok(done) => {
                self.publish(shared);
                tokio::time::sleep(done.took * REST).await;
                Some(done)
            }
            // A file that was retired meanwhile, a log that is busy: the next interval will tell.
            Err(error) => {
                let projection = self.projection.name;
                tracing::debug!(projection, %error, "View {projection} cannot be verified now");
                None
            }
        }
    }

    fn publish(&self, shared: &Shared) {
        let differing: Vec<Differing> = self.differing.values().cloned().collect();
        shared.metrics.drift(self.projection.name, differing.len());
        shared.drift.set(self.projection.name, differing);
    }

    fn work(&mut self, shared: &Shared, log: &LogReader, step: Step) -> Result<Done, VerifyError> {
        let begun = Instant::now();
        let name = self.projection.name;
        let snapshot = Snapshot::open(&shared.generations.path(name, self.generation), self.projection)?;
        let (rows, tables) = match step {
            Step::Recheck => (self.recheck(shared, log, &snapshot)?, 0),
            Step::Scan => self.scan(shared, log, &snapshot)?,
            Step::Refold { streams } => (self.refold(shared, log, &snapshot, streams)?, 0),
        };
        Ok(Done {
            rows,
            tables,
            took: begun.elapsed(),
        })
    }

    /// What was found before may be healed.
    fn recheck(&mut self, shared: &Shared, log: &LogReader, snapshot: &Snapshot) -> Result<u64, VerifyError> {
        let skipped = shared.skips.of(self.projection.name);
        let mut rows = 0;
        for ((place, key), _) in std::mem::take(&mut self.differing) {
            let table = &self.projection.tables[place];
            let sums = compare_key(&snapshot.connection, table, &key)?;
            rows += sums.rows.rows.unsigned_abs();
            let found = named(log, snapshot, table, &key, &skipped)?;
            if sums.stored != sums.rows || found.row.is_some() {
                self.differing.insert((place, key), found);
            }
        }
        Ok(rows)
    }

    /// The next slice, and how many tables it ended.
    fn scan(&mut self, shared: &Shared, log: &LogReader, snapshot: &Snapshot) -> Result<(u64, usize), VerifyError> {
        let table = &self.projection.tables[self.place.table];
        let slice = compare_slice(&snapshot.connection, table, self.place.above.as_deref(), SLICE_ROWS)?;
        let skipped = shared.skips.of(self.projection.name);
        for difference in slice.differing {
            let found = named(log, snapshot, table, &difference.key, &skipped)?;
            self.found(shared, self.place.table, difference.key, found);
        }
        self.place.above = slice.reached;
        if self.place.above.is_some() {
            return Ok((slice.rows, 0));
        }
        self.place.table = (self.place.table + 1) % self.projection.tables.len();
        Ok((slice.rows, 1))
    }

    /// The next keys of a table whose rows come from one stream, each folded again with everything else that comes from its stream.
    fn refold(
        &mut self,
        shared: &Shared,
        log: &LogReader,
        snapshot: &Snapshot,
        streams: usize,
    ) -> Result<u64, VerifyError> {
        let skipped = shared.skips.of(self.projection.name);
        let table = &self.projection.tables[self.refolding.table];
        let alone = !category_of(table).is_empty();
        let above = self.refolding.above.as_deref();
        let keys = if alone {
            keys_after(&snapshot.connection, table, above, streams)?
        } else {
            vec![]
        };
        for key in &keys {
            for (table, found) in refolded(log, snapshot, category_of(table), key, &skipped)? {
                let place = self.projection.tables.iter().position(|known| known == table);
                self.found(shared, place.unwrap_or_default(), key.clone(), found);
            }
        }
        if keys.len() < streams {
            self.refolding = Place {
                table: (self.refolding.table + 1) % self.projection.tables.len(),
                above: None,
            };
        } else {
            self.refolding.above = keys.last().cloned();
        }
        Ok(keys.len() as u64)
    }

    fn found(&mut self, shared: &Shared, table: usize, key: Vec<u8>, found: Differing) {
        if self.differing.len() >= DIFFERENCES_MAX {
            return;
        }
        let (projection, named, id) = (self.projection.name, found.table, found.key.clone());
        if self.differing.insert((table, key), found).is_none() {
            shared.metrics.drift_found(projection);
            tracing::error!(
                projection,
                table = named,
                key = id,
                "View {projection} does not hold what the log says: {named} of {id}"
            );
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Recheck,
    Scan,
    Refold { streams: usize },
}

#[derive(Debug)]
struct Done {
    rows: u64,
    /// Tables that were finished.
    tables: usize,
    took: Duration,
}
