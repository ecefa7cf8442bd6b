//! A cache of folded states on disk, so that a long stream is not read from its beginning each time it comes back into memory. Every
//! file may be deleted at any time: whatever is missing, damaged or from another program version is folded from the log instead.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use domain::Decider;
use event_store::{Identity, StreamName};
use serde::{Deserialize, Serialize};

/// A folded state and how far it is folded.
#[derive(Serialize, Deserialize)]
pub(crate) struct Snapshot<S> {
    pub(crate) state: S,
    pub(crate) count: u64,
    pub(crate) position: u64,
    pub(crate) last_at: DateTime<Utc>,
}

/// Where snapshots are kept, and of which log. Without a folder nothing is kept.
#[derive(Clone)]
pub(crate) struct Snapshots {
    folder: Option<Arc<Path>>,
    log: Identity,
}

/// Format of the file around the state; the state has a version of its own.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize, PartialEq)]
struct Header {
    format: u32,
    state_version: u32,
    log: String,
    stream: String,
}

impl Snapshots {
    pub(crate) fn new(folder: Option<PathBuf>, log: Identity) -> Self {
        Self {
            folder: folder.map(Into::into),
            log,
        }
    }

    /// The newest usable snapshot of a stream.
    pub(crate) async fn load<D: Decider>(&self, stream: &StreamName) -> Option<Snapshot<D::State>> {
        let path = self.path(stream)?;
        let expected = self.header::<D>(stream);
        tokio::task::spawn_blocking(move || read(&path, &expected))
            .await
            .ok()
            .flatten()
    }

    /// Writes a snapshot in the background. Failing costs only time later, so it is logged and forgotten.
    pub(crate) fn save<D: Decider>(&self, stream: &StreamName, snapshot: &Snapshot<&D::State>) {
        let Some(path) = self.path(stream) else { return };
        let content = match rmp_serde::to_vec(&(self.header::<D>(stream), snapshot)) {
            Ok(content) => content,
            Err(error) => return tracing::warn!(%stream, %error, "Snapshot cannot be encoded"),
        };
        let stream = stream.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = write(&path, &content) {
                tracing::warn!(%stream, %error, "Snapshot cannot be written");
            }
        });
    }

    fn path(&self, stream: &StreamName) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{stream}.snapshot")))
    }

    fn header<D: Decider>(&self, stream: &StreamName) -> Header {
        Header {
            format: FORMAT,
            state_version: D::STATE_VERSION,
            log: self.log.to_string(),
            stream: stream.to_string(),
        }
    }
}

/// The checksum comes first, over everything after it.
fn read<S: serde::de::DeserializeOwned>(path: &Path, expected: &Header) -> Option<Snapshot<S>> {
    let content = std::fs::read(path).ok()?;
    let (checksum, body) = content.split_first_chunk::<4>()?;
    if crc32c::crc32c(body).to_le_bytes() != *checksum {
        return None;
    }
    let (header, snapshot): (Header, Snapshot<S>) = rmp_serde::from_slice(body).ok()?;
    (header == *expected).then_some(snapshot)
}

/// Renamed into place, so that a reader finds the old snapshot or the new one.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let unfinished = path.with_extension("unfinished");
    let checksum = crc32c::crc32c(content).to_le_bytes();
    std::fs::write(&unfinished, [&checksum[..], content].concat())?;
    std::fs::rename(&unfinished, path)
}
