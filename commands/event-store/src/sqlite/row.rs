//! One event as a row of the table `events`: bound when it is written, decoded and checked when it is read.

use std::{collections::HashSet, num::NonZeroUsize, sync::Arc};

use bytes::Bytes;
use chrono::DateTime;
use lru::LruCache;
use rusqlite::{Connection, OptionalExtension, Row, Statement};
use uuid::Uuid;

use super::checksum::checksum;
use crate::{Damaged, NewEvent, ReadError, Recorded, StreamName, UnavailableReason};

/// Columns of a row, in the order of the statements.
pub(super) const COLUMNS: usize = 14;

/// Names of streams that a reader of the whole log remembers.
const NAMES_MAX: NonZeroUsize = NonZeroUsize::new(16 * 1024).expect("not zero");
/// Kinds are a closed set of some dozens; the bound is for a log that is not ours.
const KINDS_MAX: usize = 1024;

/// An event with what only the table knows of it.
#[derive(Debug, Clone)]
pub(super) struct StoredEvent {
    pub(super) recorded: Arc<Recorded>,
    pub(super) stream: i64,
    /// Place in its append.
    pub(super) part: u32,
}

impl StoredEvent {
    /// Binds to the parameters of the `row`th row of a multi-row insert.
    pub(super) fn bind(
        &self,
        statement: &mut Statement<'_>,
        row: usize,
        scratch: &mut Vec<u8>,
    ) -> rusqlite::Result<()> {
        let event = &self.recorded.event;
        let at = |column: usize| row * COLUMNS + column;
        statement.raw_bind_parameter(at(1), self.recorded.position.cast_signed())?;
        statement.raw_bind_parameter(at(2), self.stream)?;
        statement.raw_bind_parameter(at(3), self.recorded.revision.cast_signed())?;
        statement.raw_bind_parameter(at(4), event.id.as_bytes().as_slice())?;
        statement.raw_bind_parameter(at(5), self.part)?;
        statement.raw_bind_parameter(at(6), &*event.kind)?;
        statement.raw_bind_parameter(at(7), event.version)?;
        statement.raw_bind_parameter(at(8), event.actor.as_bytes().as_slice())?;
        statement.raw_bind_parameter(at(9), &*event.key)?;
        statement.raw_bind_parameter(at(10), event.intent.as_slice())?;
        statement.raw_bind_parameter(at(11), event.request_id.as_bytes().as_slice())?;
        statement.raw_bind_parameter(at(12), event.recorded_at.timestamp_micros())?;
        statement.raw_bind_parameter(at(13), &*event.payload)?;
        statement.raw_bind_parameter(at(14), checksum(&self.recorded, self.part, scratch))
    }
}

/// Decodes rows; remembers the names and kinds it has met, so that events share them.
pub(super) struct Decoder {
    names: LruCache<i64, StreamName>,
    kinds: HashSet<Arc<str>>,
    scratch: Vec<u8>,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            names: LruCache::new(NAMES_MAX),
            kinds: HashSet::new(),
            scratch: Vec::new(),
        }
    }

    /// An event is only handed out when its stored bytes match their checksum.
    pub(super) fn decode(&mut self, connection: &Connection, row: &Row<'_>) -> Result<StoredEvent, ReadError> {
        let position = position(row)?;
        let damaged = ReadError::Damaged { position };
        let stream: i64 = row.get(1).map_err(|_| damaged.clone())?;
        let name = self.name(connection, stream)?.ok_or_else(|| damaged.clone())?;
        let stored = self
            .assemble(row, position, stream, name)
            .map_err(|_| damaged.clone())?;
        let expected: u32 = row.get(13).map_err(|_| damaged.clone())?;
        match checksum(&stored.recorded, stored.part, &mut self.scratch) {
            found if found == expected => Ok(stored),
            _ => Err(damaged),
        }
    }

    /// What a damaged row says of its place.
    pub(super) fn place(&mut self, connection: &Connection, row: &Row<'_>) -> Result<Damaged, ReadError> {
        let stream = match row.get(1) {
            Ok(stream) => self.name(connection, stream)?,
            Err(_) => None,
        };
        Ok(Damaged {
            position: position(row)?,
            stream,
            revision: row.get::<_, i64>(2).ok().map(i64::cast_unsigned),
        })
    }

    fn assemble(
        &mut self,
        row: &Row<'_>,
        position: u64,
        stream: i64,
        name: StreamName,
    ) -> rusqlite::Result<StoredEvent> {
        let recorded_at = DateTime::from_timestamp_micros(row.get(11)?);
        let event = NewEvent {
            id: Uuid::from_bytes(row.get(3)?),
            kind: self.kind(row.get_ref(5)?.as_str()?),
            version: row.get(6)?,
            actor: Uuid::from_bytes(row.get(7)?),
            key: row.get_ref(8)?.as_str()?.into(),
            intent: row.get(9)?,
            request_id: Uuid::from_bytes(row.get(10)?),
            recorded_at: recorded_at.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
            payload: Bytes::copy_from_slice(row.get_ref(12)?.as_blob()?),
        };
        let recorded = Recorded {
            position,
            stream: name,
            revision: row.get::<_, i64>(2)?.cast_unsigned(),
            event,
        };
        Ok(StoredEvent {
            recorded: Arc::new(recorded),
            stream,
            part: row.get(4)?,
        })
    }

    fn name(&mut self, connection: &Connection, stream: i64) -> Result<Option<StreamName>, ReadError> {
        if let Some(name) = self.names.get(&stream) {
            return Ok(Some(name.clone()));
        }
        let name = stream_name(connection, stream).map_err(|error| unreadable(&error))?;
        if let Some(name) = &name {
            self.names.put(stream, name.clone());
        }
        Ok(name)
    }

    fn kind(&mut self, kind: &str) -> Arc<str> {
        if let Some(known) = self.kinds.get(kind) {
            return Arc::clone(known);
        }
        let kind: Arc<str> = kind.into();
        if self.kinds.len() < KINDS_MAX {
            self.kinds.insert(Arc::clone(&kind));
        }
        kind
    }
}

pub(super) fn position(row: &Row<'_>) -> Result<u64, ReadError> {
    let position: i64 = row.get(0).map_err(|error| unreadable(&error))?;
    Ok(position.cast_unsigned())
}

/// A read that SQLite itself refused. The cause goes to the log here, since the port's error carries none.
pub(super) fn unreadable(error: &rusqlite::Error) -> ReadError {
    tracing::error!(error = %error, "The log could not be read");
    ReadError::Unavailable {
        reason: UnavailableReason::Storage,
    }
}

pub(super) fn stream_name(connection: &Connection, stream: i64) -> rusqlite::Result<Option<StreamName>> {
    let mut statement = connection.prepare_cached(include_str!("sql/stream_name.sql"))?;
    statement
        .query_row([stream], |row| Ok(StreamName::from_text(row.get_ref(0)?.as_str()?)))
        .optional()
}
