//! `replay import`: history of other systems, appended through the same rules as live commands.

mod irc;
mod pipeline;

use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    source: Source,
}

#[derive(Subcommand)]
enum Source {
    /// Channel logs of IRC: one space for the folder, one channel a file, one person a nickname
    Irc(irc::Irc),
}

impl Import {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.source {
            Source::Irc(irc) => irc.run().await,
        }
    }
}
