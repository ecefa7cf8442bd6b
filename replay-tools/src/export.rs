//! `replay export`: the log as JSON Lines in numbered parts, with a manifest. The same log gives the same bytes, an earlier export is a
//! prefix of a later one, and one that was killed goes on after its last whole part.

mod filter;
pub(crate) mod line;
pub(crate) mod manifest;
mod parts;

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use event_store::ReadOnlyLog;
use indicatif::ProgressBar;

use self::{
    filter::{Filter, What},
    line::Line,
    manifest::{Checked, Manifest},
    parts::Parts,
};
use crate::{
    ending::{Ending, wrong_usage},
    progress,
    results::{Showing, grouped},
    source::{Source, blocking, whole_events},
};

/// Events a part, unless asked otherwise: some ten megabytes, so that little is lost by a kill.
const PART_EVENTS: u64 = 50_000;

#[derive(Args)]
#[command(after_help = "Example: replay export --out ./backup --data-dir ./data")]
pub(crate) struct Export {
    /// The folder to write to: a new or empty one, or that of the same export, which is continued
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    what: What,
    /// From this position on
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Up to this position; by default the end of the log
    #[arg(long)]
    to: Option<u64>,
    /// Events a part
    #[arg(long, default_value_t = PART_EVENTS)]
    part_events: u64,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    showing: Showing,
}

impl Export {
    pub(crate) async fn run(self) -> anyhow::Result<Ending> {
        if self.from == 0 || self.part_events == 0 {
            return Err(wrong_usage("positions and sizes of parts begin at 1"));
        }
        let log = self.source.open().await?;
        let newest = log.ends().await?.newest;
        let to = self.to.map_or(newest, |to| to.min(newest));
        let wanted = Manifest::new(log.identity(), self.what.shown(), self.from, self.part_events);
        let out = self.out.clone();
        let manifest = match blocking(move || manifest::continued(&out, wanted)).await? {
            Checked::Same(manifest) => manifest,
            Checked::Damaged(why) => {
                eprintln!("{why}");
                return Ok(Ending::Difference);
            }
        };
        let resumed = manifest.events;
        let bar = progress::bar(self.showing, to.saturating_sub(self.from - 1), "events");
        let filter = self.what.filter();
        let (out, from) = (self.out.clone(), self.from);
        let written = blocking({
            let bar = bar.clone();
            move || write(&log, Parts::continuing(out, manifest)?, filter, from, to, &bar)
        })
        .await?;
        bar.finish_and_clear();
        let mut results = self.showing.results();
        results.json(&written)?;
        results.say(format!(
            "{} events in {} parts ({} were there already), sha256 {}",
            grouped(written.events),
            written.parts.len(),
            grouped(resumed),
            written.sha256
        ))?;
        results.finish()?;
        Ok(Ending::Done)
    }
}

fn write(
    log: &Arc<ReadOnlyLog>,
    mut parts: Parts,
    filter: Filter,
    from: u64,
    to: u64,
    bar: &ProgressBar,
) -> anyhow::Result<Manifest> {
    let mut after = parts.last_position().unwrap_or(0).max(from - 1);

    let mut scanner = log.scanner()?;
    whole_events(&mut scanner, after, to, &mut |event| {
        after = event.position;
        if after.is_multiple_of(progress::STEP_EVENTS) {
            bar.set_position(after.saturating_sub(from - 1));
        }
        if filter.wants(&event) {
            parts.write(&Line::of(&event)?)?;
        }
        Ok(())
    })?;
    parts.finish(to)
}
