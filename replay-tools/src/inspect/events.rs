//! `replay inspect events`: the events of one stream by seq, or of the whole log by position.

use std::ops::ControlFlow;

use clap::Args;
use event_store::{EventLog, ReadOnlyLog, Scanned, StreamName};

use super::header::Header;
use crate::{
    ending::Ending,
    naming,
    results::{Results, Showing},
    source::Source,
};

/// Events asked for at once.
const PAGE_EVENTS: usize = 1_000;

#[derive(Args)]
#[command(after_help = "Example: replay inspect events channel_01h455vb4pex5vsknk084sn02q --from 10 --to 20 --payload")]
pub(super) struct Events {
    /// A stream (channel-6d1f…) or a public id (channel_…); without it the whole log
    #[arg(value_parser = naming::stream)]
    stream: Option<StreamName>,
    /// From this seq of the stream, or this position of the log, on
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Up to this seq or position
    #[arg(long)]
    to: Option<u64>,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Shows payloads too: they hold people's words
    #[arg(long)]
    payload: bool,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    showing: Showing,
}

impl Events {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        let log = self.source.open().await?;
        let mut results = self.showing.results();
        match &self.stream {
            Some(stream) => self.of_stream(&log, stream, &mut results).await?,
            None => self.of_log(&log, &mut results).await?,
        }
        results.finish()?;
        Ok(Ending::Done)
    }

    async fn of_stream(&self, log: &ReadOnlyLog, stream: &StreamName, results: &mut Results) -> anyhow::Result<()> {
        let to = self.to.unwrap_or(u64::MAX);
        let (mut next, mut left) = (self.from.saturating_sub(1), self.limit);
        while left > 0 {
            let page = log.read_stream(stream, next, PAGE_EVENTS.min(left)).await?;
            if page.last_revision.is_none() {
                anyhow::bail!("there is no stream {stream}");
            }
            for recorded in &page.events {
                if recorded.revision >= to {
                    return Ok(());
                }
                Header::of(recorded, self.payload).show(results)?;
            }
            left -= page.events.len();
            match page.events.last() {
                Some(last) => next = last.revision + 1,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Shows damaged events too.
    async fn of_log(&self, log: &ReadOnlyLog, results: &mut Results) -> anyhow::Result<()> {
        let to = self.to.unwrap_or(log.ends().await?.newest);
        let mut left = self.limit;
        let mut outcome = Ok(());
        log.scanner()?.scan(self.from.saturating_sub(1), to, &mut |scanned| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            outcome = match scanned {
                Scanned::Event(event) => Header::of_raw(&event, self.payload).show(results),
                Scanned::Unreadable { position, column } => results
                    .say(format!(
                        "{position:>10}  no event: the column {column} holds something else"
                    ))
                    .map_err(Into::into),
                Scanned::Broken { after } => results
                    .say(format!("            the file is damaged after position {after}"))
                    .map_err(Into::into),
            };
            if outcome.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        outcome
    }
}
