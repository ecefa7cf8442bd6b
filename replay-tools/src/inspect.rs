//! `replay inspect`: streams and events as they stand in the log. Payloads hold people's words, so they are only shown when asked for.

mod event;
mod events;
mod header;
mod streams;

use clap::{Args, Subcommand};

use crate::ending::Ending;

#[derive(Args)]
#[command(after_help = "Example: replay inspect events channel_01h455vb4pex5vsknk084sn02q --limit 20")]
pub(crate) struct Inspect {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Which streams there are, with their counts and times
    Streams(streams::Streams),
    /// The events of one stream, or of a range of the log
    Events(events::Events),
    /// One event, by its id or its position
    Event(event::One),
}

impl Inspect {
    pub(crate) async fn run(self) -> anyhow::Result<Ending> {
        match self.what {
            What::Streams(streams) => streams.run().await,
            What::Events(events) => events.run().await,
            What::Event(event) => event.run().await,
        }
    }
}
