//! `replay`: what auditors and operators do with the event history, one subcommand a file. Results go to stdout, progress and errors to
//! stderr; exit codes are 0 done, 1 failed, 2 wrong usage.

mod data_folder;
mod import;

use clap::{Parser, Subcommand};

/// Works on the event history of Verbatim.
#[derive(Parser)]
#[command(name = "replay", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Brings history from elsewhere into the log
    Import(import::Import),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Import(import) => import.run().await,
    }
}
