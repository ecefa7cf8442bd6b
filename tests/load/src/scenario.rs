//! The scenarios by name. Each is a file that sets its scene, plays it and hands back a report, or an error when something did not hold.

use crate::report::Report;

mod crowd;
mod fanout;
mod follower;
mod idle;
mod irc;
mod metronome;
mod pace;
mod rebuild;
mod resume;
mod rooms;
mod slow;
mod storm;
mod voice;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Scenario {
    /// Replays a folder of IRC logs: a person and a socket for each nickname, every message in file order
    Irc(irc::Args),
    /// Rooms in which some members send, as fast as they are answered or at a rate, and all members read
    Rooms(rooms::Args),
    /// One room with many readers
    Fanout(fanout::Args),
    /// Sockets that follow channels in which nothing happens: what each costs in memory, and all of them in processor time
    Idle(idle::Args),
    /// Sockets that are all cut at once and come back with their places, while someone goes on sending
    Storm(storm::Args),
    /// A room in which some readers stop reading for a while: what it does to the others, and how they catch up
    Slow(slow::Args),
    /// Someone comes back to a channel after many events: the time to the first of them and to the last
    Resume(resume::Args),
    /// A view is built again while people write and read: no page fails or goes back
    Rebuild(rebuild::Args),
}

pub(crate) async fn run(scenario: Scenario) -> anyhow::Result<Report> {
    match scenario {
        Scenario::Irc(args) => irc::run(args).await,
        Scenario::Rooms(args) => rooms::run(args).await,
        Scenario::Fanout(args) => fanout::run(args).await,
        Scenario::Idle(args) => idle::run(args).await,
        Scenario::Storm(args) => storm::run(args).await,
        Scenario::Slow(args) => slow::run(args).await,
        Scenario::Resume(args) => resume::run(args).await,
        Scenario::Rebuild(args) => rebuild::run(args).await,
    }
}
