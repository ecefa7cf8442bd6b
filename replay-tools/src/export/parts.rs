//! The part files of an export: written under another name, and only given their own when they are whole and on the disk.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Read, Write},
    path::PathBuf,
};

use sha2::{Digest, Sha256};

use super::{
    line::Line,
    manifest::{Manifest, Part, hex},
};

pub(super) const UNFINISHED: &str = ".unfinished";

pub(super) struct Parts {
    folder: PathBuf,
    manifest: Manifest,
    /// Over the parts that the manifest lists.
    all: Sha256,
    current: Option<Current>,
    text: Vec<u8>,
}

/// The part that is being written.
struct Current {
    file: BufWriter<File>,
    name: String,
    sha256: Sha256,
    bytes: u64,
    events: u64,
    first: u64,
    last: u64,
    types: BTreeMap<String, u64>,
}

impl Parts {
    /// Goes on after the last full part; one that is not full is written anew.
    pub(super) fn continuing(folder: PathBuf, mut manifest: Manifest) -> anyhow::Result<Self> {
        let full = |part: &Part| part.events == manifest.part_events;
        let kept = manifest.parts.iter().take_while(|part| full(part)).count();
        manifest.parts.truncate(kept);
        manifest.complete = false;
        manifest.to = 0;
        manifest.add_up();
        let mut all = Sha256::new();
        for part in &manifest.parts {
            let mut bytes = Vec::new();
            File::open(folder.join(&part.file))?.read_to_end(&mut bytes)?;
            all.update(&bytes);
        }
        Ok(Self {
            folder,
            manifest,
            all,
            current: None,
            text: Vec::new(),
        })
    }

    pub(super) fn last_position(&self) -> Option<u64> {
        self.manifest.parts.last().map(|part| part.last)
    }

    pub(super) fn write(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        self.text.clear();
        serde_json::to_writer(&mut self.text, line)?;
        self.text.push(b'\n');
        let current = match &mut self.current {
            Some(current) => current,
            none => none.insert(Current::begin(
                &self.folder,
                self.manifest.parts.len() + 1,
                line.position,
            )?),
        };
        current.add(line, &self.text)?;
        if current.events == self.manifest.part_events {
            self.close_part()?;
            self.manifest.save(&self.folder)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self, to: u64) -> anyhow::Result<Manifest> {
        self.close_part()?;
        self.manifest.to = to;
        self.manifest.complete = true;
        self.manifest.save(&self.folder)?;
        Ok(self.manifest)
    }

    fn close_part(&mut self) -> anyhow::Result<()> {
        let Some(current) = self.current.take() else {
            return Ok(());
        };
        let unfinished = self.folder.join(format!("{}{UNFINISHED}", current.name));
        let file = current.file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, self.folder.join(&current.name))?;
        // The hash over all is that of the bytes of each part, so they are taken from where they are now.
        let mut bytes = Vec::new();
        File::open(self.folder.join(&current.name))?.read_to_end(&mut bytes)?;
        self.all.update(&bytes);
        self.manifest.parts.push(Part {
            file: current.name,
            sha256: hex(&current.sha256.finalize()),
            bytes: current.bytes,
            events: current.events,
            first: current.first,
            last: current.last,
            types: current.types,
        });
        self.manifest.sha256 = hex(&self.all.clone().finalize());
        self.manifest.add_up();
        Ok(())
    }
}

impl Current {
    fn begin(folder: &std::path::Path, number: usize, first: u64) -> anyhow::Result<Self> {
        let name = format!("events-{number:06}.jsonl");
        let file = File::create(folder.join(format!("{name}{UNFINISHED}")))?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file),
            name,
            sha256: Sha256::new(),
            bytes: 0,
            events: 0,
            first,
            last: first,
            types: BTreeMap::new(),
        })
    }

    fn add(&mut self, line: &Line<'_>, text: &[u8]) -> anyhow::Result<()> {
        self.file.write_all(text)?;
        self.sha256.update(text);
        self.bytes += text.len() as u64;
        self.events += 1;
        self.last = line.position;
        match self.types.get_mut(&*line.kind) {
            Some(count) => *count += 1,
            None => {
                self.types.insert(line.kind.clone().into_owned(), 1);
            }
        }
        Ok(())
    }
}
