//! Someone follows a channel, goes away, and comes back after many events: how long until the first of them is there, and until all are.
//! Timed from connecting, with the ticket in hand; every event is checked each time.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::sync::watch;

use crate::{
    checker::room::HEAD_BYTES,
    fsync,
    process::Usage,
    progress,
    report::{Figures, Latency, Report},
    server::Target,
    venue::{Channel, Guest, Venue},
};

use super::{
    follower::Follower,
    voice::{Tempo, Voice},
};

/// Enough to fill a channel quickly.
const IN_FLIGHT: usize = 32;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many events are missed; the server replays no more than its `max_replay`, 10000 unless set
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    missed: u64,
    /// How often to come back
    #[arg(long, value_name = "N", default_value_t = 20)]
    times: usize,
    /// Length of a message in bytes
    #[arg(long, default_value_t = 200)]
    body: usize,
    #[command(flatten)]
    target: Target,
}

impl Args {
    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.missed > 0 && self.times > 0,
            "something must be missed, and come back for"
        );
        ensure!(
            (HEAD_BYTES..=8_000).contains(&self.body),
            "a body has between {HEAD_BYTES} and 8000 bytes"
        );
        Ok(())
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    args.check()?;
    let mut venue = Venue::real(&args.target, &[]).await?;
    let names = ["ann", "bob"].map(|name| (format!("resume-{name}"), name.to_owned()));
    let guests = venue.invite(names.into()).await?;
    let channel = venue.open_room(&guests).await?;
    let last = fill(&venue, &args, &guests[0], &channel).await?;
    let mut fsync = Latency::new();
    if let Some(folder) = venue.data() {
        fsync.add(&fsync::measure(folder)?);
    }
    venue.rest().await;
    let before = venue.usage();
    let start = Instant::now();
    let (mut first, mut complete) = (Latency::new(), Latency::new());
    for _ in 0..args.times {
        let (to_first, to_last) = come_back(&venue, &guests[1], &channel, last).await?;
        first.record(to_first);
        complete.record(to_last);
    }
    let server = venue.usage().zip(before).map(|(now, before)| Usage {
        cpu_seconds: now.cpu_seconds - before.cpu_seconds,
        ..now
    });
    let seconds = start.elapsed().as_secs_f64();
    venue.stop().await?;
    let told = |latency: &Latency, quantile| latency.ms(quantile).unwrap_or_default();
    Ok(Report {
        scenario: "resume",
        fsync,
        floor: Vec::new(),
        counts: vec![
            ("missed", args.missed as f64),
            ("times", args.times as f64),
            ("first_ms_p50", told(&first, 0.50)),
            ("first_ms_p99", told(&first, 0.99)),
            ("complete_ms_p50", told(&complete, 0.50)),
            ("complete_ms_p99", told(&complete, 0.99)),
        ],
        rounds: vec![Figures {
            seconds,
            sends: 0,
            deliveries: args.missed * args.times as u64,
            ack: Latency::new(),
            delivery: complete,
            server,
        }],
    })
}

/// Sends what will have been missed; the answer is the last seq.
async fn fill(venue: &Venue, args: &Args, ann: &Guest, channel: &Channel) -> anyhow::Result<u64> {
    let [bar] = progress::bars([("messages", args.missed)]);
    let socket = venue.connect(ann, &[]).await?;
    let mut voice = Voice::new(socket, std::slice::from_ref(channel), args.body, Instant::now());
    let tempo = Tempo::Burst {
        in_flight: IN_FLIGHT,
        count: args.missed,
    };
    let (_stop, mut stopped) = watch::channel(false);
    voice.speak(&tempo, &mut stopped, |_, _| bar.inc(1)).await?;
    bar.finish_and_clear();
    voice.tops().first().copied().context("there is one channel")
}

/// The time to the first event and to the last.
async fn come_back(venue: &Venue, bob: &Guest, channel: &Channel, last: u64) -> anyhow::Result<(Duration, Duration)> {
    let mut follower = Follower::new(0, bob.clone(), std::slice::from_ref(channel));
    let ticket = venue.ticket(bob).await?;
    let start = Instant::now();
    follower.connect_with(venue, &ticket).await?;
    follower.read_until(|seen| seen.readers[0].seen() > 0).await?;
    let first = start.elapsed();
    follower.read_until(|seen| seen.readers[0].reached(last)).await?;
    Ok((first, start.elapsed()))
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
    fn something_must_be_missed() {
        let check = |line: &[&str]| Line::parse_from([&["resume"], line].concat()).args.check();
        assert!(check(&[]).is_ok());
        for line in [["--missed", "0"], ["--times", "0"], ["--body", "26"]] {
            assert!(check(&line).is_err(), "{line:?}");
        }
    }
}
