//! The scenarios by name. Each is a file that sets its scene, plays it and hands back a report, or an error when something did not hold.

use crate::report::Report;

mod irc;
mod rooms;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Scenario {
    /// Replays a folder of IRC logs: a person and a socket for each nickname, every message in file order
    Irc(irc::Args),
    /// Rooms in which some members send, as fast as they are answered or at a rate, and all members read
    Rooms(rooms::Args),
}

pub(crate) async fn run(scenario: Scenario) -> anyhow::Result<Report> {
    match scenario {
        Scenario::Irc(args) => irc::run(args).await,
        Scenario::Rooms(args) => rooms::run(args).await,
    }
}
