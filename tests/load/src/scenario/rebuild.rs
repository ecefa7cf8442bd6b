//! An operator has a view built again while people write at a rate and read pages all the time: no page may fail, and none may end before
//! one that was read to its end earlier did, whichever generation answered. Needs a server that runs already, on which somebody is an operator.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    checker::room::HEAD_BYTES,
    http::{Generation, Http},
    progress,
    report::{Figures, Latency, Report},
    server::Target,
    venue::{Channel, Guest, Venue},
};

use super::{
    metronome::Metronome,
    pace::Clock,
    voice::{Tempo, Voice},
};

/// Channels that are written to and read in turn.
const ROOMS: usize = 10;
/// Enough to fill the log quickly.
const IN_FLIGHT: usize = 256;
/// How often the operator looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long it goes on after the new generation serves, to find pages that are older than those before.
const AFTERWARDS: Duration = Duration::from_secs(3);
/// Longer than any run; the writer is told when it is over.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The view
    #[arg(long, default_value = "timeline")]
    view: String,
    /// Messages in the log before it begins
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    messages: u64,
    /// Messages a second meanwhile
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    rate: u64,
    /// People who read page after page
    #[arg(long, value_name = "N", default_value_t = 2)]
    readers: usize,
    /// Length of a message in bytes
    #[arg(long, default_value_t = 200)]
    body: usize,
    /// Events a second that the rebuild may fold; as many as it can unless said
    #[arg(long, value_name = "N")]
    events_per_s: Option<u32>,
    /// A file with the access token of an operator
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    #[command(flatten)]
    target: Target,
}

impl Args {
    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.rate > 0 && self.readers > 0,
            "somebody must write, and somebody must read"
        );
        ensure!(
            (HEAD_BYTES..=8_000).contains(&self.body),
            "a body has between {HEAD_BYTES} and 8000 bytes"
        );
        ensure!(self.target.runs_already(), "name the server that runs with --server");
        Ok(())
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    args.check()?;
    let token = std::fs::read_to_string(&args.token_file)
        .with_context(|| format!("{} cannot be read", args.token_file.display()))?;
    let token = token.trim().to_owned();
    let mut venue = Venue::real(&args.target, &[]).await?;
    let http = venue.http().context("a real server")?.clone();
    let run = std::process::id();
    let names = (0..=args.readers).map(|person| (format!("rebuild-{run}-{person}"), format!("Person {person}")));
    let guests = venue.invite(names.collect()).await?;
    let mut rooms = Vec::with_capacity(ROOMS);
    for _ in 0..ROOMS {
        rooms.push(venue.open_room(&guests).await?);
    }
    let (writer, readers) = guests.split_first().context("there is a writer")?;

    let start = Instant::now();
    let clock = Clock {
        epoch: start,
        from: start,
        until: start + NEVER,
    };
    let mut voice = Voice::new(venue.connect(writer, &[]).await?, &rooms, args.body, start);
    fill(&mut voice, args.messages).await?;

    let (stop, stopped) = watch::channel(false);
    let pages = Pages::of(&rooms);
    let mut reading = JoinSet::new();
    for reader in readers {
        let Guest::Real(person) = reader else { continue };
        let (http, token) = (http.clone(), person.token.clone());
        reading.spawn(pages.clone().read(http, token, stopped.clone()));
    }
    let metronome = Metronome::start(
        1,
        Some(args.rate),
        Clock {
            epoch: Instant::now(),
            ..clock
        },
    );
    let tempo = Tempo::Rate(metronome.beat(0).context("there is a rate")?);
    let (mut ack, mut sends) = (Latency::new(), 0_u64);
    let mut told = stopped.clone();
    let speaking = voice.speak(&tempo, &mut told, |_, took| {
        ack.record(took);
        sends += 1;
    });
    let began = Instant::now();
    let operating = async {
        let rebuilt = rebuild(&http, &token, &args.view, args.events_per_s).await;
        tokio::time::sleep(AFTERWARDS).await;
        stop.send_replace(true);
        rebuilt
    };
    let (spoken, rebuilt) = tokio::join!(speaking, operating);
    spoken?;
    let rebuilt = rebuilt?;
    let mut page = Latency::new();
    while let Some(read) = reading.join_next().await {
        page.add(&read??);
    }
    let seconds = began.elapsed().as_secs_f64();
    let told = |latency: &Latency, quantile| latency.ms(quantile).unwrap_or_default();
    Ok(Report {
        scenario: "rebuild",
        fsync: Latency::new(),
        floor: Vec::new(),
        counts: vec![
            ("generation", rebuilt.generation as f64),
            ("rebuild_seconds", rebuilt.seconds),
            ("rebuild_events", rebuilt.events as f64),
            ("rebuild_events_per_s", rebuilt.events as f64 / rebuilt.seconds),
            ("pages", pages.read.load(Ordering::Relaxed) as f64),
            ("page_ms_p50", told(&page, 0.50)),
            ("page_ms_p99", told(&page, 0.99)),
        ],
        rounds: vec![Figures {
            seconds,
            sends,
            deliveries: 0,
            ack,
            delivery: Latency::new(),
            server: None,
        }],
    })
}

async fn fill(voice: &mut Voice, count: u64) -> anyhow::Result<()> {
    let [bar] = progress::bars([("messages", count)]);
    let (_stop, mut stopped) = watch::channel(false);
    let tempo = Tempo::Burst {
        in_flight: IN_FLIGHT,
        count,
    };
    voice.speak(&tempo, &mut stopped, |_, _| bar.inc(1)).await?;
    bar.finish_and_clear();
    Ok(())
}

struct Rebuilt {
    generation: u64,
    events: u64,
    seconds: f64,
}

/// Begins and watches until another generation serves.
async fn rebuild(http: &Http, token: &str, view: &str, events_per_s: Option<u32>) -> anyhow::Result<Rebuilt> {
    let serving = |generations: &[Generation]| generations.iter().find(|one| one.state == "serving").cloned();
    let before = serving(&http.generations(token, view).await?).context("no generation serves")?;
    let start = Instant::now();
    http.rebuild(token, view, events_per_s).await?;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let generations = http.generations(token, view).await?;
        let now = serving(&generations).context("no generation serves")?;
        if now.generation > before.generation {
            return Ok(Rebuilt {
                generation: now.generation,
                events: now.checkpoint,
                seconds: start.elapsed().as_secs_f64(),
            });
        }
        let waits = generations.iter().find(|one| one.generation > before.generation);
        ensure!(
            waits.is_none_or(|one| one.state != "ready" && one.state != "halted"),
            "the new generation is not equal, or was halted: {waits:?}"
        );
    }
}

/// What all readers have seen of each room: no later page may end before it.
#[derive(Clone)]
struct Pages {
    rooms: Arc<[(String, AtomicU64)]>,
    read: Arc<AtomicU64>,
}

impl Pages {
    fn of(rooms: &[Channel]) -> Self {
        Self {
            rooms: rooms.iter().map(|room| (room.id.clone(), AtomicU64::new(0))).collect(),
            read: Arc::default(),
        }
    }

    /// Page after page, until told to stop. A page that fails is an error, as is one that goes back.
    async fn read(self, http: Http, token: String, stop: watch::Receiver<bool>) -> anyhow::Result<Latency> {
        let mut took = Latency::new();
        for (room, seen) in self.rooms.iter().cycle() {
            if *stop.borrow() {
                break;
            }
            let known = seen.load(Ordering::Acquire);
            let start = Instant::now();
            let page = http.newest_messages(&token, room).await?;
            took.record(start.elapsed());
            ensure!(
                page.hi >= known,
                "a page of {room} ended at {} after one that ended at {known}",
                page.hi
            );
            let dense = page.items.windows(2).all(|two| two[0].seq < two[1].seq);
            ensure!(dense, "a page of {room} is out of order");
            seen.fetch_max(page.hi, Ordering::AcqRel);
            self.read.fetch_add(1, Ordering::Relaxed);
        }
        Ok(took)
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
    fn a_running_server_with_writers_and_readers_is_needed() {
        const NEEDED: &[&str] = &["rebuild", "--token-file", "token"];
        const RUNNING: &[&str] = &["--server", "http://127.0.0.1:8080"];
        let check = |line: &[&str]| Line::parse_from([NEEDED, line].concat()).args.check();
        assert!(check(RUNNING).is_ok());
        assert!(check(&[]).is_err());
        for line in [["--rate", "0"], ["--readers", "0"], ["--body", "1"]] {
            assert!(check(&[RUNNING, &line].concat()).is_err(), "{line:?}");
        }
    }
}
