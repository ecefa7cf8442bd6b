//! What every dry run does: find the messages of the channels that are meant, ask the rule, count by channel and type, keep examples.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::ControlFlow,
    sync::Arc,
};

use chrono::DateTime;
use clap::Args;
use domain::{ChannelId, EventId, MessageId, SpaceId, channel::Event};
use event_store::{RawEvent, ReadOnlyLog, Scanned};
use indicatif::ProgressBar;
use projections::Fact;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    ending::Ending,
    naming, progress,
    results::{Showing, grouped, time_of_micros},
    source::{Source, blocking},
};

#[derive(Args, Clone)]
pub(super) struct Scope {
    /// Only this channel
    #[arg(long, value_parser = naming::channel, conflicts_with = "space")]
    channel: Option<ChannelId>,
    /// Only the channels of this space
    #[arg(long, value_parser = naming::space)]
    space: Option<SpaceId>,
    /// How many examples
    #[arg(long, default_value_t = 10)]
    examples: usize,
    /// Shows the words of the examples
    #[arg(long)]
    show_bodies: bool,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    showing: Showing,
}

/// Words in a channel, at some version of their message.
pub(super) struct Words<'a> {
    pub(super) body: &'a str,
    pub(super) sent_at: DateTime<chrono::Utc>,
}

#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Count {
    events: u64,
    /// Of payloads.
    bytes: u64,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    rule: String,
    looked_at: u64,
    messages: u64,
    already_deleted: u64,
    by_type: BTreeMap<String, Count>,
    by_channel: BTreeMap<ChannelId, Count>,
    examples: Vec<Example>,
    damaged: u64,
}

#[derive(Debug, Serialize)]
struct Example {
    channel: ChannelId,
    seq: u64,
    event: EventId,
    message: MessageId,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

/// What the first pass learns.
#[derive(Default)]
struct Known {
    deleted: HashSet<MessageId>,
    spaces: HashMap<Uuid, SpaceId>,
}

/// Runs a rule over the history and prints what came of it.
pub(super) async fn run(
    scope: Scope,
    rule: String,
    touches: impl Fn(&Words<'_>) -> bool + Send + 'static,
) -> anyhow::Result<Ending> {
    let log = scope.source.open().await?;
    let to = log.ends().await?.newest;
    let bar = progress::bar(scope.showing, 2 * to, "events");
    let showing = scope.showing;
    let report = blocking({
        let (log, bar) = (Arc::clone(&log), bar.clone());
        move || {
            let known = learn(&log, to, &bar)?;
            apply(&log, to, &scope, &known, rule, &touches, &bar)
        }
    })
    .await?;
    bar.finish_and_clear();
    let mut results = showing.results();
    results.json(&report)?;
    results.say(format!(
        "{}: {} messages would be concerned, of {} with words that were looked at; {} more are deleted already",
        report.rule,
        grouped(report.messages),
        grouped(report.looked_at),
        grouped(report.already_deleted)
    ))?;
    for (kind, count) in &report.by_type {
        let (events, bytes) = (grouped(count.events), grouped(count.bytes));
        results.say(format!("  {kind:<36} {events:>13} events {bytes:>16} bytes"))?;
    }
    results.say(format!("in {} channels", report.by_channel.len()))?;
    for (channel, count) in &report.by_channel {
        let (events, bytes) = (grouped(count.events), grouped(count.bytes));
        results.say(format!("  {channel:<36} {events:>13} events {bytes:>16} bytes"))?;
    }
    if !report.examples.is_empty() {
        results.say("for example")?;
    }
    for example in &report.examples {
        let body = example
            .body
            .as_deref()
            .map(|body| format!(": {body}"))
            .unwrap_or_default();
        results.say(format!(
            "  {} seq {} {}{body}",
            example.channel, example.seq, example.message
        ))?;
    }
    results.finish()?;
    Ok(Ending::Done)
}

fn learn(log: &ReadOnlyLog, to: u64, bar: &ProgressBar) -> anyhow::Result<Known> {
    let mut known = Known::default();
    each_channel_event(log, to, bar, &mut |stored, event| match event {
        Event::Created(created) => {
            let id = stored.stream.and_then(event_store::StreamName::id);
            if let Some((id, space)) = id.zip(created.space) {
                known.spaces.insert(id, space);
            }
        }
        Event::Deleted(deleted) => drop(known.deleted.insert(deleted.message)),
        Event::Restored(restored) => drop(known.deleted.remove(&restored.message)),
        _ => {}
    })?;
    Ok(known)
}

fn apply(
    log: &ReadOnlyLog,
    to: u64,
    scope: &Scope,
    known: &Known,
    rule: String,
    touches: &dyn Fn(&Words<'_>) -> bool,
    bar: &ProgressBar,
) -> anyhow::Result<Report> {
    let mut report = Report {
        rule,
        ..Report::default()
    };
    // A message of which several versions are touched is one message.
    let mut counted: HashSet<MessageId> = HashSet::new();
    report.damaged = each_channel_event(log, to, bar, &mut |stored, event| {
        let Some((message, body)) = words(&event) else { return };
        let Some(channel) = stored.stream.and_then(event_store::StreamName::id) else {
            return;
        };
        if !scope.takes(channel, known) {
            return;
        }
        report.looked_at += u64::from(matches!(event, Event::Sent(_)));
        let sent_at = DateTime::from_timestamp_micros(stored.recorded_at).unwrap_or_default();
        if !touches(&Words { body, sent_at }) {
            return;
        }
        if known.deleted.contains(&message) {
            report.already_deleted += u64::from(matches!(event, Event::Sent(_)));
            return;
        }
        report.messages += u64::from(counted.insert(message));
        let bytes = stored.payload.len() as u64;
        report.by_type.entry(stored.kind.to_owned()).or_default().add(bytes);
        report.by_channel.entry(channel.into()).or_default().add(bytes);
        if report.examples.len() < scope.examples {
            report.examples.push(Example {
                channel: channel.into(),
                seq: stored.revision + 1,
                event: stored.id.into(),
                message,
                at: time_of_micros(stored.recorded_at),
                body: scope.show_bodies.then(|| body.to_owned()),
            });
        }
    })?;
    Ok(report)
}

/// Events of channels that can be read; returns how many of the log cannot.
fn each_channel_event(
    log: &ReadOnlyLog,
    to: u64,
    bar: &ProgressBar,
    visit: &mut dyn FnMut(&RawEvent<'_>, Event),
) -> anyhow::Result<u64> {
    let mut damaged = 0;
    let mut seen = 0_u64;
    log.scanner()?.scan(0, to, &mut |scanned| {
        seen += 1;
        if seen.is_multiple_of(progress::STEP_EVENTS) {
            bar.inc(progress::STEP_EVENTS);
        }
        match scanned {
            Scanned::Event(stored) if !stored.intact => damaged += 1,
            Scanned::Event(stored) => {
                let channel = stored.stream.filter(|stream| stream.category() == "channel");
                let read = channel.map(|stream| Fact::read(stream, stored.kind, stored.version, stored.payload));
                match read {
                    Some(Ok(Fact::Channel(_, event))) => visit(&stored, event),
                    Some(Err(_)) => damaged += 1,
                    Some(Ok(_)) | None => {}
                }
            }
            Scanned::Unreadable { .. } | Scanned::Broken { .. } => damaged += 1,
        }
        ControlFlow::Continue(())
    })?;
    Ok(damaged)
}

fn words(event: &Event) -> Option<(MessageId, &str)> {
    match event {
        Event::Sent(sent) => Some((sent.message, sent.body.as_str())),
        Event::Edited(edited) => Some((edited.message, edited.body.as_str())),
        Event::Restored(restored) => Some((restored.message, restored.body.as_str())),
        _ => None,
    }
}

impl Scope {
    fn takes(&self, channel: Uuid, known: &Known) -> bool {
        let channel_fits = self.channel.is_none_or(|wanted| wanted.uuid() == channel);
        let space_fits = self
            .space
            .is_none_or(|wanted| known.spaces.get(&channel) == Some(&wanted));
        channel_fits && space_fits
    }
}

impl Count {
    fn add(&mut self, bytes: u64) {
        self.events += 1;
        self.bytes += bytes;
    }
}
