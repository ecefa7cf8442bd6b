//! Sockets in whose channels nothing happens: how much of the server's memory each takes, and how much processor time all of them take.
//! The memory before is read once people and channels are there, and once it no longer falls after the sign-ups.

use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    floor,
    process::Usage,
    report::{Figures, Latency, Report},
    server::Target,
    venue::Venue,
};

use super::{crowd::Size, follower::Follower};

/// Memory that does not fall by this share within so long has come to rest; it is waited for no longer than the last.
const FALL_SHARE: f64 = 0.005;
const FALL_WINDOW: Duration = Duration::from_secs(3);
const FALL_PATIENCE: Duration = Duration::from_secs(40);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    size: Size,
    /// How long to measure processor time; heartbeats come every 25 s unless set
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Have the server send heartbeats every so often; 3600000 to see what idle sockets cost beyond them
    #[arg(long, value_name = "MS", conflicts_with = "server")]
    heartbeat_ms: Option<u64>,
    /// Measure sockets of the yardstick too
    #[arg(long, conflicts_with = "server")]
    floor: bool,
    #[command(flatten)]
    target: Target,
}

struct Measured {
    figures: Figures,
    before_kib: f64,
    bytes_per_socket: f64,
    heartbeats: u64,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    args.size.check()?;
    ensure!(args.seconds > 0, "seconds must be above zero");
    let heartbeat = args
        .heartbeat_ms
        .map(|ms| ("VERBATIM_LIMIT_HEARTBEAT_MS", ms.to_string()));
    let settings: Vec<_> = heartbeat.into_iter().collect();
    let real = measure(&args, Venue::real(&args.target, &settings).await?).await?;
    let mut counts = vec![
        ("sockets", args.size.sockets as f64),
        ("channels", args.size.channels as f64),
        ("bytes_per_socket", real.bytes_per_socket.round()),
        ("rss_before_kib", real.before_kib),
        ("cpu_percent", percent(&real.figures)),
        ("heartbeats", real.heartbeats as f64),
    ];
    let mut floor = Vec::new();
    if args.floor {
        let measured = measure(&args, Venue::floor(floor::WORKERS).await?).await?;
        counts.push(("floor_bytes_per_socket", measured.bytes_per_socket.round()));
        counts.push(("floor_cpu_percent", percent(&measured.figures)));
        floor.push(measured.figures);
    }
    Ok(Report {
        scenario: "idle",
        rounds: vec![real.figures],
        floor,
        fsync: Latency::new(),
        counts,
    })
}

/// Of one processor.
fn percent(figures: &Figures) -> f64 {
    figures
        .server
        .map_or(0.0, |usage| usage.cpu_seconds / figures.seconds * 100.0)
}

async fn measure(args: &Args, mut venue: Venue) -> anyhow::Result<Measured> {
    let mut crowd = args.size.gather(&mut venue, None).await?;
    venue.rest().await;
    let before = settled(&venue).await?;
    crowd.connect(&venue).await?;
    let (stop, stopped) = watch::channel(false);
    let sitting = crowd.sit(&stopped);
    venue.rest().await;
    let start = usage(&venue)?;
    sleep(Duration::from_secs(args.seconds)).await;
    let end = usage(&venue)?;
    stop.send_replace(true);
    let followers = sitting.end().await?;
    venue.stop().await?;
    Ok(measured(args, before, start, end, &followers))
}

fn measured(args: &Args, before: Usage, start: Usage, end: Usage, followers: &[Follower]) -> Measured {
    let grown_kib = end.rss_kib as f64 - before.rss_kib as f64;
    Measured {
        figures: Figures {
            seconds: args.seconds as f64,
            sends: 0,
            deliveries: 0,
            ack: Latency::new(),
            delivery: Latency::new(),
            server: Some(Usage {
                rss_kib: end.rss_kib,
                cpu_seconds: end.cpu_seconds - start.cpu_seconds,
            }),
        },
        before_kib: before.rss_kib as f64,
        bytes_per_socket: grown_kib * 1_024.0 / followers.len() as f64,
        heartbeats: followers.iter().map(|follower| follower.seen.heartbeats).sum(),
    }
}

fn usage(venue: &Venue) -> anyhow::Result<Usage> {
    venue
        .usage()
        .context("what a server costs is known only of one that is started here")
}

/// What it uses once its memory no longer falls.
async fn settled(venue: &Venue) -> anyhow::Result<Usage> {
    let until = Instant::now() + FALL_PATIENCE;
    let mut before = usage(venue)?;
    loop {
        sleep(FALL_WINDOW).await;
        let now = usage(venue)?;
        let fell = before.rss_kib.saturating_sub(now.rss_kib) as f64 > before.rss_kib as f64 * FALL_SHARE;
        if !fell || Instant::now() >= until {
            return Ok(now);
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn what_grew_is_shared_by_the_sockets() {
        let args = Line::parse_from(["idle", "--sockets", "2", "--seconds", "10"]).args;
        let used = |rss_kib, cpu_seconds| Usage { rss_kib, cpu_seconds };
        let guest = crate::venue::Guest::Floor(1);
        let followers = [Follower::new(0, guest.clone(), &[]), Follower::new(1, guest, &[])];
        let measured = measured(&args, used(1_000, 1.0), used(1_019, 1.5), used(1_020, 1.6), &followers);
        assert_eq!(measured.bytes_per_socket, 10_240.0);
        assert!((percent(&measured.figures) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn costs_need_a_server_of_our_own_to_set() {
        assert!(Line::try_parse_from(["idle", "--server", "http://x", "--heartbeat-ms", "1"]).is_err());
    }
}
