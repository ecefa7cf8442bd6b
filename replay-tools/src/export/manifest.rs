//! The manifest of an export: which log, what of it, and the hash of each part. Nothing in it depends on when or where it was written.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
};

use anyhow::Context;
use event_store::Identity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use super::filter::Shown;
use crate::ending::wrong_usage;

pub(crate) const FORMAT: &str = "verbatim-export/1";
const FILE: &str = "manifest.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: String,
    pub(crate) log: LogIdentity,
    pub(crate) filter: Shown,
    /// The first position that was looked at.
    pub(crate) from: u64,
    pub(crate) part_events: u64,
    /// The last position that was looked at; 0 until the export is complete.
    pub(crate) to: u64,
    pub(crate) complete: bool,
    pub(crate) events: u64,
    /// Of all parts, one after the other.
    pub(crate) sha256: String,
    pub(crate) types: BTreeMap<String, u64>,
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogIdentity {
    pub(crate) id: uuid::Uuid,
    pub(crate) incarnation: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) events: u64,
    /// Positions.
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) types: BTreeMap<String, u64>,
}

/// Whether the parts are what the manifest says.
pub(crate) enum Checked {
    Same(Manifest),
    /// In words.
    Damaged(String),
}

impl Manifest {
    pub(super) fn new(log: Identity, filter: Shown, from: u64, part_events: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            log: LogIdentity {
                id: log.id,
                incarnation: log.incarnation,
            },
            filter,
            from,
            part_events,
            to: 0,
            complete: false,
            events: 0,
            sha256: hex(&Sha256::new().finalize()),
            types: BTreeMap::new(),
            parts: Vec::new(),
        }
    }

    pub(crate) fn is_whole_log(&self) -> bool {
        self.filter == Shown::default() && self.from == 1
    }

    /// What the numbers of the parts amount to.
    pub(super) fn add_up(&mut self) {
        self.events = self.parts.iter().map(|part| part.events).sum();
        self.types.clear();
        for part in &self.parts {
            for (kind, count) in &part.types {
                *self.types.entry(kind.clone()).or_default() += count;
            }
        }
    }

    /// Replaces the file as a whole, so that a kill leaves the old one or the new one.
    pub(super) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let new = folder.join("manifest.json.new");
        let mut file = File::create(&new)?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, folder.join(FILE))?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }
}

/// Reads and checks an export: every part against its hash, and all of them against theirs.
pub(crate) fn checked(folder: &Path) -> anyhow::Result<Checked> {
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let manifest: Manifest =
        serde_json::from_str(&text).with_context(|| format!("{} is no manifest of an export", path.display()))?;
    if manifest.format != FORMAT {
        anyhow::bail!(
            "{} has the format {}, this is {FORMAT}",
            path.display(),
            manifest.format
        );
    }
    let mut all = Sha256::new();
    for part in &manifest.parts {
        // Names come from a file that anybody may have written.
        if part.file.contains(['/', '\\']) {
            anyhow::bail!("{} names a part outside of its folder", path.display());
        }
        let found = hash(&folder.join(&part.file), &mut all);
        let found = found.with_context(|| format!("the part {} cannot be read", part.file))?;
        if found != part.sha256 {
            return Ok(Checked::Damaged(format!(
                "{} is not what the manifest says: sha256 {found} instead of {}",
                part.file, part.sha256
            )));
        }
    }
    let found = hex(&all.finalize());
    if found != manifest.sha256 {
        return Ok(Checked::Damaged(format!(
            "the parts together are not what the manifest says: sha256 {found} instead of {}",
            manifest.sha256
        )));
    }
    Ok(Checked::Same(manifest))
}

/// The export of this log that the folder holds already, or a new one.
pub(super) fn continued(folder: &Path, wanted: Manifest) -> anyhow::Result<Checked> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    if !folder.join(FILE).exists() {
        let strange = std::fs::read_dir(folder)?
            .flatten()
            .any(|entry| !is_unfinished(&entry.file_name()));
        if strange {
            return Err(wrong_usage(format!("{} holds other files", folder.display())));
        }
        return Ok(Checked::Same(wanted));
    }
    let found = match checked(folder)? {
        Checked::Same(found) => found,
        damaged => return Ok(damaged),
    };
    let same = (&found.log, &found.filter, found.from, found.part_events)
        == (&wanted.log, &wanted.filter, wanted.from, wanted.part_events);
    if same {
        Ok(Checked::Same(found))
    } else {
        Err(wrong_usage(format!("{} holds another export", folder.display())))
    }
}

fn is_unfinished(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    name.ends_with(super::parts::UNFINISHED) || name.ends_with(".new")
}

fn hash(path: &Path, all: &mut Sha256) -> std::io::Result<String> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut part = Sha256::new();
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hex(&part.finalize()));
        }
        part.update(bytes);
        all.update(bytes);
        let read = bytes.len();
        file.consume(read);
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
