//! `replay diff logs`: two histories side by side, position by position. Each may be a data folder, the file of a log, or an export.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use clap::Args;
use event_store::{EventLog, ReadOnlyLog, Recorded};
use serde::Serialize;

use crate::{
    ending::Ending,
    export::{
        line::Line,
        manifest::{self, Checked},
    },
    results::{Showing, grouped},
    source::{self, Damaged, blocking},
};

/// Events of a log read at once.
const PAGE_EVENTS: usize = 2_000;

#[derive(Args)]
#[command(after_help = "Example: replay diff logs ./data ./backup --prefix")]
pub(super) struct Logs {
    /// A data folder, a log, or an export
    left: PathBuf,
    right: PathBuf,
    /// One may end before the other: an older copy of the same history is no difference
    #[arg(long)]
    prefix: bool,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    /// Positions at which both have the same event.
    same: u64,
    /// Positions at which they have different ones.
    different: u64,
    only_left: u64,
    only_right: u64,
    /// One is the beginning of the other, or they are equal.
    prefix: bool,
    first: Option<First>,
}

#[derive(Debug, Serialize)]
struct First {
    position: u64,
    left: Option<Side>,
    right: Option<Side>,
    /// What of the event is not the same.
    fields: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Side {
    stream: String,
    seq: u64,
    event: domain::EventId,
    #[serde(rename = "type")]
    kind: String,
}

impl Logs {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        let mut left = History::open(&self.left).await?;
        let mut right = History::open(&self.right).await?;
        let report = compare(&mut left, &mut right).await?;
        let mut results = self.showing.results();
        results.json(&report)?;
        results.say(format!(
            "{} events are the same, {} differ, {} are only in {}, {} only in {}",
            grouped(report.same),
            grouped(report.different),
            grouped(report.only_left),
            self.left.display(),
            grouped(report.only_right),
            self.right.display()
        ))?;
        if let Some(first) = &report.first {
            results.say(format!(
                "the first difference is at position {}: {}",
                first.position,
                first.fields.join(", ")
            ))?;
            for (path, side) in [(&self.left, &first.left), (&self.right, &first.right)] {
                let what = side.as_ref().map_or_else(
                    || "no event".to_owned(),
                    |side| format!("{} {} of {}, seq {}", side.event, side.kind, side.stream, side.seq),
                );
                results.say(format!("  {}: {what}", path.display()))?;
            }
        }
        results.finish()?;
        let agree = report.first.is_none() || (self.prefix && report.prefix);
        Ok(Ending::differs(!agree))
    }
}

async fn compare(left: &mut History, right: &mut History) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let (mut l, mut r) = (left.next().await?, right.next().await?);
    loop {
        let first = match (&l, &r) {
            (None, None) => break,
            (Some(one), Some(other)) if one == other => {
                report.same += 1;
                None
            }
            (Some(one), Some(other)) if one.position == other.position => {
                report.different += 1;
                Some(First::of(Some(one), Some(other)))
            }
            (Some(one), other) if other.as_ref().is_none_or(|other| one.position < other.position) => {
                report.only_left += 1;
                Some(First::of(Some(one), None))
            }
            (_, other) => {
                report.only_right += 1;
                Some(First::of(None, other.as_ref()))
            }
        };
        if report.first.is_none() {
            report.first = first;
        }
        let (at_left, at_right) = (
            l.as_ref().map(|event| event.position),
            r.as_ref().map(|event| event.position),
        );
        let reached = at_left.unwrap_or(u64::MAX).min(at_right.unwrap_or(u64::MAX));
        if at_left == Some(reached) {
            l = left.next().await?;
        }
        if at_right == Some(reached) {
            r = right.next().await?;
        }
    }
    let tail = report.only_left == 0 || report.only_right == 0;
    report.prefix =
        report.different == 0 && tail && report.first.as_ref().is_none_or(|first| first.position > report.same);
    Ok(report)
}

impl First {
    fn of(left: Option<&Recorded>, right: Option<&Recorded>) -> Self {
        Self {
            position: left.or(right).map_or(0, |event| event.position),
            left: left.map(Side::of),
            right: right.map(Side::of),
            fields: match (left, right) {
                (Some(left), Some(right)) => fields(left, right),
                _ => vec!["missing on one side"],
            },
        }
    }
}

impl Side {
    fn of(recorded: &Recorded) -> Self {
        Self {
            stream: recorded.stream.to_string(),
            seq: recorded.revision + 1,
            event: recorded.event.id.into(),
            kind: recorded.event.kind.to_string(),
        }
    }
}

fn fields(left: &Recorded, right: &Recorded) -> Vec<&'static str> {
    let (l, r) = (&left.event, &right.event);
    [
        ("stream", left.stream != right.stream),
        ("seq", left.revision != right.revision),
        ("event", l.id != r.id),
        ("type", l.kind != r.kind),
        ("version", l.version != r.version),
        ("actor", l.actor != r.actor),
        ("key", l.key != r.key),
        ("intent", l.intent != r.intent),
        ("request", l.request_id != r.request_id),
        ("time", l.recorded_at != r.recorded_at),
        ("payload", l.payload != r.payload),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}

/// Events in the order of their positions.
enum History {
    Log {
        log: Arc<ReadOnlyLog>,
        page: VecDeque<Arc<Recorded>>,
        after: u64,
    },
    Export {
        folder: PathBuf,
        parts: VecDeque<String>,
        lines: Option<Lines<BufReader<File>>>,
    },
}

impl History {
    async fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.join("manifest.json").exists() {
            return Ok(Self::Log {
                log: source::open_either(path).await?,
                page: VecDeque::new(),
                after: 0,
            });
        }
        let folder = path.to_owned();
        match blocking(move || manifest::checked(&folder)).await? {
            Checked::Same(manifest) => Ok(Self::Export {
                folder: path.to_owned(),
                parts: manifest.parts.into_iter().map(|part| part.file).collect(),
                lines: None,
            }),
            Checked::Damaged(why) => anyhow::bail!("{}: {why}", path.display()),
        }
    }

    async fn next(&mut self) -> anyhow::Result<Option<Recorded>> {
        match self {
            Self::Log { log, page, after } => {
                if page.is_empty() {
                    let next = log.read_all(*after, PAGE_EVENTS).await?;
                    if let Some(damaged) = next.damaged.first() {
                        return Err(Damaged(format!("at position {}", damaged.position)).into());
                    }
                    *after = next.scanned_to;
                    page.extend(next.events);
                }
                Ok(page.pop_front().map(Arc::unwrap_or_clone))
            }
            Self::Export { folder, parts, lines } => loop {
                if let Some(text) = lines.as_mut().and_then(Iterator::next) {
                    let text = text?;
                    let line: Line<'_> = serde_json::from_str(&text).context("a line of the export is no event")?;
                    return Ok(Some(line.recorded()?));
                }
                let Some(part) = parts.pop_front() else { return Ok(None) };
                *lines = Some(BufReader::new(File::open(folder.join(part))?).lines());
            },
        }
    }
}
