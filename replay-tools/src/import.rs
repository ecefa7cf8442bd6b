//! `replay import`: history of other systems, appended through the same rules as live commands, or an export of a log, byte for byte.

mod export;
mod irc;
mod pipeline;

use clap::{Args, Subcommand};

use crate::ending::Ending;

/// Brings history from elsewhere into the log
#[derive(Args)]
#[command(after_help = "Example: replay import export ./backup --data-dir ./data-new")]
pub(crate) struct Import {
    #[command(subcommand)]
    source: Source,
}

#[derive(Subcommand)]
enum Source {
    /// Channel logs of IRC: one space for the folder, one channel a file, one person a nickname
    Irc(irc::Irc),
    /// What `replay export` wrote, into an empty log or one that has the beginning of it
    Export(export::FromExport),
}

impl Import {
    pub(crate) async fn run(self) -> anyhow::Result<Ending> {
        match self.source {
            Source::Irc(irc) => irc.run().await.map(|()| Ending::Done),
            Source::Export(export) => export.run().await,
        }
    }
}
