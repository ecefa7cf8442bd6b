//! What scenarios are played on: the real server or the yardstick. Scenarios ask for people, rooms and sockets, and need not know which
//! it is; everything after that is the same client code against both.

use std::{net::SocketAddr, path::Path};

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    floor::{self, Yardstick},
    http::Http,
    people::{self, Person, REQUESTS_AT_ONCE},
    process::Usage,
    progress,
    server::{Server, Target},
    socket::{Place, Socket},
};

/// Fewer than a space may have channels.
const ROOMS_PER_SPACE: usize = 400;

#[derive(Debug)]
pub(crate) enum Venue {
    Real(Box<Real>),
    Floor(Box<Floor>),
}

#[derive(Debug)]
pub(crate) struct Real {
    server: Server,
    http: Http,
    owner: Person,
    /// The space of the next room, and how many it has.
    space: Option<(String, usize)>,
}

#[derive(Debug)]
pub(crate) struct Floor {
    yardstick: Yardstick,
    people: u32,
    rooms: usize,
}

/// Someone who may open sockets.
#[derive(Debug, Clone)]
pub(crate) enum Guest {
    Real(Person),
    Floor(u32),
}

/// A channel, and the last seq that making it took.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) top: u64,
}

impl Venue {
    pub(crate) async fn real(target: &Target, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let server = Server::start_with(target, settings).await?;
        let http = Http::new(&server.url)?;
        let owner = Person::sign_up(&http, "load-owner", "Keeper of the rooms").await?;
        Ok(Self::Real(Box::new(Real {
            server,
            http,
            owner,
            space: None,
        })))
    }

    pub(crate) async fn floor(workers: u8) -> anyhow::Result<Self> {
        Ok(Self::Floor(Box::new(Floor {
            yardstick: Yardstick::start(workers).await?,
            people: 0,
            rooms: 0,
        })))
    }

    pub(crate) fn is_real(&self) -> bool {
        matches!(self, Self::Real(_))
    }

    pub(crate) fn http(&self) -> Option<&Http> {
        match self {
            Self::Real(real) => Some(&real.http),
            Self::Floor(_) => None,
        }
    }

    /// People by handle and display name, in their order.
    pub(crate) async fn invite(&mut self, names: Vec<(String, String)>) -> anyhow::Result<Vec<Guest>> {
        match self {
            Self::Real(real) => {
                let [bar] = progress::bars([("people", names.len() as u64)]);
                let people = people::sign_up_all(&real.http, names, &bar).await;
                bar.finish_and_clear();
                real.owner.refresh(&real.http).await?;
                Ok(people?.into_iter().map(Guest::Real).collect())
            }
            Self::Floor(floor) => {
                let from = floor.people;
                floor.people += names.len() as u32;
                Ok((from..floor.people).map(Guest::Floor).collect())
            }
        }
    }

    /// A room with these people in it.
    pub(crate) async fn open_room(&mut self, guests: &[Guest]) -> anyhow::Result<Channel> {
        match self {
            Self::Real(real) => real.open_room(guests).await,
            Self::Floor(floor) => {
                floor.rooms += 1;
                Ok(Channel {
                    id: floor::channel(floor.rooms),
                    top: 0,
                })
            }
        }
    }

    /// Signs in again whoever's token grows old.
    pub(crate) async fn refresh(&mut self, guests: &mut [Guest]) -> anyhow::Result<()> {
        let Self::Real(real) = self else { return Ok(()) };
        real.owner.refresh(&real.http).await?;
        for guest in guests {
            if let Guest::Real(person) = guest {
                person.refresh(&real.http).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn connect(&self, guest: &Guest, resume: &[Place<'_>]) -> anyhow::Result<Socket> {
        let ticket = self.ticket(guest).await?;
        Ok(Socket::open(self.address(), &ticket, "load", resume).await?)
    }

    /// What opens one socket, once.
    pub(crate) async fn ticket(&self, guest: &Guest) -> anyhow::Result<String> {
        match (self, guest) {
            (Self::Real(real), Guest::Real(person)) => real.http.ticket(&person.token).await,
            (_, Guest::Floor(person)) => Ok(floor::ticket(*person)),
            (Self::Floor(_), Guest::Real(_)) => anyhow::bail!("a guest of the real server came to the yardstick"),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Real(real) => real.server.address,
            Self::Floor(floor) => floor.yardstick.address,
        }
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        match self {
            Self::Real(real) => real.server.usage(),
            Self::Floor(floor) => floor.yardstick.usage(),
        }
    }

    /// Where its log lives, if it is on this machine.
    pub(crate) fn data(&self) -> Option<&Path> {
        match self {
            Self::Real(real) => real.server.data(),
            Self::Floor(floor) => Some(floor.yardstick.data()),
        }
    }

    /// Waits until the server has done what it does afterwards, views for one.
    pub(crate) async fn rest(&self) {
        match self {
            Self::Real(real) => real.server.rest().await,
            Self::Floor(floor) => floor.yardstick.rest().await,
        }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self {
            Self::Real(real) => real.server.stop().await,
            Self::Floor(floor) => floor.yardstick.stop().await,
        }
    }
}

impl Real {
    async fn open_room(&mut self, guests: &[Guest]) -> anyhow::Result<Channel> {
        let (http, owner) = (&self.http, &self.owner);
        let (space, rooms) = match self.space.take() {
            Some((space, rooms)) if rooms < ROOMS_PER_SPACE => (space, rooms),
            _ => (http.create_space(&owner.token, "Load").await?, 0),
        };
        let id = http
            .create_channel(&owner.token, &space, &format!("room {rooms}"))
            .await?;
        let join = async |guest: &Guest| {
            let Guest::Real(person) = guest else {
                anyhow::bail!("a guest of the yardstick came to the real server")
            };
            http.put_space_member(&owner.token, &space, &person.id).await?;
            Ok(http.join_channel(&person.token, &id).await?.seq)
        };
        let first = stream::iter(guests.first()).then(join);
        let others = stream::iter(guests.iter().skip(1))
            .map(join)
            .buffer_unordered(REQUESTS_AT_ONCE);
        let top = first
            .chain(others)
            .try_fold(0, |top, seq| async move { Ok(top.max(seq)) })
            .await
            .context("joining")?;
        self.space = Some((space, rooms + 1));
        Ok(Channel { id, top })
    }
}
