//! The whole log, row by row and as it stands on the disk, for those who check it or count it: events are lent, not made, so that a scan
//! costs little more than SQLite's own, and damage is told instead of ending it.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::{
    checksum::Canonical,
    reader::sql,
    row::{self, unreadable},
};
use crate::{ReadError, StreamName};

/// Events read under one snapshot of SQLite. The writer cannot start its write-ahead log anew while somebody looks at an old snapshot, so a
/// long scan beside a running service takes new ones on the way.
const SNAPSHOT_EVENTS: u64 = 50_000;
/// Places for names of streams, each kept by the last stream that came there.
const NAMES_KEPT: usize = 64 * 1024;

/// A connection for scanning, for one thread.
pub struct Scanner {
    connection: Connection,
    names: Vec<Option<(i64, StreamName)>>,
    scratch: Vec<u8>,
}

/// What stands at the next place of the log.
#[derive(Debug)]
pub enum Scanned<'a> {
    Event(RawEvent<'a>),
    /// A row that holds something else than an event.
    Unreadable {
        position: u64,
        column: &'static str,
    },
    /// SQLite could not read on after this position; the scan goes on where it can again.
    Broken {
        after: u64,
    },
}

/// An event as it is stored, whether its checksum holds or not.
#[derive(Debug)]
pub struct RawEvent<'a> {
    pub position: u64,
    /// The number that stands for the stream in the tables.
    pub number: i64,
    /// `None` where the number names no stream.
    pub stream: Option<&'a StreamName>,
    pub revision: u64,
    /// Place in its append.
    pub part: u32,
    pub id: Uuid,
    pub kind: &'a str,
    pub version: u16,
    pub actor: Uuid,
    pub key: &'a str,
    pub intent: &'a [u8; 16],
    pub request_id: Uuid,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    pub payload: &'a [u8],
    /// Whether the stored bytes match their checksum.
    pub intact: bool,
}

/// What a plain scan of the table saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touched {
    pub events: u64,
    pub bytes: u64,
    /// Of all bytes, so that none can be left out.
    pub sum: u64,
}

type Visitor<'a> = dyn FnMut(Scanned<'_>) -> ControlFlow<()> + 'a;

impl Scanner {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            names: vec![None; NAMES_KEPT],
            scratch: Vec::new(),
        }
    }

    /// Everything above `after` up to `to`, in order, until `visit` breaks off.
    pub fn scan(&mut self, after: u64, to: u64, visit: &mut Visitor<'_>) -> Result<(), ReadError> {
        let mut at = after;
        let mut step = 1;
        while at < to {
            let end = to.min(at.saturating_add(SNAPSHOT_EVENTS));
            match self.stretch(at, end, visit)? {
                Stretch::Whole => (at, step) = (end, 1),
                Stretch::Stopped => return Ok(()),
                Stretch::BrokenAfter(last) => {
                    if last >= at + step {
                        step = 1;
                    }
                    if visit(Scanned::Broken { after: last }).is_break() {
                        return Ok(());
                    }
                    // Damaged pages hold a few dozen events each: the way out of them is found in ever larger steps.
                    at = last + step;
                    step *= 2;
                }
            }
        }
        Ok(())
    }

    fn stretch(&mut self, after: u64, to: u64, visit: &mut Visitor<'_>) -> Result<Stretch, ReadError> {
        let Self {
            connection,
            names,
            scratch,
        } = self;
        let mut statement = connection
            .prepare_cached(include_str!("sql/events_between.sql"))
            .map_err(|error| unreadable(&error))?;
        let mut rows = statement
            .query(params![sql(after), sql(to)])
            .map_err(|error| unreadable(&error))?;
        let mut last = after;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(Stretch::Whole),
                Err(_) => return Ok(Stretch::BrokenAfter(last)),
            };
            let position = number(row, 0, "position").map_or(last, i64::cast_unsigned);
            let scanned = match raw_event(connection, names, scratch, row) {
                Ok(event) => Scanned::Event(event),
                Err(column) => Scanned::Unreadable { position, column },
            };
            last = position;
            if visit(scanned).is_break() {
                return Ok(Stretch::Stopped);
            }
        }
    }

    /// The least that reading the log can cost: every column of every row, every byte of them touched.
    pub fn touch(&mut self, after: u64, to: u64) -> Result<Touched, ReadError> {
        let mut touched = Touched {
            events: 0,
            bytes: 0,
            sum: 0,
        };
        let mut at = after;
        while at < to {
            let end = to.min(at.saturating_add(SNAPSHOT_EVENTS));
            self.touch_stretch(at, end, &mut touched)
                .map_err(|error| unreadable(&error))?;
            at = end;
        }
        Ok(touched)
    }

    fn touch_stretch(&self, after: u64, to: u64, touched: &mut Touched) -> rusqlite::Result<()> {
        use rusqlite::types::ValueRef;
        let mut statement = self.connection.prepare_cached(include_str!("sql/events_between.sql"))?;
        let mut rows = statement.query(params![sql(after), sql(to)])?;
        while let Some(row) = rows.next()? {
            touched.events += 1;
            for column in 0..row::COLUMNS {
                match row.get_ref(column)? {
                    ValueRef::Integer(number) => touched.add(&number.to_le_bytes()),
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => touched.add(bytes),
                    ValueRef::Null | ValueRef::Real(_) => {}
                }
            }
        }
        Ok(())
    }

    /// The guard of event ids as it stands: (stream, id, position) of streams numbered above `after` up to `to`, in the order of the first
    /// two, without reading any event.
    pub fn ids(&mut self, after: i64, to: i64, visit: &mut dyn FnMut(i64, Uuid, u64)) -> Result<(), ReadError> {
        self.walk_ids(after, to, visit).map_err(|error| unreadable(&error))
    }

    /// The stream that a number stands for.
    pub fn name_of(&mut self, number: i64) -> Option<&StreamName> {
        name(&self.connection, &mut self.names, number)
    }

    fn walk_ids(&self, after: i64, to: i64, visit: &mut dyn FnMut(i64, Uuid, u64)) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(include_str!("sql/ids_by_stream.sql"))?;
        let mut rows = statement.query(params![after, to])?;
        while let Some(row) = rows.next()? {
            let id = row.get_ref(1)?.as_blob()?;
            let id = Uuid::from_slice(id).unwrap_or_default();
            visit(row.get(0)?, id, row.get::<_, i64>(2)?.cast_unsigned());
        }
        Ok(())
    }
}

enum Stretch {
    Whole,
    Stopped,
    BrokenAfter(u64),
}

impl Touched {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
            self.sum = self.sum.wrapping_add(word);
        }
        for byte in words.remainder() {
            self.sum = self.sum.wrapping_add(u64::from(*byte));
        }
    }
}

/// The event of a row, or the column that holds something else.
fn raw_event<'a>(
    connection: &Connection,
    names: &'a mut [Option<(i64, StreamName)>],
    scratch: &mut Vec<u8>,
    row: &'a Row<'_>,
) -> Result<RawEvent<'a>, &'static str> {
    let number = number(row, 1, "stream")?;
    let stream = name(connection, names, number);
    let canonical = Canonical {
        position: self::number(row, 0, "position")?.cast_unsigned(),
        revision: self::number(row, 2, "revision")?.cast_unsigned(),
        id: id(row, 3, "event_id")?,
        part: small(row, 4, "part")?,
        kind: text(row, 5, "kind")?,
        version: small(row, 6, "version")?,
        actor: id(row, 7, "actor")?,
        key: text(row, 8, "key")?,
        intent: id(row, 9, "intent")?,
        request_id: id(row, 10, "request_id")?,
        recorded_at: self::number(row, 11, "recorded_at")?,
        payload: blob(row, 12, "payload")?,
        stream: stream.map_or("", StreamName::as_str),
    };
    let checksum: Option<u32> = small(row, 13, "checksum").ok();
    Ok(RawEvent {
        position: canonical.position,
        number,
        stream,
        revision: canonical.revision,
        part: canonical.part,
        id: Uuid::from_bytes(*canonical.id),
        kind: canonical.kind,
        version: canonical.version,
        actor: Uuid::from_bytes(*canonical.actor),
        key: canonical.key,
        intent: canonical.intent,
        request_id: Uuid::from_bytes(*canonical.request_id),
        recorded_at: canonical.recorded_at,
        payload: canonical.payload,
        intact: stream.is_some() && checksum == Some(canonical.checksum(scratch)),
    })
}

fn name<'a>(
    connection: &Connection,
    names: &'a mut [Option<(i64, StreamName)>],
    number: i64,
) -> Option<&'a StreamName> {
    let place = number.cast_unsigned() as usize % names.len();
    let slot = &mut names[place];
    if slot.as_ref().is_none_or(|(kept, _)| *kept != number) {
        let found = row::stream_name(connection, number).ok().flatten();
        *slot = found.map(|name| (number, name));
    }
    slot.as_ref().map(|(_, name)| name)
}

fn number(row: &Row<'_>, column: usize, name: &'static str) -> Result<i64, &'static str> {
    row.get_ref(column)
        .ok()
        .and_then(|value| value.as_i64().ok())
        .ok_or(name)
}

fn small<T: TryFrom<i64>>(row: &Row<'_>, column: usize, name: &'static str) -> Result<T, &'static str> {
    T::try_from(number(row, column, name)?).map_err(|_| name)
}

fn text<'a>(row: &'a Row<'_>, column: usize, name: &'static str) -> Result<&'a str, &'static str> {
    row.get_ref(column)
        .ok()
        .and_then(|value| value.as_str().ok())
        .ok_or(name)
}

fn blob<'a>(row: &'a Row<'_>, column: usize, name: &'static str) -> Result<&'a [u8], &'static str> {
    row.get_ref(column)
        .ok()
        .and_then(|value| value.as_blob().ok())
        .ok_or(name)
}

fn id<'a>(row: &'a Row<'_>, column: usize, name: &'static str) -> Result<&'a [u8; 16], &'static str> {
    blob(row, column, name)?.try_into().map_err(|_| name)
}
