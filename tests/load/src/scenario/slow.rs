//! A room in which someone sends at a steady rate, played in turn with everyone reading and with some readers not touching their
//! connections at all. The others' times are compared between the two, round by round; whoever stalled reads on afterwards, or comes
//! back with the place it had read to if the server gave it up, and must have missed nothing.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    checker::room::{self, Head, RoomReader},
    people::REQUESTS_AT_ONCE,
    process::{self, Usage},
    report::{Figures, Latency, Report, Spread, median},
    server::Target,
    venue::{Channel, Guest, Venue},
};

use super::{
    follower::{self, Follower},
    metronome::Metronome,
    pace::{Clock, Pace, usage_while},
    voice::{Tempo, Voice, us_between},
};

/// One delivery in so many is timed.
const SAMPLE_EVERY: u64 = 16;
/// What the system takes for a reader that stalls, so that the server notices soon.
const STALLED_BUFFER_BYTES: u32 = 16 * 1024;
/// Whoever has not caught up by then has lost something.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the server's memory is looked at.
const MEMORY_EVERY: Duration = Duration::from_millis(200);
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many people are in the room and read
    #[arg(long, default_value_t = 1_000)]
    readers: usize,
    /// How many of them stop reading in every second round
    #[arg(long, value_name = "N", default_value_t = 100)]
    stalled: usize,
    /// How many pairs of rounds, one with everyone reading and one without the stalled
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// How many messages a second are sent
    #[arg(long, value_name = "PER_SECOND", default_value_t = 100)]
    rate: u64,
    /// Length of a message in bytes
    #[arg(long, default_value_t = 2_000)]
    body: usize,
    /// How long to count, and to stall; the system itself takes about 2.5 MB for a stalled socket before the server notices
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// How long to play before counting
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    warm_up: u64,
    #[command(flatten)]
    target: Target,
}

impl Args {
    fn check(&self) -> anyhow::Result<()> {
        self.pace().check()?;
        ensure!(self.rounds > 0, "rounds must be above zero");
        ensure!(
            (1..self.readers).contains(&self.stalled),
            "some of the {} readers stall, but not all",
            self.readers
        );
        process::ensure_open_files(self.readers)
    }

    fn pace(&self) -> Pace {
        Pace {
            in_flight: 1,
            rate: Some(self.rate),
            body: self.body,
            seconds: self.seconds,
            warm_up: self.warm_up,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A round is played. Those who may stall do so if told.
    Playing {
        clock: Clock,
        stall: bool,
    },
    /// Everyone reads to the last seq and says so.
    Reading {
        last: u64,
    },
    Over,
}

/// What one reader took home from a round.
#[derive(Debug, Default)]
struct Round {
    deliveries: u64,
    delivery_us: Vec<u32>,
    /// How often it came back to a new connection.
    resumed: u64,
}

/// One of the two kinds of rounds.
#[derive(Default)]
struct Kind {
    figures: Vec<Figures>,
    resumed: u64,
    catch_up_ms: Vec<f64>,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    args.check()?;
    let mut venue = Venue::real(&args.target, &[]).await?;
    let (channel, mut guests) = set(&args, &mut venue).await?;
    let sender = guests.pop().context("there is a sender")?;
    let socket = venue.connect(&sender, &[]).await?;
    let epoch = std::time::Instant::now();
    let mut play = Play {
        voice: Voice::new(socket, std::slice::from_ref(&channel), args.body, epoch),
        venue: Arc::new(venue),
        readers: JoinSet::new(),
        phase: watch::Sender::new(Phase::Reading { last: 0 }),
        rate: args.rate,
    };
    let (rounds, mut notes) = mpsc::channel(args.readers);
    play.seat(&args, guests, &channel, epoch, &rounds).await?;
    drop(rounds);
    play.hear(args.readers, &mut notes).await?;
    let memory = Memory::watch(&play.venue);
    let (mut reading, mut stalled) = (Kind::default(), Kind::default());
    for _ in 0..args.rounds {
        play.round(&args, false, &mut notes, &mut reading).await?;
        play.round(&args, true, &mut notes, &mut stalled).await?;
    }
    let rss_max_kib = memory.end().await?;
    play.end().await?;
    Ok(report(&args, reading, stalled, rss_max_kib))
}

/// The room; the last of the people is who sends.
async fn set(args: &Args, venue: &mut Venue) -> anyhow::Result<(Channel, Vec<Guest>)> {
    let name = |number: usize| (format!("slow-{number}"), format!("Reader {number}"));
    let guests = venue.invite((0..=args.readers).map(name).collect()).await?;
    Ok((venue.open_room(&guests).await?, guests))
}

struct Play {
    venue: Arc<Venue>,
    voice: Voice,
    readers: JoinSet<anyhow::Result<Follower>>,
    phase: watch::Sender<Phase>,
    rate: u64,
}

impl Play {
    /// Everyone connects and waits. The first ones are those who may stall.
    async fn seat(
        &mut self,
        args: &Args,
        guests: Vec<Guest>,
        channel: &Channel,
        epoch: std::time::Instant,
        rounds: &mpsc::Sender<Round>,
    ) -> anyhow::Result<()> {
        let venue = self.venue.clone();
        let followers: Vec<Follower> = stream::iter(guests.into_iter().enumerate())
            .map(|(number, guest)| {
                let venue = &venue;
                async move {
                    let mut follower = Follower::new(number, guest, std::slice::from_ref(channel));
                    if number < args.stalled {
                        follower = follower.narrow(STALLED_BUFFER_BYTES);
                    }
                    follower.connect(venue).await?;
                    follower.catch_up().await?;
                    anyhow::Ok(follower)
                }
            })
            .buffered(REQUESTS_AT_ONCE)
            .try_collect()
            .await?;
        for (number, follower) in followers.into_iter().enumerate() {
            let seat = Seat {
                number: number as u64,
                may_stall: number < args.stalled,
                follower,
                venue: self.venue.clone(),
                epoch,
                round: Round::default(),
            };
            self.readers.spawn(seat.run(self.phase.subscribe(), rounds.clone()));
        }
        Ok(())
    }

    async fn round(
        &mut self,
        args: &Args,
        stall: bool,
        notes: &mut mpsc::Receiver<Round>,
        kind: &mut Kind,
    ) -> anyhow::Result<()> {
        self.venue.rest().await;
        let clock = Clock::start(&args.pace());
        self.phase.send_replace(Phase::Playing { clock, stall });
        let (server, ack) = tokio::try_join!(
            async { anyhow::Ok(usage_while(&self.venue, clock).await) },
            speak(&mut self.voice, self.rate, clock)
        )?;
        let last = self.voice.tops()[0];
        let ended = std::time::Instant::now();
        self.phase.send_replace(Phase::Reading { last });
        let rounds = self.hear(args.readers, notes).await?;
        kind.catch_up_ms.push(ended.elapsed().as_secs_f64() * 1_000.0);
        kind.resumed += rounds.iter().map(|round| round.resumed).sum::<u64>();
        let times = rounds.iter().flat_map(|round| &round.delivery_us);
        kind.figures.push(Figures {
            seconds: args.seconds as f64,
            sends: ack.count(),
            deliveries: rounds.iter().map(|round| round.deliveries).sum(),
            ack,
            delivery: Latency::of(times.map(|us| Duration::from_micros(u64::from(*us)))),
            server,
        });
        Ok(())
    }

    /// A note of everyone, or the reason why there is none.
    async fn hear(&mut self, count: usize, notes: &mut mpsc::Receiver<Round>) -> anyhow::Result<Vec<Round>> {
        let mut rounds = Vec::with_capacity(count);
        let all = async {
            while rounds.len() < count {
                tokio::select! {
                    Some(round) = notes.recv() => rounds.push(round),
                    Some(ended) = self.readers.join_next() => {
                        ended??;
                        anyhow::bail!("a reader ended in the middle");
                    }
                }
            }
            Ok(())
        };
        tokio::select! {
            heard = timeout(PATIENCE, all) => heard.context("someone did not catch up")??,
            ended = self.voice.listen() => ended?,
        }
        Ok(rounds)
    }

    /// Everyone saw the same, and all of it.
    async fn end(mut self) -> anyhow::Result<()> {
        self.phase.send_replace(Phase::Over);
        let mut followers = Vec::new();
        while let Some(follower) = self.readers.join_next().await {
            followers.push(follower??);
        }
        let readers: Vec<&RoomReader> = followers.iter().flat_map(|follower| &follower.seen.readers).collect();
        room::compare(&readers, &self.voice.sent())?;
        Arc::into_inner(self.venue)
            .context("someone still holds the server")?
            .stop()
            .await
    }
}

/// Times of messages that should have been sent while it counted.
async fn speak(voice: &mut Voice, rate: u64, clock: Clock) -> anyhow::Result<Latency> {
    let metronome = Metronome::start(1, Some(rate), clock);
    let beat = metronome.beat(0).context("there is one sender")?;
    let (stop, mut stopped) = watch::channel(false);
    let mut ack = Latency::new();
    let tempo = Tempo::Rate(beat);
    let speaking = voice.speak(&tempo, &mut stopped, |due, took| {
        if clock.counts(due) {
            ack.record(took);
        }
    });
    let stopping = async {
        tokio::time::sleep_until(clock.until.into()).await;
        stop.send_replace(true);
        anyhow::Ok(())
    };
    tokio::try_join!(speaking, stopping)?;
    Ok(ack)
}

/// One reader.
struct Seat {
    number: u64,
    may_stall: bool,
    follower: Follower,
    venue: Arc<Venue>,
    epoch: std::time::Instant,
    round: Round,
}

impl Seat {
    async fn run(
        mut self,
        mut phases: watch::Receiver<Phase>,
        rounds: mpsc::Sender<Round>,
    ) -> anyhow::Result<Follower> {
        let mut told = None;
        loop {
            let phase = *phases.borrow_and_update();
            match phase {
                Phase::Over => return Ok(self.follower),
                Phase::Reading { last } if told != Some(last) && self.follower.seen.readers[0].reached(last) => {
                    told = Some(last);
                    rounds.send(std::mem::take(&mut self.round)).await?;
                }
                Phase::Playing { stall: true, .. } if self.may_stall => {
                    phases.changed().await.context("the scenario is gone")?;
                    continue;
                }
                Phase::Playing { .. } | Phase::Reading { .. } => {}
            }
            let read = tokio::select! {
                filled = self.follower.fill() => filled.map_err(anyhow::Error::from),
                changed = phases.changed() => changed.map_err(anyhow::Error::from),
            };
            let taken = match read {
                Ok(()) => self.take_what_arrived(phase).await,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                self.come_back(error).await?;
            }
        }
    }

    async fn take_what_arrived(&mut self, phase: Phase) -> anyhow::Result<()> {
        let clock = match phase {
            Phase::Playing { clock, .. } if !self.may_stall => Some(clock),
            _ => None,
        };
        let (number, epoch, round) = (self.number, self.epoch, &mut self.round);
        let see = |head: Head, seq: u64, now| {
            if clock.is_some_and(|clock| clock.counts(now)) {
                round.deliveries += 1;
                if (seq + number).is_multiple_of(SAMPLE_EVERY) {
                    round
                        .delivery_us
                        .push(us_between(epoch, now).saturating_sub(head.sent_us) as u32);
                }
            }
        };
        self.follower.take_what_arrived(see).await
    }

    /// With the place it had read to, if it was given up for being slow.
    async fn come_back(&mut self, error: anyhow::Error) -> anyhow::Result<()> {
        if !self.may_stall || !follower::may_resume(&error) {
            return Err(error.context(format!("reader {}", self.number)));
        }
        self.round.resumed += 1;
        self.follower.connect(&self.venue).await?;
        // What came along with the greeting is here already, and nothing else might come.
        self.follower.take_what_arrived(|_, _, _| {}).await
    }
}

/// The most memory the server has used while it is watched.
struct Memory {
    stop: watch::Sender<bool>,
    watching: tokio::task::JoinHandle<u64>,
}

impl Memory {
    fn watch(venue: &Arc<Venue>) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let venue = venue.clone();
        let watching = tokio::spawn(async move {
            let mut ticks = interval(MEMORY_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let mut max = 0;
            loop {
                tokio::select! {
                    _ = ticks.tick() => max = max.max(venue.usage().map_or(0, |usage: Usage| usage.rss_kib)),
                    _ = stopped.changed() => return max,
                }
            }
        });
        Self { stop, watching }
    }

    async fn end(self) -> anyhow::Result<u64> {
        self.stop.send_replace(true);
        Ok(self.watching.await?)
    }
}

/// The others' p99 with stalled readers by that without, pair by pair.
fn p99_ratio(reading: &[Figures], stalled: &[Figures]) -> Option<Spread> {
    let pairs = reading.iter().zip(stalled);
    let ratio = |(reading, stalled): (&Figures, &Figures)| {
        Some(stalled.delivery.ms(0.99)? / reading.delivery.ms(0.99)?).filter(|ratio| ratio.is_finite())
    };
    Spread::of(pairs.filter_map(ratio).collect())
}

fn report(args: &Args, reading: Kind, stalled: Kind, rss_max_kib: u64) -> Report {
    let most = |times: &[f64]| times.iter().copied().fold(0.0, f64::max);
    let mut counts = vec![
        ("readers", args.readers as f64),
        ("stalled", args.stalled as f64),
        ("rate", args.rate as f64),
        ("rss_max_kib", rss_max_kib as f64),
        ("resumed", (reading.resumed + stalled.resumed) as f64),
        ("caught_up_ms_max", most(&stalled.catch_up_ms)),
    ];
    if let Some(ratio) = p99_ratio(&reading.figures, &stalled.figures) {
        counts.push(("delivery_p99_ratio", ratio.median));
        counts.push(("delivery_p99_ratio_min", ratio.min));
        counts.push(("delivery_p99_ratio_max", ratio.max));
    }
    let p99 = |kind: &Kind| {
        let all: Vec<f64> = kind
            .figures
            .iter()
            .filter_map(|round| round.delivery.ms(0.99))
            .collect();
        median(&all).unwrap_or_default()
    };
    counts.push(("all_read_delivery_ms_p99", p99(&reading)));
    let rss: Vec<f64> = reading
        .figures
        .iter()
        .filter_map(|round| Some(round.server?.rss_kib as f64))
        .collect();
    counts.push(("all_read_rss_kib", median(&rss).unwrap_or_default()));
    Report {
        scenario: "slow",
        rounds: stalled.figures,
        floor: Vec::new(),
        fsync: Latency::new(),
        counts,
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

    fn figures(ms: u64) -> Figures {
        Figures {
            seconds: 1.0,
            sends: 0,
            deliveries: 0,
            ack: Latency::new(),
            delivery: Latency::of([Duration::from_millis(ms)].into_iter()),
            server: None,
        }
    }

    #[test]
    fn rounds_are_compared_in_pairs() {
        let ratio = p99_ratio(&[figures(10), figures(100)], &[figures(20), figures(50)]).expect("two pairs");
        assert!(
            (ratio.min - 0.5).abs() < 0.01 && (ratio.max - 2.0).abs() < 0.01,
            "{ratio}"
        );
        assert_eq!(p99_ratio(&[], &[]), None);
    }

    #[test]
    fn somebody_must_stall_and_somebody_must_not() {
        let check = |line: &[&str]| Line::parse_from([&["slow"], line].concat()).args.check();
        assert!(check(&[]).is_ok());
        assert!(check(&["--readers", "10", "--stalled", "10"]).is_err());
        assert!(check(&["--readers", "10", "--stalled", "0"]).is_err());
    }
}
