//! `replay inspect event`: one event with everything the log knows about it, damaged or not.

use std::ops::ControlFlow;

use clap::Args;
use event_store::Scanned;

use super::header::Header;
use crate::{
    ending::Ending,
    naming::{self, EventRef},
    results::Showing,
    source::Source,
};

#[derive(Args)]
#[command(after_help = "Example: replay inspect event event_01h455vb4pex5vsknk084sn02q --payload")]
pub(super) struct One {
    /// event_…, message_…, a UUID, or a position
    #[arg(value_parser = naming::event)]
    event: EventRef,
    /// Shows the payload too: it holds people's words
    #[arg(long)]
    payload: bool,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    showing: Showing,
}

impl One {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        let log = self.source.open().await?;
        // An id is unique in its stream only, and nearly always in the log.
        let positions = match self.event {
            EventRef::Position(position) => vec![position],
            EventRef::Id(id) => log.positions_of(id).await?,
        };
        let mut scanner = log.scanner()?;
        let mut results = self.showing.results();
        let mut found = 0;
        for position in positions {
            let mut outcome = Ok(());
            scanner.scan(position.saturating_sub(1), position, &mut |scanned| {
                found += 1;
                outcome = match scanned {
                    Scanned::Event(event) => Header::of_raw(&event, self.payload).show_whole(&mut results),
                    Scanned::Unreadable { column, .. } => Err(anyhow::anyhow!(
                        "the column {column} at position {position} holds something else"
                    )),
                    Scanned::Broken { .. } => Err(anyhow::anyhow!("the file is damaged at position {position}")),
                };
                ControlFlow::Break(())
            })?;
            outcome?;
        }
        results.finish()?;
        if found == 0 {
            anyhow::bail!("the log has no such event");
        }
        Ok(Ending::Done)
    }
}
