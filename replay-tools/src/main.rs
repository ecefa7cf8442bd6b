//! `replay`: what auditors and operators do with the event history, one subcommand a file. Results go to stdout, progress and errors to
//! stderr. How it ended is the exit code, which is decided in `ending.rs` alone.

mod at;
mod data_folder;
mod diff;
mod ending;
mod export;
mod import;
mod inspect;
mod naming;
mod progress;
mod rebuild;
mod results;
mod source;
mod stats;
mod verify;
mod views_folder;
mod what_if;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use ending::Ending;

/// Works on the event history of Verbatim: offline on a data folder, or beside the service that runs on it
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a difference or damage was found.
#[derive(Parser)]
#[command(name = "replay", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Looks at streams and events as they stand in the log
    Inspect(inspect::Inspect),
    /// Counts the log by type, day and channel
    Stats(stats::Stats),
    /// Checks every event of the log, and the views against it
    Verify(verify::Verify),
    /// Shows a channel as it was at a moment, and who could read what then
    At(at::At),
    /// Writes the log, or what concerns one channel or person, as JSON Lines
    Export(export::Export),
    /// Brings history from elsewhere into the log
    Import(import::Import),
    /// Tells where two histories, or two moments of a channel, differ
    Diff(diff::Diff),
    /// Folds a view anew, here or in the service, and shows how far it is
    Rebuild(rebuild::Rebuild),
    /// Tells what a rule would have done to the history, and changes nothing
    WhatIf(what_if::WhatIf),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Cli::parse().command;
    // Whoever watches the service has something to say when they stop.
    if let Command::Rebuild(rebuild) = command {
        return ending::code(rebuild.run().await);
    }
    let ended = tokio::select! {
        ended = command.run() => ended,
        // What is on its way is made to be cut off: nothing is left half written that is not recognised as such.
        Ok(()) = tokio::signal::ctrl_c() => ending::interrupted(),
    };
    ending::code(ended)
}

impl Command {
    async fn run(self) -> anyhow::Result<Ending> {
        match self {
            Self::Inspect(inspect) => inspect.run().await,
            Self::Stats(stats) => stats.run().await,
            Self::Verify(verify) => verify.run().await,
            Self::At(at) => at.run().await,
            Self::Export(export) => export.run().await,
            Self::Import(import) => import.run().await,
            Self::Diff(diff) => diff.run().await,
            Self::Rebuild(rebuild) => rebuild.run().await,
            Self::WhatIf(what_if) => what_if.run().await,
        }
    }
}
