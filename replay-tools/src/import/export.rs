//! `replay import export`: the events of an export, with their ids, times and bytes as they were. Its hashes are checked before anything is
//! written. Events that are there already are passed over, so an import that was cut off is simply started again.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context;
use clap::Args;
use event_store::{Append, AppendError, EventLog, Expected, Recorded, SqliteLog, SqliteOptions};
use serde::Serialize;

use crate::{
    data_folder,
    ending::Ending,
    export::{
        line::Line,
        manifest::{self, Checked, Manifest},
    },
    progress,
    results::{Showing, grouped},
    source::{LOG, blocking},
};

/// Events handed to the log at once: a full group.
const BATCH_EVENTS: usize = 1_000;

#[derive(Args)]
#[command(after_help = "Example: replay import export ./backup --data-dir ./data-new")]
pub(super) struct FromExport {
    /// The folder that `replay export` wrote
    folder: PathBuf,
    /// The data folder to write to; the service must not be running on it
    #[arg(long, env = "VERBATIM_DATA_DIR", default_value = "./data", value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    events: u64,
    /// Events that were not in the log before.
    new: u64,
    /// Positions of the export where the log has something else.
    differing: u64,
    first_difference: Option<u64>,
}

impl FromExport {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        let folder = self.folder.clone();
        let manifest = match blocking(move || manifest::checked(&folder)).await? {
            Checked::Same(manifest) => manifest,
            Checked::Damaged(why) => {
                eprintln!("{why}; nothing was imported");
                return Ok(Ending::Difference);
            }
        };
        if !manifest.complete {
            anyhow::bail!("the export was cut off; finish it with `replay export`");
        }
        data_folder::make_private(&self.data_dir)?;
        let path = self.data_dir.join(LOG);
        migrations::migrate_log(&path).await?;
        let log = SqliteLog::open(SqliteOptions::new(path))?;
        let bar = progress::bar(self.showing, manifest.events, "events");
        let mut target = Target::new(log, &manifest);
        for part in &manifest.parts {
            let file = File::open(self.folder.join(&part.file))?;
            for text in BufReader::new(file).lines() {
                let text = text?;
                let line: Line<'_> = serde_json::from_str(&text)
                    .with_context(|| format!("{} holds a line that is no event", part.file))?;
                target.push(line.part, line.recorded()?).await?;
                bar.inc(1);
            }
        }
        let report = target.finish().await?;
        bar.finish_and_clear();
        let mut results = self.showing.results();
        results.json(&report)?;
        results.say(format!(
            "{} events: {} new, {} already there",
            grouped(report.events),
            grouped(report.new),
            grouped(report.events - report.new)
        ))?;
        if let Some(first) = report.first_difference {
            results.say(format!(
                "{} stand otherwise in the log than in the export, the first at position {first}",
                grouped(report.differing)
            ))?;
        }
        results.finish()?;
        Ok(Ending::differs(report.differing > 0))
    }
}

/// The log that is written to.
struct Target {
    log: Arc<SqliteLog>,
    /// Positions must come out as they were, since the whole log is brought.
    whole: bool,
    /// Appends on their way, and the events as they should stand afterwards.
    appends: Vec<Append>,
    waiting: Vec<Recorded>,
    report: Report,
}

impl Target {
    fn new(log: Arc<SqliteLog>, manifest: &Manifest) -> Self {
        Self {
            log,
            whole: manifest.is_whole_log(),
            appends: Vec::new(),
            waiting: Vec::new(),
            report: Report::default(),
        }
    }

    /// Events that were appended together are again, so that a retry of their command finds all of them.
    async fn push(&mut self, part: u32, recorded: Recorded) -> anyhow::Result<()> {
        let continues = part > 0
            && self
                .waiting
                .last()
                .is_some_and(|last| last.stream == recorded.stream && last.revision + 1 == recorded.revision);
        match self.appends.last_mut() {
            Some(append) if continues => append.events.push(recorded.event.clone()),
            Some(_) | None => {
                if self.waiting.len() >= BATCH_EVENTS {
                    self.write().await?;
                }
                self.appends.push(Append {
                    stream: recorded.stream.clone(),
                    expected: Expected::after(recorded.revision),
                    events: vec![recorded.event.clone()],
                });
            }
        }
        self.waiting.push(recorded);
        Ok(())
    }

    async fn finish(mut self) -> anyhow::Result<Report> {
        self.write().await?;
        Ok(self.report)
    }

    async fn write(&mut self) -> anyhow::Result<()> {
        let appends = std::mem::take(&mut self.appends);
        let waiting = std::mem::take(&mut self.waiting);
        let counts: Vec<usize> = appends.iter().map(|append| append.events.len()).collect();
        let outcomes = self.log.append(appends).await;
        let mut expected = waiting.iter();
        for (outcome, count) in outcomes.into_iter().zip(counts) {
            let events: Vec<&Recorded> = expected.by_ref().take(count).collect();
            let Some(first) = events.first() else { continue };
            let position = first.position;
            match outcome {
                Ok(appended) => {
                    self.report.events += count as u64;
                    self.report.new += if appended.replayed { 0 } else { count as u64 };
                    let same = appended.events.len() == count
                        && appended
                            .events
                            .iter()
                            .zip(&events)
                            .all(|(found, wanted)| self.is_same(found, wanted));
                    if !same {
                        self.differs(position);
                    }
                }
                Err(AppendError::IdReuse { .. }) => {
                    self.report.events += count as u64;
                    self.differs(position);
                }
                Err(AppendError::Conflict { .. }) => anyhow::bail!(
                    "{} cannot go on with the event of position {position}: the log has another history there, or the export \
                     holds only a part of the stream",
                    first.stream
                ),
                Err(error) => return Err(error).with_context(|| format!("the event of position {position}")),
            }
        }
        Ok(())
    }

    fn is_same(&self, found: &Recorded, wanted: &Recorded) -> bool {
        let place = found.stream == wanted.stream && found.revision == wanted.revision;
        let position = !self.whole || found.position == wanted.position;
        place && position && found.event == wanted.event
    }

    fn differs(&mut self, position: u64) {
        self.report.differing += 1;
        self.report.first_difference.get_or_insert(position);
    }
}
