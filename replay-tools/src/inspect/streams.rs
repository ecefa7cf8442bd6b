//! `replay inspect streams`: which streams there are, in the order of their names.

use clap::Args;
use serde::Serialize;

use crate::{
    ending::{Ending, wrong_usage},
    naming,
    results::{Showing, time},
    source::Source,
};

/// Streams asked for at once.
const PAGE_STREAMS: usize = 500;

#[derive(Args)]
#[command(after_help = "Example: replay inspect streams --category channel --limit 10")]
pub(super) struct Streams {
    /// Only those of one category: user, space, channel, inbox, report, audit
    #[arg(long)]
    category: Option<String>,
    /// Only those whose names start like this
    #[arg(long, conflicts_with = "category")]
    prefix: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Serialize)]
struct Line<'a> {
    stream: &'a str,
    id: Option<String>,
    events: u64,
    first_at: String,
    last_at: String,
}

impl Streams {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        if self.limit == 0 {
            return Err(wrong_usage("--limit must be at least 1"));
        }
        let log = self.source.open().await?;
        let prefix = match (&self.category, &self.prefix) {
            (Some(category), _) => format!("{category}-"),
            (None, prefix) => prefix.clone().unwrap_or_default(),
        };
        let mut results = self.showing.results();
        let (mut shown, mut after) = (0, None);
        while shown < self.limit {
            let page = PAGE_STREAMS.min(self.limit - shown);
            let streams = log.streams(prefix.clone(), after.take(), page).await?;
            for brief in &streams {
                let id = naming::public_id(&brief.name);
                let (first_at, last_at) = (time(brief.first_at), time(brief.last_at));
                results.say(format!(
                    "{}  {:>8} events  {first_at} .. {last_at}  {}",
                    brief.name,
                    brief.events,
                    id.as_deref().unwrap_or("-")
                ))?;
                results.json(&Line {
                    stream: brief.name.as_str(),
                    id,
                    events: brief.events,
                    first_at,
                    last_at,
                })?;
            }
            shown += streams.len();
            match streams.last() {
                Some(last) if streams.len() == page => after = Some(last.name.clone()),
                Some(_) | None => break,
            }
        }
        results.finish()?;
        Ok(Ending::Done)
    }
}
