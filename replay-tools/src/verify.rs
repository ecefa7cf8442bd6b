//! `replay verify`: is the log whole, and do the views say what it says? Every finding is printed; nothing is repaired.

mod floor;
mod log;
mod views;
mod worker;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tokio::runtime::Handle;

use crate::{
    ending::Ending,
    progress,
    results::{Results, Showing, grouped},
    source::{Source, blocking},
};

#[derive(Args)]
#[command(after_help = "Example: replay verify --data-dir ./data --floor")]
pub(crate) struct Verify {
    /// Measures a plain scan of the same table too, and how much slower checking is
    #[arg(long)]
    floor: bool,
    /// Prints at most so many findings; all are counted
    #[arg(long, default_value_t = 1_000)]
    findings: usize,
    /// Threads; by default one a core
    #[arg(long)]
    threads: Option<usize>,
    /// The folder of the views, where it is not in the data folder
    #[arg(long, value_name = "DIR")]
    views: Option<PathBuf>,
    /// Checks the log alone
    #[arg(long)]
    no_views: bool,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    showing: Showing,
}

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) what: What,
    pub(super) position: Option<u64>,
    pub(super) stream: Option<String>,
    pub(super) seq: Option<u64>,
    /// In words; never anything of a payload.
    pub(super) detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// The stored bytes do not match their checksum.
    Checksum,
    /// Positions without an event.
    MissingPosition,
    /// A stream lacks an event, or has one out of place.
    RevisionHole,
    /// An event that no rule of this version understands.
    Unreadable,
    /// A row that is no event.
    BrokenRow,
    /// SQLite cannot read a part of the file.
    BrokenFile,
    /// An event of a stream that has no name.
    NoStream,
    /// A stream without events.
    EmptyStream,
    /// Two events of one stream with the same id.
    DoubleId,
    /// The guard of event ids does not list the events that there are.
    IdGuard,
    /// The log says that it ends elsewhere.
    Head,
    /// A view holds something else than was written, or is of another log.
    View,
}

#[derive(Serialize)]
struct Report {
    log: String,
    events: u64,
    streams: u64,
    payload_bytes: u64,
    findings_count: u64,
    findings: Vec<Finding>,
    seconds: f64,
    events_per_s: f64,
    threads: usize,
    views: Vec<views::CheckedView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor: Option<floor::Floor>,
}

impl Verify {
    pub(crate) async fn run(self) -> anyhow::Result<Ending> {
        let log = self.source.open().await?;
        let ends = log.ends().await?;
        let identity = log.identity();
        let bar = progress::bar(self.showing, ends.newest, "events");
        let threads = self.threads.unwrap_or_else(worker::threads).max(1);
        let (floor, findings_max) = (self.floor, self.findings);
        let views = self.views.clone().unwrap_or_else(|| self.source.data_dir.join("views"));
        let with_views = !self.no_views;
        let work = {
            let bar = bar.clone();
            blocking(move || {
                let before = floor.then(|| floor::measure(&log, ends.newest)).flatten();
                let mut checked = log::check(&log, ends, threads, findings_max, &bar)?;
                let after = floor.then(|| floor::measure(&log, ends.newest)).flatten();
                let mut add = |finding| checked.findings.add(finding);
                let views = if with_views {
                    let newest = || Handle::current().block_on(log.ends()).map(|ends| ends.newest);
                    views::check(&views, identity, newest, &mut add)?
                } else {
                    Vec::new()
                };
                Ok((checked, views, before, after))
            })
        };
        let (checked, views, before, after) = work.await?;
        bar.finish_and_clear();
        let events_per_s = checked.events as f64 / checked.seconds.max(f64::EPSILON);
        let report = Report {
            log: identity.to_string(),
            events: checked.events,
            streams: ends.streams.cast_unsigned(),
            payload_bytes: checked.bytes,
            findings_count: checked.findings.count,
            findings: checked.findings.list,
            seconds: checked.seconds,
            events_per_s,
            threads,
            views,
            floor: floor::best(before, after).map(|best| floor::Floor::of(best, events_per_s)),
        };
        let mut results = self.showing.results();
        results.json(&report)?;
        report.say(&mut results)?;
        results.finish()?;
        Ok(Ending::differs(report.findings_count > 0))
    }
}

impl Report {
    fn say(&self, results: &mut Results) -> anyhow::Result<()> {
        for finding in &self.findings {
            results.say(finding.line())?;
        }
        if self.findings_count > self.findings.len() as u64 {
            results.say(format!(
                "… and {} more",
                self.findings_count - self.findings.len() as u64
            ))?;
        }
        results.say(format!(
            "{} events in {} streams: {}",
            grouped(self.events),
            grouped(self.streams),
            match self.findings_count {
                0 => "whole".to_owned(),
                1 => "1 finding".to_owned(),
                n => format!("{} findings", grouped(n)),
            }
        ))?;
        results.say(format!(
            "{:.2} s, {} events/s on {} threads",
            self.seconds,
            grouped(self.events_per_s as u64),
            self.threads
        ))?;
        for view in &self.views {
            results.say(view.line())?;
        }
        if let Some(floor) = &self.floor {
            results.say(format!(
                "a plain scan on one thread: {} events/s; checking reaches {:.2} of it",
                grouped(floor.events_per_s as u64),
                floor.ratio
            ))?;
        }
        Ok(())
    }
}

impl Finding {
    fn line(&self) -> String {
        let position = self
            .position
            .map_or_else(|| "-".to_owned(), |position| position.to_string());
        let stream = self.stream.as_deref().unwrap_or("-");
        let seq = self.seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string());
        format!("position {position}, stream {stream}, seq {seq}: {}", self.detail)
    }
}
