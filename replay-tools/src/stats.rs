//! `replay stats`: what the log is made of, counted in one pass: by type, by day, by channel, and what an event costs on the disk.

use std::{
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate};
use clap::Args;
use domain::ChannelId;
use event_store::{RawEvent, ReadOnlyLog, Scanned};
use indicatif::ProgressBar;
use serde::Serialize;

use crate::{
    ending::Ending,
    progress,
    results::{Results, Showing, grouped, per},
    source::{Source, blocking},
};

/// Kinds counted by name; a log that is not ours may have any number.
const KINDS_MAX: usize = 1_024;

#[derive(Args)]
#[command(after_help = "Example: replay stats --data-dir ./data --top 5")]
pub(crate) struct Stats {
    /// How many of the largest channels
    #[arg(long, default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Count {
    events: u64,
    /// Of payloads.
    bytes: u64,
}

#[derive(Serialize)]
struct Report {
    events: u64,
    payload_bytes: u64,
    payload_bytes_per_event: f64,
    damaged: u64,
    by_type: BTreeMap<String, Count>,
    by_day: BTreeMap<NaiveDate, Count>,
    channels: u64,
    by_channel: Vec<ChannelCount>,
    log_file_bytes: u64,
    log_bytes_per_event: f64,
    views_file_bytes: u64,
    views_bytes_per_event: f64,
}

#[derive(Serialize)]
struct ChannelCount {
    channel: ChannelId,
    #[serde(flatten)]
    count: Count,
}

#[derive(Default)]
struct Tally {
    all: Count,
    damaged: u64,
    kinds: HashMap<String, Count>,
    /// Days since 1970.
    days: BTreeMap<i64, Count>,
    /// By the number of the stream, which are dense.
    channels: Vec<Option<(ChannelId, Count)>>,
}

impl Stats {
    pub(crate) async fn run(self) -> anyhow::Result<Ending> {
        let log = self.source.open().await?;
        let ends = log.ends().await?;
        let bar = progress::bar(self.showing, ends.newest, "events");
        let tally = blocking({
            let (log, bar) = (Arc::clone(&log), bar.clone());
            move || Tally::of(&log, ends.newest, ends.streams, &bar)
        })
        .await?;
        bar.finish_and_clear();
        let sizes = (log_bytes(&self.source.path()), views_bytes(&self.source.data_dir));
        let report = Report::of(tally, self.top, sizes);
        let mut results = self.showing.results();
        results.json(&report)?;
        report.say(&mut results)?;
        results.finish()?;
        Ok(Ending::Done)
    }
}

impl Tally {
    fn of(log: &ReadOnlyLog, to: u64, streams: i64, bar: &ProgressBar) -> anyhow::Result<Self> {
        let mut tally = Self::default();
        tally.channels.resize_with(usize::try_from(streams)? + 1, || None);
        log.scanner()?.scan(0, to, &mut |scanned| {
            match scanned {
                Scanned::Event(event) => tally.add(&event),
                Scanned::Unreadable { .. } | Scanned::Broken { .. } => tally.damaged += 1,
            }
            if tally.all.events.is_multiple_of(progress::STEP_EVENTS) {
                bar.set_position(tally.all.events);
            }
            ControlFlow::Continue(())
        })?;
        Ok(tally)
    }

    fn add(&mut self, event: &RawEvent<'_>) {
        const DAY_MICROS: i64 = 86_400_000_000;
        let bytes = event.payload.len() as u64;
        self.all.add(bytes);
        self.damaged += u64::from(!event.intact);
        if !self.kinds.contains_key(event.kind) && self.kinds.len() < KINDS_MAX {
            self.kinds.insert(event.kind.to_owned(), Count::default());
        }
        if let Some(kind) = self.kinds.get_mut(event.kind) {
            kind.add(bytes);
        }
        self.days
            .entry(event.recorded_at.div_euclid(DAY_MICROS))
            .or_default()
            .add(bytes);
        let slot = usize::try_from(event.number)
            .ok()
            .and_then(|number| self.channels.get_mut(number));
        let Some(slot) = slot else { return };
        if slot.is_none() {
            let channel = event.stream.filter(|stream| stream.category() == "channel");
            *slot = channel
                .and_then(|stream| stream.id())
                .map(|id| (ChannelId::from(id), Count::default()));
        }
        if let Some((_, count)) = slot {
            count.add(bytes);
        }
    }
}

impl Count {
    fn add(&mut self, bytes: u64) {
        self.events += 1;
        self.bytes += bytes;
    }
}

impl Report {
    fn of(tally: Tally, top: usize, (log_file_bytes, views_file_bytes): (u64, u64)) -> Self {
        let mut by_channel: Vec<ChannelCount> = tally
            .channels
            .into_iter()
            .flatten()
            .map(|(channel, count)| ChannelCount { channel, count })
            .collect();
        let channels = by_channel.len() as u64;
        by_channel.sort_by_key(|channel| (std::cmp::Reverse(channel.count.events), channel.channel));
        by_channel.truncate(top);
        let events = tally.all.events;
        let days = tally.days.into_iter().map(|(day, count)| {
            let date = DateTime::from_timestamp(day.saturating_mul(86_400), 0).unwrap_or_default();
            (date.date_naive(), count)
        });
        Self {
            events,
            payload_bytes: tally.all.bytes,
            payload_bytes_per_event: per(tally.all.bytes, events),
            damaged: tally.damaged,
            by_type: tally.kinds.into_iter().collect(),
            by_day: days.collect(),
            channels,
            by_channel,
            log_file_bytes,
            log_bytes_per_event: per(log_file_bytes, events),
            views_file_bytes,
            views_bytes_per_event: per(views_file_bytes, events),
        }
    }

    fn say(&self, results: &mut Results) -> anyhow::Result<()> {
        results.say(format!(
            "{} events, {} payload bytes, {:.0} an event",
            grouped(self.events),
            grouped(self.payload_bytes),
            self.payload_bytes_per_event
        ))?;
        results.say(format!(
            "on disk: log {} bytes ({:.0} an event), views {} bytes ({:.0} an event)",
            grouped(self.log_file_bytes),
            self.log_bytes_per_event,
            grouped(self.views_file_bytes),
            self.views_bytes_per_event
        ))?;
        if self.damaged > 0 {
            results.say(format!("{} damaged; `replay verify` lists them", grouped(self.damaged)))?;
        }
        results.say("\nby type")?;
        for (kind, count) in &self.by_type {
            say_count(results, kind, *count)?;
        }
        results.say("\nby day")?;
        for (day, count) in &self.by_day {
            say_count(results, &day.to_string(), *count)?;
        }
        results.say(format!("\nthe largest of {} channels", grouped(self.channels)))?;
        for channel in &self.by_channel {
            say_count(results, &channel.channel.to_string(), channel.count)?;
        }
        Ok(())
    }
}

fn say_count(results: &mut Results, name: &str, count: Count) -> anyhow::Result<()> {
    let (events, bytes) = (grouped(count.events), grouped(count.bytes));
    Ok(results.say(format!("  {name:<36} {events:>13} events {bytes:>16} bytes"))?)
}

/// The file and its write-ahead log.
fn log_bytes(log: &Path) -> u64 {
    let mut wal = log.as_os_str().to_owned();
    wal.push("-wal");
    size(log) + size(&PathBuf::from(wal))
}

/// Whatever the data folder has of views: a folder of them, or one file and what belongs to it.
fn views_bytes(data: &Path) -> u64 {
    let folder = data.join("views");
    let inside = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let generations: u64 = inside.map(|entry| size(&entry.path())).sum();
    generations + size(&data.join("views.sqlite")) + size(&data.join("views.sqlite-wal"))
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}
