//! Rooms at full speed: in each room some members send, each keeping a number of messages in flight and sending the next when one is
//! acknowledged, or all of them together at a fixed rate; and all members read everything. Each seat is a person of their own.
//!
//! The first seconds are played and checked but not counted, so that figures are those of a warm server. With the yardstick, rounds on
//! it and on the real server alternate; sockets are opened anew for each, so that whoever does not play has none.

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    fsync,
    people::REQUESTS_AT_ONCE,
    process, progress,
    report::{Figures, Latency, Report},
    server::Target,
    socket::Socket,
    venue::{Channel, Guest, Venue},
};

mod member;
mod room;

use super::{
    crowd::Size,
    metronome::Metronome,
    pace::{Against, Clock, Pace, usage_while},
};
use room::{Room, Tally};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Load {
    /// How many rooms
    #[arg(long, default_value_t = 20)]
    pub(super) rooms: usize,
    /// How many people in each room
    #[arg(long, default_value_t = 10)]
    pub(super) members: usize,
    /// How many of them send; all unless given
    #[arg(long)]
    pub(super) senders: Option<usize>,
    /// How many idle sockets stay connected to the real server meanwhile, each following 5 channels of their own
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) idle: usize,
    #[command(flatten)]
    pub(super) pace: Pace,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    against: Against,
    #[command(flatten)]
    target: Target,
}

impl Load {
    fn senders(&self) -> usize {
        self.senders.unwrap_or(self.members)
    }

    /// The number of a seat among all senders, unless it only reads.
    fn sender_at(&self, room: usize, seat: usize) -> Option<usize> {
        (seat < self.senders()).then(|| room * self.senders() + seat)
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.pace.check()?;
        ensure!(
            self.rooms > 0 && self.members > 0,
            "rooms and members must be above zero"
        );
        ensure!(
            (1..=self.members).contains(&self.senders()),
            "senders are some of the {} members, and at least one",
            self.members
        );
        process::ensure_open_files(self.rooms * self.members + self.idle)
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let load = args.load;
    let counts = vec![
        ("rooms", load.rooms as f64),
        ("members", load.members as f64),
        ("senders", load.senders() as f64),
    ];
    measure("rooms", &load, &args.against, &args.target, counts).await
}

/// All rounds on all that is played on.
pub(super) async fn measure(
    scenario: &'static str,
    load: &Load,
    against: &Against,
    target: &Target,
    mut counts: Vec<(&'static str, f64)>,
) -> anyhow::Result<Report> {
    load.check()?;
    let mut stages = Vec::new();
    for mut venue in venues(against, target).await? {
        let rooms = set(load, &mut venue).await?;
        stages.push(Stage {
            venue,
            rooms,
            figures: Vec::new(),
        });
    }
    let (stop, stopped) = watch::channel(false);
    let mut sitting = None;
    if let Some(stage) = stages.iter_mut().find(|stage| stage.venue.is_real() && load.idle > 0) {
        let mut crowd = Size::of(load.idle).gather(&mut stage.venue, None).await?;
        crowd.connect(&stage.venue).await?;
        sitting = Some(crowd.sit(&stopped));
        counts.push(("idle", load.idle as f64));
    }
    let mut fsync = Latency::new();
    let folder = stages
        .iter()
        .find_map(|stage| stage.venue.data())
        .map(ToOwned::to_owned);
    for round in 0..against.rounds() {
        if let Some(folder) = &folder {
            fsync.add(&fsync::measure(folder)?);
        }
        for stage in &mut stages {
            stage
                .play(load, round)
                .await
                .with_context(|| format!("round {round}"))?;
        }
        // Whoever was first is last in the next round, so that a machine that grows slower favours nobody.
        stages.reverse();
    }
    stop.send_replace(true);
    if let Some(sitting) = sitting {
        sitting.end().await?;
    }
    counts.extend([
        ("in_flight", load.pace.in_flight as f64),
        ("body", load.pace.body as f64),
    ]);
    counts.extend(load.pace.rate.map(|rate| ("rate", rate as f64)));
    let (mut rounds, mut floor) = (Vec::new(), Vec::new());
    for stage in stages {
        if stage.venue.is_real() || against.floor_alone {
            rounds = stage.figures;
        } else {
            floor = stage.figures;
        }
        stage.venue.stop().await?;
    }
    Ok(Report {
        scenario,
        rounds,
        floor,
        fsync,
        counts,
    })
}

async fn venues(against: &Against, target: &Target) -> anyhow::Result<Vec<Venue>> {
    let mut venues = Vec::new();
    if !against.floor_alone {
        venues.push(Venue::real(target, &[]).await?);
    }
    if against.floor || against.floor_alone {
        venues.push(Venue::floor(against.floor_workers).await?);
    }
    Ok(venues)
}

/// Rooms with their people, on one of those played on.
struct Stage {
    venue: Venue,
    rooms: Vec<Seats>,
    figures: Vec<Figures>,
}

struct Seats {
    channel: Channel,
    guests: Vec<Guest>,
}

impl Stage {
    async fn play(&mut self, load: &Load, round: usize) -> anyhow::Result<()> {
        for seats in &mut self.rooms {
            self.venue.refresh(&mut seats.guests).await?;
        }
        let mut rooms = Vec::with_capacity(self.rooms.len());
        for (number, seats) in self.rooms.iter().enumerate() {
            rooms.push(Room {
                number,
                round,
                channel: seats.channel.id.clone(),
                first: seats.channel.top + 1,
                sockets: connect(&self.venue, seats).await?,
            });
        }
        self.venue.rest().await;
        let clock = Clock::start(&load.pace);
        let metronome = Metronome::start(load.rooms * load.senders(), load.pace.rate, clock);
        let mut playing = JoinSet::new();
        for room in rooms {
            playing.spawn(room.play(load.clone(), clock, metronome.clone()));
        }
        let usage = usage_while(&self.venue, clock);
        let (server, played) = tokio::try_join!(async { Ok(usage.await) }, gather(playing))?;
        let mut tally = Tally::default();
        for (number, last, of_room) in played {
            self.rooms[number].channel.top = last;
            tally.add(of_room);
        }
        self.figures.push(Figures {
            seconds: load.pace.seconds as f64,
            sends: tally.sends,
            deliveries: tally.deliveries,
            ack: tally.ack,
            delivery: tally.delivery,
            server,
        });
        self.venue.rest().await;
        Ok(())
    }
}

/// What came of each room, by its number, with the last seq it has now.
async fn gather(mut playing: JoinSet<anyhow::Result<Played>>) -> anyhow::Result<Vec<Played>> {
    let mut all = Vec::with_capacity(playing.len());
    while let Some(played) = playing.join_next().await {
        all.push(played??);
    }
    Ok(all)
}

/// A room's number, its last seq, and what was counted.
type Played = (usize, u64, Tally);

/// All people and rooms.
async fn set(load: &Load, venue: &mut Venue) -> anyhow::Result<Vec<Seats>> {
    let seats = (0..load.rooms).flat_map(|room| (0..load.members).map(move |member| (room, member)));
    let names = seats.map(|(room, member)| {
        (
            format!("load-{room}-{member}"),
            format!("Member {member} of room {room}"),
        )
    });
    let guests = venue.invite(names.collect()).await?;
    let [bar] = progress::bars([("rooms", load.rooms as u64)]);
    let mut rooms = Vec::with_capacity(load.rooms);
    for (number, guests) in guests.chunks(load.members).enumerate() {
        rooms.push(Seats {
            channel: venue
                .open_room(guests)
                .await
                .with_context(|| format!("room {number}"))?,
            guests: guests.to_vec(),
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(rooms)
}

/// A socket for every seat, that follows the room from its next event on.
async fn connect(venue: &Venue, seats: &Seats) -> anyhow::Result<Vec<Socket>> {
    stream::iter(&seats.guests)
        .map(|guest| async {
            let mut socket = venue.connect(guest, &[]).await?;
            socket.subscribe(&seats.channel.id, seats.channel.top).await?;
            anyhow::Ok(socket)
        })
        .buffered(REQUESTS_AT_ONCE)
        .try_collect()
        .await
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
        Line::parse_from(std::iter::once("rooms").chain(line.split_whitespace())).args
    }

    fn load(line: &str) -> Load {
        args(line).load
    }

    #[test]
    fn the_agreed_flags_are_understood() {
        let load = load("--rooms 1 --members 100 --senders 1 --in-flight 32 --body 200 --seconds 5");
        assert_eq!((load.rooms, load.members, load.senders()), (1, 100, 1));
        assert_eq!((load.pace.in_flight, load.pace.body, load.pace.seconds), (32, 200, 5));
        assert!(load.check().is_ok());
    }

    #[test]
    fn senders_are_counted_through_all_rooms_and_readers_are_not() {
        let load = load("--rooms 2 --members 3 --senders 2");
        let numbers = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2)].map(|(room, seat)| load.sender_at(room, seat));
        assert_eq!(numbers, [Some(0), Some(1), None, Some(2), None]);
    }

    #[test]
    fn everyone_sends_unless_told_otherwise() {
        assert_eq!(load("--members 7").senders(), 7);
    }

    #[test]
    fn the_yardstick_is_played_in_five_rounds_unless_told_otherwise() {
        let rounds = |line: &str| args(line).against.rounds();
        assert_eq!((rounds(""), rounds("--floor"), rounds("--floor --rounds 7")), (1, 5, 7));
        assert!(Line::try_parse_from(["rooms", "--floor", "--server", "http://127.0.0.1:1"]).is_err());
    }

    #[test]
    fn impossible_loads_are_refused() {
        for line in [
            "--members 2 --senders 3",
            "--senders 0",
            "--rooms 0",
            "--body 5",
            "--body 8001",
            "--in-flight 0",
            "--rate 0",
            "--rooms 1000000",
        ] {
            assert!(load(line).check().is_err(), "{line}");
        }
    }
}
