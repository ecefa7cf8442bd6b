//! The databases of the views, opened for reading alone: one a generation, named `<projection>.<generation>.sqlite`, as the service keeps
//! them in a folder of its own.

use std::path::{Path, PathBuf};

use anyhow::Context;
use projections::{ALL, Projection};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use uuid::Uuid;

/// A generation of a view, in one moment of it: whatever is read from the connection belongs together.
pub(crate) struct OpenGeneration {
    pub(crate) projection: &'static Projection,
    pub(crate) number: u64,
    pub(crate) version: u32,
    pub(crate) position: u64,
    pub(crate) log: (Uuid, u32),
    pub(crate) connection: Connection,
}

/// Every generation that the folder has of a view this version knows; none where there is no folder.
pub(crate) fn generations(folder: &Path) -> anyhow::Result<Vec<OpenGeneration>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some((projection, number)) = named(&path) else {
            continue;
        };
        found.extend(open(&path, projection, number)?);
    }
    found.sort_by_key(|generation| (generation.projection.name, generation.number));
    Ok(found)
}

/// One generation by its name.
pub(crate) fn generation(folder: &Path, projection: &str, number: u64) -> anyhow::Result<OpenGeneration> {
    let path = folder.join(format!("{projection}.{number}.sqlite"));
    let known = named(&path).with_context(|| format!("there is no view called {projection}"))?;
    let found = path.exists().then(|| open(&path, known.0, number)).transpose()?;
    found
        .flatten()
        .with_context(|| format!("{} has no generation {number} of {projection}", folder.display()))
}

fn named(path: &Path) -> Option<(&'static Projection, u64)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".sqlite")?;
    let (projection, number) = name.rsplit_once('.')?;
    let known = ALL.iter().find(|known| known.name == projection)?;
    Some((known, number.parse().ok()?))
}

/// Nothing for a file that is only being made.
fn open(path: &Path, projection: &'static Projection, number: u64) -> anyhow::Result<Option<OpenGeneration>> {
    let unreadable = || format!("{} cannot be read", path.display());
    let connection = connect(path).with_context(unreadable)?;
    let checkpoint = checkpoint(&connection).with_context(unreadable)?;
    Ok(checkpoint.map(|(version, position, id, incarnation)| OpenGeneration {
        projection,
        number,
        version,
        position,
        log: (id, incarnation),
        connection,
    }))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
    let access = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(PathBuf::from(path), access)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", "on")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Rows, sums and checkpoint of one moment; it ends with the connection.
    connection.execute_batch("begin")?;
    Ok(connection)
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<Option<(u32, u64, Uuid, u32)>> {
    if !connection.table_exists(None, "checkpoint")? {
        return Ok(None);
    }
    let row = connection.query_row(include_str!("views_folder/checkpoint.sql"), [], |row| {
        let id: [u8; 16] = row.get(2)?;
        Ok((
            row.get(0)?,
            row.get::<_, i64>(1)?.cast_unsigned(),
            Uuid::from_bytes(id),
            row.get(3)?,
        ))
    });
    row.optional()
}
