//! Events that operators had a view pass over. Kept in the registry, so that every generation and every verification passes over the same.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use parking_lot::RwLock;
use rusqlite::{Connection, params};

/// Positions of the log.
pub(crate) type Skipped = BTreeSet<u64>;

/// By view. Each is an operator's act, so they are few.
#[derive(Debug, Default)]
pub(crate) struct Skips(RwLock<HashMap<String, Arc<Skipped>>>);

impl Skips {
    pub(crate) fn load(registry: &Connection) -> rusqlite::Result<Self> {
        registry.execute_batch(include_str!("create_skipped.sql"))?;
        let mut statement = registry.prepare(include_str!("skipped.sql"))?;
        let mut rows = statement.query([])?;
        let mut skips: HashMap<String, Skipped> = HashMap::new();
        while let Some(row) = rows.next()? {
            let position: i64 = row.get("position")?;
            skips
                .entry(row.get("projection")?)
                .or_default()
                .insert(position.cast_unsigned());
        }
        let skips = skips
            .into_iter()
            .map(|(projection, skipped)| (projection, Arc::new(skipped)));
        Ok(Self(RwLock::new(skips.collect())))
    }

    /// What a view passed over of a log that is another one now: its positions hold other events.
    pub(crate) fn forget(registry: &Connection, projection: &str) -> rusqlite::Result<()> {
        registry.execute_batch(include_str!("create_skipped.sql"))?;
        registry.execute(include_str!("forget_skipped.sql"), params![projection])?;
        Ok(())
    }

    pub(crate) fn of(&self, projection: &str) -> Arc<Skipped> {
        self.0.read().get(projection).cloned().unwrap_or_default()
    }

    /// From now on every fold of this view passes over the event. Written down first; doing it twice changes nothing.
    pub(crate) fn add(&self, registry: &Connection, projection: &str, position: u64, at: i64) -> rusqlite::Result<()> {
        registry.execute(
            include_str!("skip.sql"),
            params![projection, position.cast_signed(), at],
        )?;
        let mut skips = self.0.write();
        let mut skipped = Skipped::clone(&skips.get(projection).cloned().unwrap_or_default());
        skipped.insert(position);
        skips.insert(projection.to_owned(), Arc::new(skipped));
        Ok(())
    }
}
