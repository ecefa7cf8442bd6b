//! All sockets are cut at once, without a word, and come back within some seconds, each with a new ticket and the places it had read to;
//! meanwhile someone goes on sending to all channels at a steady rate. Every socket must see every event once, in order, over the cut.
//!
//! Whoever is refused or cut off tries again, as clients do; how often is told.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    checker::{
        Violation,
        room::{self, HEAD_BYTES},
    },
    fsync,
    process::Usage,
    report::{Figures, Latency, Report},
    server::Target,
    venue::Venue,
};

use super::{
    crowd::{Crowd, Size},
    follower::Follower,
    metronome::Metronome,
    pace::Clock,
    voice::{Tempo, Voice},
};

/// Tickets and upgrades under way; more would run out of open files where a server is slow.
const AT_ONCE: usize = 1_000;
/// Before someone who was refused tries again.
const PAUSE: Duration = Duration::from_millis(500);
/// Whoever is not live by then has lost something.
const PATIENCE: Duration = Duration::from_secs(180);
/// Sending goes on so long before and after.
const CALM: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    size: Size,
    /// Come back evenly over so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    within: u64,
    /// Messages a second of the one who goes on sending, to all channels in turn
    #[arg(long, value_name = "PER_SECOND", default_value_t = 100)]
    rate: u64,
    /// Length of a message in bytes
    #[arg(long, default_value_t = 200)]
    body: usize,
    #[command(flatten)]
    target: Target,
}

/// What everyone is told.
#[derive(Debug, Clone)]
enum Phase {
    Reading,
    Cut {
        at: Instant,
    },
    /// Nothing more is sent; by channel, the last seq there is.
    Over {
        lasts: Arc<HashMap<String, u64>>,
    },
}

/// One socket is live again.
struct Live {
    at: Instant,
    tries: u64,
}

impl Args {
    fn check(&self) -> anyhow::Result<()> {
        self.size.check()?;
        ensure!(self.rate > 0, "someone must go on sending");
        ensure!(
            (HEAD_BYTES..=8_000).contains(&self.body),
            "a body has between {HEAD_BYTES} and 8000 bytes"
        );
        Ok(())
    }

    /// When a socket comes back, from the cut on.
    fn turn(&self, number: usize) -> Duration {
        Duration::from_secs(self.within).mul_f64(number as f64 / self.size.sockets as f64)
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    args.check()?;
    let mut venue = Venue::real(&args.target, &[]).await?;
    let name = ("honest".to_owned(), "Goes on sending".to_owned());
    let honest = venue.invite(vec![name]).await?.remove(0);
    let mut crowd = args.size.gather(&mut venue, Some(&honest)).await?;
    crowd.connect(&venue).await?;
    venue.rest().await;
    let fsync = match venue.data() {
        Some(folder) => fsync::measure(folder)?,
        None => Latency::new(),
    };
    let socket = venue.connect(&honest, &[]).await?;
    let voice = Voice::new(socket, &crowd.channels, args.body, std::time::Instant::now());
    let venue = Arc::new(venue);
    let storm = play(&args, &venue, crowd, voice).await?;
    Arc::into_inner(venue)
        .context("someone still holds the server")?
        .stop()
        .await?;
    Ok(report(&args, &storm, fsync))
}

/// What came of it, when nothing was lost.
struct Storm {
    back: Back,
    cut: Instant,
    seconds: f64,
    acks: Acks,
    deliveries: u64,
    server: Option<Usage>,
}

async fn play(args: &Args, venue: &Arc<Venue>, crowd: Crowd, voice: Voice) -> anyhow::Result<Storm> {
    let start = Instant::now();
    let (phase, phases) = watch::channel(Phase::Reading);
    let (lives, mut came_back) = mpsc::channel(args.size.sockets);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut sockets = JoinSet::new();
    for (number, follower) in crowd.followers.into_iter().enumerate() {
        let survivor = Survivor {
            follower,
            venue: venue.clone(),
            turns: turns.clone(),
            after: args.turn(number),
            lives: lives.clone(),
        };
        sockets.spawn(survivor.run(phases.clone()));
    }
    drop((lives, phases));
    let (stop, stopped) = watch::channel(false);
    let speaking = tokio::spawn(speak(voice, args.rate, stopped));
    let cut = start + CALM;
    sleep_until(cut).await;
    let before = venue.usage();
    phase.send_replace(Phase::Cut { at: cut });
    let back = survive(&mut sockets, &mut came_back, args.size.sockets, cut).await?;
    let server = venue.usage().zip(before).map(|(after, before)| Usage {
        cpu_seconds: after.cpu_seconds - before.cpu_seconds,
        ..after
    });
    sleep(CALM).await;
    stop.send_replace(true);
    let (voice, acks) = speaking.await??;
    let seconds = start.elapsed().as_secs_f64();

    let by_channel = |numbers: Vec<u64>| {
        crowd
            .channels
            .iter()
            .map(|channel| channel.id.clone())
            .zip(numbers)
            .collect()
    };
    phase.send_replace(Phase::Over {
        lasts: Arc::new(by_channel(voice.tops())),
    });
    let mut followers = Vec::with_capacity(args.size.sockets);
    while let Some(follower) = sockets.join_next().await {
        followers.push(follower??);
    }
    compare(&followers, &by_channel(voice.sent()))?;
    let readers = followers.iter().flat_map(|follower| &follower.seen.readers);
    Ok(Storm {
        back,
        cut,
        seconds,
        acks,
        deliveries: readers.map(room::RoomReader::seen).sum(),
        server,
    })
}

/// How long it took until all were live, and in how many tries.
struct Back {
    all_live: Duration,
    median_live: Duration,
    tries: u64,
}

async fn survive(
    sockets: &mut JoinSet<anyhow::Result<Follower>>,
    came_back: &mut mpsc::Receiver<Live>,
    count: usize,
    cut: Instant,
) -> anyhow::Result<Back> {
    let (mut times, mut tries) = (Vec::with_capacity(count), 0);
    let all = async {
        while times.len() < count {
            tokio::select! {
                Some(live) = came_back.recv() => {
                    times.push(live.at - cut);
                    tries += live.tries;
                }
                Some(ended) = sockets.join_next() => {
                    ended??;
                    bail!("a socket ended in the middle");
                }
            }
        }
        Ok(())
    };
    timeout(PATIENCE, all).await.context("not all sockets came back")??;
    times.sort_unstable();
    Ok(Back {
        all_live: times[count - 1],
        median_live: times[count / 2],
        tries,
    })
}

/// When each message should have been sent, and how long it took from then to be acknowledged.
type Acks = Vec<(std::time::Instant, Duration)>;

async fn speak(mut voice: Voice, rate: u64, mut stopped: watch::Receiver<bool>) -> anyhow::Result<(Voice, Acks)> {
    let now = std::time::Instant::now();
    // It is told to stop long before this.
    let clock = Clock {
        epoch: now,
        from: now,
        until: now + CALM + PATIENCE + PATIENCE,
    };
    let metronome = Metronome::start(1, Some(rate), clock);
    let beat = metronome.beat(0).context("there is one sender")?;
    let mut acks = Vec::new();
    voice
        .speak(&Tempo::Rate(beat), &mut stopped, |due, took| acks.push((due, took)))
        .await?;
    Ok((voice, acks))
}

/// One socket over the cut.
struct Survivor {
    follower: Follower,
    venue: Arc<Venue>,
    turns: Arc<Semaphore>,
    /// When to come back, from the cut on.
    after: Duration,
    lives: mpsc::Sender<Live>,
}

impl Survivor {
    async fn run(mut self, mut phases: watch::Receiver<Phase>) -> anyhow::Result<Follower> {
        let Phase::Cut { at } = self.read_to_next(&mut phases).await? else {
            bail!("it was over before it began")
        };
        self.follower.cut()?;
        sleep_until(at + self.after).await;
        let tries = self.come_back().await?;
        self.lives
            .send(Live {
                at: Instant::now(),
                tries,
            })
            .await?;
        let Phase::Over { lasts } = self.read_to_next(&mut phases).await? else {
            bail!("there is one cut only")
        };
        let last = |channel: &str| lasts.get(channel).copied().unwrap_or_default();
        let all = self
            .follower
            .read_until(|seen| seen.readers.iter().all(|reader| reader.reached(last(reader.channel()))));
        if timeout(PATIENCE, all).await.is_err() {
            let lost = self
                .follower
                .seen
                .readers
                .iter()
                .find(|reader| !reader.reached(last(reader.channel())));
            bail!(lost.map_or(anyhow::anyhow!("nothing is missing"), |reader| {
                reader.lost(last(reader.channel())).into()
            }));
        }
        Ok(self.follower)
    }

    /// Reads until something else is to be done.
    async fn read_to_next(&mut self, phases: &mut watch::Receiver<Phase>) -> anyhow::Result<Phase> {
        tokio::select! {
            changed = phases.changed() => changed.context("the scenario is gone")?,
            ended = self.follower.follow() => ended?,
        }
        Ok(phases.borrow_and_update().clone())
    }

    /// Tries until it has read all that was missed, and tells how often it tried.
    async fn come_back(&mut self) -> anyhow::Result<u64> {
        for tries in 1.. {
            match self.try_once().await {
                Ok(()) => return Ok(tries),
                Err(error) if error.is::<Violation>() => return Err(error),
                Err(_) if tries < 100 => sleep(PAUSE).await,
                Err(error) => return Err(error.context("it never came back")),
            }
        }
        unreachable!("there are more numbers than tries")
    }

    async fn try_once(&mut self) -> anyhow::Result<()> {
        let turn = self.turns.acquire().await?;
        let ticket = self.venue.ticket(self.follower.guest()).await?;
        self.follower.connect_with(&self.venue, &ticket).await?;
        drop(turn);
        self.follower.catch_up().await
    }
}

/// All followers of a channel saw the same in it, and all that was sent.
fn compare(followers: &[Follower], sent: &HashMap<String, u64>) -> Result<(), Violation> {
    let mut by_channel: HashMap<&str, Vec<&room::RoomReader>> = HashMap::new();
    for reader in followers.iter().flat_map(|follower| &follower.seen.readers) {
        by_channel.entry(reader.channel()).or_default().push(reader);
    }
    for (channel, readers) in by_channel {
        room::compare(&readers, &[sent.get(channel).copied().unwrap_or_default()])?;
    }
    Ok(())
}

fn report(args: &Args, storm: &Storm, fsync: Latency) -> Report {
    let cut = storm.cut.into_std();
    let live = cut + storm.back.all_live;
    let due = |from: std::time::Instant, until: std::time::Instant| {
        let acks = storm.acks.iter().filter(move |(due, _)| (from..until).contains(due));
        Latency::of(acks.map(|(_, took)| *took))
    };
    let calm = due(cut - CALM, cut);
    Report {
        scenario: "storm",
        floor: Vec::new(),
        fsync,
        counts: vec![
            ("sockets", args.size.sockets as f64),
            ("within_s", args.within as f64),
            ("all_live_s", storm.back.all_live.as_secs_f64()),
            ("half_live_s", storm.back.median_live.as_secs_f64()),
            ("tries", storm.back.tries as f64),
            ("rate", args.rate as f64),
            ("calm_ack_ms_p99", calm.ms(0.99).unwrap_or_default()),
        ],
        rounds: vec![Figures {
            seconds: storm.seconds,
            sends: storm.acks.len() as u64,
            deliveries: storm.deliveries,
            ack: due(cut, live),
            delivery: Latency::new(),
            server: storm.server,
        }],
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

    fn args(line: &str) -> Args {
        Line::parse_from(std::iter::once("storm").chain(line.split_whitespace())).args
    }

    #[test]
    fn sockets_come_back_evenly() {
        let args = args("--sockets 100 --within 10");
        assert!(args.check().is_ok());
        assert_eq!(
            [args.turn(0), args.turn(50), args.turn(99)].map(|turn| turn.as_millis()),
            [0, 5_000, 9_900]
        );
    }

    #[test]
    fn someone_must_go_on_sending() {
        assert!(args("--rate 0").check().is_err() && args("--body 5").check().is_err());
    }

    #[test]
    fn a_message_that_a_follower_lacks_is_found() {
        let guest = crate::venue::Guest::Floor(1);
        let channel = crate::venue::Channel {
            id: "c".to_owned(),
            top: 3,
        };
        let followers = [Follower::new(0, guest, &[channel])];
        let sent = |count| HashMap::from([("c".to_owned(), count)]);
        assert_eq!(compare(&followers, &sent(0)), Ok(()));
        assert!(matches!(
            compare(&followers, &sent(1)),
            Err(Violation::Lost { expected: 1, .. })
        ));
    }

    #[test]
    fn only_what_was_due_in_the_storm_counts_for_it() {
        let cut = Instant::now();
        let ms = Duration::from_millis;
        let storm = Storm {
            back: Back {
                all_live: ms(100),
                median_live: ms(50),
                tries: 1,
            },
            cut,
            seconds: 1.0,
            acks: [(cut - ms(1), ms(1)), (cut, ms(7)), (cut + ms(100), ms(90))]
                .map(|(due, took)| (due.into_std(), took))
                .into(),
            deliveries: 0,
            server: None,
        };
        let told = report(&args(""), &storm, Latency::new());
        assert_eq!(
            (told.rounds[0].ack.count(), told.rounds[0].ack.ms(1.0)),
            (1, Some(7.003))
        );
    }
}
