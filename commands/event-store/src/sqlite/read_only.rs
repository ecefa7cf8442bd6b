//! A log opened for reading alone: without the writer's lock, beside a running service or without one, and never written. What a tool may
//! ask beyond the port is here too.

use std::{path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{
    OpenError, SqliteOptions,
    open::{self, ReadOnly},
    reader::{Readers, sql},
    row::unreadable,
    scan::Scanner,
};
use crate::{
    Append, AppendError, Appended, EventLog, Head, Identity, Page, ReadError, StreamName, StreamPage, Tail,
    UnavailableReason,
};

/// A log whose every append is refused.
pub struct ReadOnlyLog {
    identity: Identity,
    how: ReadOnly,
    options: SqliteOptions,
    readers: Readers,
}

/// Where the log ends, in its own words and in fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The newest position according to the row that the writer moves.
    pub declared: u64,
    /// The highest position that an event has.
    pub newest: u64,
    /// The highest number that was given to a stream.
    pub streams: i64,
}

/// One stream, without its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamBrief {
    pub name: StreamName,
    pub events: u64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

impl ReadOnlyLog {
    /// The file must be a migrated log; whether its schema is of this version is the crate `migrations`' to say.
    pub fn open(path: &Path) -> Result<Arc<Self>, OpenError> {
        open::check_version()?;
        if !path.exists() {
            return Err(OpenError::Missing { path: path.to_owned() });
        }
        let options = SqliteOptions::new(path);
        let (_, how, identity) = open::read_only(path, &options)?;
        let readers = Readers::start_with(options.readers, || how.connect(&options))?;
        Ok(Arc::new(Self {
            identity,
            how,
            options,
            readers,
        }))
    }

    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// A connection of its own, for a thread that scans.
    pub fn scanner(&self) -> Result<Scanner, OpenError> {
        Ok(Scanner::new(self.how.connect(&self.options)?))
    }

    /// The migrations that were applied to it, each with its checksum; none where it was made by something else.
    pub async fn migrations(&self) -> Result<Vec<(i64, Vec<u8>)>, ReadError> {
        self.ask(|connection| {
            if !connection.table_exists(None, "_sqlx_migrations")? {
                return Ok(Vec::new());
            }
            let mut statement = connection.prepare(include_str!("sql/applied_migrations.sql"))?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .await
    }

    pub async fn ends(&self) -> Result<Ends, ReadError> {
        self.ask(|connection| {
            connection.query_row(include_str!("sql/head.sql"), [], |row| {
                Ok(Ends {
                    declared: row.get::<_, i64>(0)?.cast_unsigned(),
                    newest: row.get::<_, i64>(1)?.cast_unsigned(),
                    streams: row.get(2)?,
                })
            })
        })
        .await
    }

    /// At most `limit` streams whose names start with `prefix`, after the name `after`, in the order of their names.
    pub async fn streams(
        &self,
        prefix: String,
        after: Option<StreamName>,
        limit: usize,
    ) -> Result<Vec<StreamBrief>, ReadError> {
        self.ask(move |connection| {
            let mut statement = connection.prepare_cached(include_str!("sql/streams_between.sql"))?;
            let from = after.map_or_else(|| prefix.clone(), |after| format!("{after}\u{1}"));
            let to = format!("{prefix}\u{10ffff}");
            let rows = statement.query_map(params![from, to, sql(limit as u64)], |row| {
                Ok(StreamBrief {
                    name: StreamName::from_text(row.get_ref(0)?.as_str()?),
                    events: row.get::<_, i64>(1)?.cast_unsigned(),
                    first_at: time(row.get::<_, Option<i64>>(2)?),
                    last_at: time(row.get::<_, Option<i64>>(3)?),
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// The positions of the events with this id: it is unique within a stream only.
    pub async fn positions_of(&self, event: Uuid) -> Result<Vec<u64>, ReadError> {
        self.ask(move |connection| {
            let mut statement = connection.prepare_cached(include_str!("sql/position_of_event.sql"))?;
            let rows = statement.query_map([event.as_bytes()], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))?;
            rows.collect()
        })
        .await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.readers
            .ask(move |reader| question(reader.connection()).map_err(|error| unreadable(&error)))
            .await
    }
}

fn time(micros: Option<i64>) -> DateTime<Utc> {
    micros.and_then(DateTime::from_timestamp_micros).unwrap_or_default()
}

#[async_trait::async_trait]
impl EventLog for ReadOnlyLog {
    async fn append(&self, appends: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let refused = AppendError::Unavailable {
            maybe_committed: false,
            reason: UnavailableReason::Closed,
        };
        vec![Err(refused); appends.len()]
    }

    async fn read_stream(&self, stream: &StreamName, from: u64, limit: usize) -> Result<StreamPage, ReadError> {
        let stream = stream.clone();
        self.readers
            .ask(move |reader| reader.read_stream(&stream, from, limit))
            .await
    }

    async fn read_all(&self, after: u64, limit: usize) -> Result<Page, ReadError> {
        self.readers.ask(move |reader| reader.read_all(after, limit)).await
    }

    /// The position of the newest event that there is, whatever the log says of itself.
    async fn head(&self) -> Result<Head, ReadError> {
        Ok(Head {
            identity: self.identity,
            position: self.ends().await?.newest,
        })
    }

    /// Looks at the log from time to time, since nobody announces anything here.
    fn tail(self: Arc<Self>, after: u64) -> Tail {
        let (_, announced) = broadcast::channel(1);
        Tail::new(self, announced, after)
    }

    async fn failed(&self) -> String {
        std::future::pending().await
    }
}
