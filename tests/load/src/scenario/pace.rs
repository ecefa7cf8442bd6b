//! How scenarios send and for how long, on what and how often: the flags and the clock that several of them share.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::time::sleep_until;

use crate::{checker::room::HEAD_BYTES, floor::WORKERS, process::Usage, venue::Venue};

/// How the senders of a scenario send, and for how long.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Pace {
    /// How many messages each sender keeps waiting for their acknowledgement
    #[arg(long, default_value_t = 1)]
    pub(super) in_flight: usize,
    /// Send so many messages a second, all senders together, whatever is answered; times then count from when each should have been sent
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "in_flight")]
    pub(super) rate: Option<u64>,
    /// Length of a message in bytes
    #[arg(long, default_value_t = 200)]
    pub(super) body: usize,
    /// How long to count
    #[arg(long, default_value_t = 10)]
    pub(super) seconds: u64,
    /// How long to play before counting
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    pub(super) warm_up: u64,
}

/// What is played on, and how often.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Against {
    /// Play on the yardstick too, round by round in turn, and report every figure as a ratio to it as well
    #[arg(long, conflicts_with = "server")]
    pub(super) floor: bool,
    /// How many rounds; 5 with the yardstick, otherwise 1. Medians are reported
    #[arg(long, value_name = "N")]
    pub(super) rounds: Option<usize>,
    /// Play on the yardstick alone, to look at it
    #[arg(long, hide = true, conflicts_with_all = ["server", "floor"])]
    pub(super) floor_alone: bool,
    /// Threads that serve the yardstick's sockets
    #[arg(long, hide = true, default_value_t = WORKERS, value_parser = clap::value_parser!(u8).range(1..))]
    pub(super) floor_workers: u8,
}

/// Odd, so that the median is a round that was played.
const ROUNDS_WITH_FLOOR: usize = 5;
/// More than any socket of the real server takes at once.
pub(super) const IN_FLIGHT_MAX: usize = 1_024;

impl Against {
    pub(super) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.floor { ROUNDS_WITH_FLOOR } else { 1 })
    }
}

impl Pace {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(self.seconds > 0, "seconds must be above zero");
        ensure!(
            (1..=IN_FLIGHT_MAX).contains(&self.in_flight),
            "between 1 and {IN_FLIGHT_MAX} messages may be in flight"
        );
        ensure!(self.rate != Some(0), "a rate must be above zero");
        ensure!(
            (HEAD_BYTES..=8_000).contains(&self.body),
            "a body has between {HEAD_BYTES} and 8000 bytes"
        );
        Ok(())
    }
}

/// When counting starts and when sending ends, for everyone alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) epoch: Instant,
    pub(super) from: Instant,
    pub(super) until: Instant,
}

impl Clock {
    pub(super) fn start(pace: &Pace) -> Self {
        let epoch = Instant::now();
        let from = epoch + Duration::from_secs(pace.warm_up);
        Self {
            epoch,
            from,
            until: from + Duration::from_secs(pace.seconds),
        }
    }

    pub(super) fn counts(&self, at: Instant) -> bool {
        (self.from..self.until).contains(&at)
    }

    pub(super) fn us(&self, at: Instant) -> u64 {
        at.duration_since(self.epoch).as_micros() as u64
    }
}

/// What the server used between the two ends of counting.
pub(super) async fn usage_while(venue: &Venue, clock: Clock) -> Option<Usage> {
    sleep_until(clock.from.into()).await;
    let before = venue.usage()?;
    sleep_until(clock.until.into()).await;
    let after = venue.usage()?;
    Some(Usage {
        cpu_seconds: after.cpu_seconds - before.cpu_seconds,
        ..after
    })
}
