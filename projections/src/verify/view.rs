//! A generation of a view at one moment: rows, sums, checkpoint and what was put aside, all of one read transaction.

use std::{collections::BTreeMap, path::Path};

use event_store::StreamName;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::registry::Projection;

/// How long the file may be locked before reading it is an error.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Lasts as long as this does. Writers go on meanwhile.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) connection: Connection,
    pub(super) projection: &'static Projection,
    /// Everything at or below is in the rows.
    pub(super) position: u64,
}

impl Snapshot {
    pub(super) fn open(path: &Path, projection: &'static Projection) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.execute_batch("begin")?;
        let position: i64 = connection.query_row("select position from checkpoint", [], |row| row.get(0))?;
        Ok(Self {
            connection,
            projection,
            position: position.cast_unsigned(),
        })
    }

    /// Where the stream was put aside, if it was.
    pub(super) fn parked_at(&self, stream: &StreamName) -> rusqlite::Result<Option<u64>> {
        let found = self
            .connection
            .query_row(include_str!("first_parked.sql"), [stream.as_str()], |row| {
                row.get::<_, Option<i64>>(0)
            })
            .optional()?;
        Ok(found.flatten().map(i64::cast_unsigned))
    }

    /// Every stream that was put aside, and where.
    pub(super) fn parked(&self) -> rusqlite::Result<BTreeMap<StreamName, u64>> {
        let mut statement = self.connection.prepare(include_str!("parked_since.sql"))?;
        let streams = statement.query_map([], |row| {
            let stream: String = row.get(0)?;
            Ok((StreamName::from_text(&stream), row.get::<_, i64>(1)?.cast_unsigned()))
        })?;
        streams.collect()
    }
}
