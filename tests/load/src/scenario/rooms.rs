//! Rooms at full speed: in each room some members send, each keeping a number of messages in flight and sending the next when one is
//! acknowledged, and all members read everything. Each seat is a person of their own.
//!
//! The first seconds are played and checked but not counted, so that figures are those of a warm server.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{task::JoinSet, time::sleep_until};

use crate::{
    checker::room::HEAD_BYTES,
    http::Http,
    people::{self, Person, REQUESTS_AT_ONCE},
    progress,
    report::Report,
    server::{self, Server, Target, Usage},
    socket::Socket,
};

mod member;
mod room;

use room::{Room, Tally};

/// Fewer than a space may have channels.
const ROOMS_PER_SPACE: usize = 400;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Load {
    /// How many rooms
    #[arg(long, default_value_t = 20)]
    rooms: usize,
    /// How many people in each room
    #[arg(long, default_value_t = 10)]
    members: usize,
    /// How many of them send; all unless given
    #[arg(long)]
    senders: Option<usize>,
    /// How many messages each sender keeps waiting for their acknowledgement
    #[arg(long, default_value_t = 1)]
    in_flight: usize,
    /// Length of a message in bytes
    #[arg(long, default_value_t = 200)]
    body: usize,
    /// How long to count
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How long to play before counting
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    warm_up: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    target: Target,
}

impl Load {
    fn senders(&self) -> usize {
        self.senders.unwrap_or(self.members)
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.rooms > 0 && self.members > 0 && self.seconds > 0,
            "rooms, members and seconds must be above zero"
        );
        ensure!(
            (1..=self.members).contains(&self.senders()),
            "senders are some of the {} members, and at least one",
            self.members
        );
        ensure!(
            (1..=1_024).contains(&self.in_flight),
            "between 1 and 1024 messages may be in flight"
        );
        ensure!(
            (HEAD_BYTES..=8_000).contains(&self.body),
            "a body has between {HEAD_BYTES} and 8000 bytes"
        );
        server::ensure_open_files(self.rooms * self.members)
    }
}

/// When counting starts and when sending ends, for everyone alike.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario) struct Clock {
    epoch: Instant,
    from: Instant,
    until: Instant,
}

impl Clock {
    fn start(load: &Load) -> Self {
        let epoch = Instant::now();
        let from = epoch + Duration::from_secs(load.warm_up);
        Self {
            epoch,
            from,
            until: from + Duration::from_secs(load.seconds),
        }
    }

    fn counts(&self, at: Instant) -> bool {
        (self.from..self.until).contains(&at)
    }

    fn us(&self, at: Instant) -> u64 {
        at.duration_since(self.epoch).as_micros() as u64
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let load = args.load;
    load.check()?;
    let server = Server::start(&args.target).await?;
    let rooms = set(&load, &Http::new(&server.url)?, server.address).await?;
    let clock = Clock::start(&load);
    let mut playing = JoinSet::new();
    for room in rooms {
        playing.spawn(room.play(load.clone(), clock));
    }
    let usage = usage_while(&server, clock);
    let (usage, tally) = tokio::try_join!(async { Ok(usage.await) }, gather(playing))?;
    server.stop().await?;
    Ok(report(&load, usage, tally))
}

async fn gather(mut playing: JoinSet<anyhow::Result<Tally>>) -> anyhow::Result<Tally> {
    let mut total = Tally::default();
    while let Some(tally) = playing.join_next().await {
        total.add(tally??);
    }
    Ok(total)
}

/// What the server used between the two ends of counting.
async fn usage_while(server: &Server, clock: Clock) -> Option<Usage> {
    sleep_until(clock.from.into()).await;
    let before = server.usage()?;
    sleep_until(clock.until.into()).await;
    let after = server.usage()?;
    Some(Usage {
        cpu_seconds: after.cpu_seconds - before.cpu_seconds,
        ..after
    })
}

fn report(load: &Load, server: Option<Usage>, tally: Tally) -> Report {
    Report {
        scenario: "rooms",
        seconds: load.seconds as f64,
        sends: tally.sends,
        deliveries: tally.deliveries,
        ack: tally.ack,
        delivery: tally.delivery,
        server,
        counts: vec![
            ("rooms", load.rooms as u64),
            ("members", load.members as u64),
            ("senders", load.senders() as u64),
            ("in_flight", load.in_flight as u64),
            ("body", load.body as u64),
        ],
    }
}

/// All people, rooms and sockets, ready to play.
async fn set(load: &Load, http: &Http, address: SocketAddr) -> anyhow::Result<Vec<Room>> {
    let mut owner = Person::sign_up(http, "load-owner", "Keeper of the rooms").await?;
    let people = sign_up(load, http).await?;
    owner.refresh(http).await?;
    let [bar] = progress::bars([("rooms", load.rooms as u64)]);
    let mut rooms = Vec::with_capacity(load.rooms);
    for block in people.chunks(load.members * ROOMS_PER_SPACE) {
        let space = http.create_space(&owner.token, "Load").await?;
        for members in block.chunks(load.members) {
            let number = rooms.len();
            rooms.push(
                open(http, address, &owner, &space, number, members)
                    .await
                    .with_context(|| format!("room {number}"))?,
            );
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(rooms)
}

async fn sign_up(load: &Load, http: &Http) -> anyhow::Result<Vec<Person>> {
    let seats = (0..load.rooms).flat_map(|room| (0..load.members).map(move |member| (room, member)));
    let names: Vec<_> = seats
        .map(|(room, member)| {
            (
                format!("load-{room}-{member}"),
                format!("Member {member} of room {room}"),
            )
        })
        .collect();
    let [bar] = progress::bars([("people", names.len() as u64)]);
    let people = people::sign_up_all(http, names, &bar).await;
    bar.finish_and_clear();
    people
}

async fn open(
    http: &Http,
    address: SocketAddr,
    owner: &Person,
    space: &str,
    number: usize,
    members: &[Person],
) -> anyhow::Result<Room> {
    let channel = http
        .create_channel(&owner.token, space, &format!("room {number}"))
        .await?;
    let top = stream::iter(members)
        .map(|person| async {
            http.put_space_member(&owner.token, space, &person.id).await?;
            http.join_channel(&person.token, &channel).await
        })
        .buffer_unordered(REQUESTS_AT_ONCE)
        .try_fold(0, |top, acked| async move { Ok(top.max(acked.seq)) })
        .await?;
    let sockets: Vec<Socket> = stream::iter(members)
        .map(|person| async {
            let mut socket = person.connect(http, address).await?;
            socket.subscribe(&channel, top).await?;
            anyhow::Ok(socket)
        })
        .buffered(REQUESTS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(Room {
        number,
        channel,
        first: top + 1,
        sockets,
    })
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

    fn load(line: &str) -> Load {
        Line::parse_from(std::iter::once("rooms").chain(line.split_whitespace()))
            .args
            .load
    }

    #[test]
    fn the_agreed_flags_are_understood() {
        let load = load("--rooms 1 --members 100 --senders 1 --in-flight 32 --body 200 --seconds 5");
        assert_eq!(
            (
                load.rooms,
                load.members,
                load.senders(),
                load.in_flight,
                load.body,
                load.seconds
            ),
            (1, 100, 1, 32, 200, 5)
        );
        assert!(load.check().is_ok());
    }

    #[test]
    fn everyone_sends_unless_told_otherwise() {
        assert_eq!(load("--members 7").senders(), 7);
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
            "--rooms 1000000",
        ] {
            assert!(load(line).check().is_err(), "{line}");
        }
    }
}
