//! Many sockets of fewer people: each person has some sockets, and each socket follows some channels, which groups of people share.
//! Signing people up costs the server a password hash each, opening sockets does not.

use anyhow::ensure;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    people::REQUESTS_AT_ONCE,
    process, progress,
    venue::{Channel, Guest, Venue},
};

use super::follower::Follower;

const CHANNELS: usize = 5;
/// Within the server's own limit for one person.
const SOCKETS_PER_PERSON: usize = 10;
/// People who share their channels.
const GROUP_PEOPLE: usize = 10;
/// Open files for tickets and other requests beside the sockets.
const OTHER_FILES: usize = 1_500;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Size {
    /// How many sockets
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(super) sockets: usize,
    /// How many channels each of them follows
    #[arg(long, value_name = "N", default_value_t = CHANNELS)]
    pub(super) channels: usize,
    /// How many of them each person has; fewer people are signed up sooner
    #[arg(long, value_name = "N", default_value_t = SOCKETS_PER_PERSON)]
    pub(super) sockets_per_person: usize,
}

/// Everyone, before any socket is open.
pub(super) struct Crowd {
    pub(super) channels: Vec<Channel>,
    pub(super) followers: Vec<Follower>,
}

impl Size {
    /// As the flags would make it.
    pub(super) fn of(sockets: usize) -> Self {
        Self {
            sockets,
            channels: CHANNELS,
            sockets_per_person: SOCKETS_PER_PERSON,
        }
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.sockets > 0 && self.sockets_per_person > 0,
            "there must be sockets, and people for them"
        );
        ensure!(
            (1..=100).contains(&self.channels),
            "a socket follows between 1 and 100 channels"
        );
        process::ensure_open_files(self.sockets + OTHER_FILES)
    }

    fn people(&self) -> usize {
        self.sockets.div_ceil(self.sockets_per_person)
    }

    /// Signs people up and opens their channels, with `also` in each of these.
    pub(super) async fn gather(&self, venue: &mut Venue, also: Option<&Guest>) -> anyhow::Result<Crowd> {
        let names = (0..self.people()).map(|person| (format!("crowd-{person}"), format!("Number {person} of a crowd")));
        let guests = venue.invite(names.collect()).await?;
        let groups = guests.chunks(GROUP_PEOPLE);
        let [bar] = progress::bars([("channels", (groups.len() * self.channels) as u64)]);
        let mut crowd = Crowd {
            channels: Vec::new(),
            followers: Vec::with_capacity(self.sockets),
        };
        for group in groups {
            let mut channels = Vec::with_capacity(self.channels);
            let members: Vec<Guest> = group.iter().chain(also).cloned().collect();
            for _ in 0..self.channels {
                channels.push(venue.open_room(&members).await?);
                bar.inc(1);
            }
            let sockets = group
                .iter()
                .flat_map(|guest| std::iter::repeat_n(guest, self.sockets_per_person));
            for guest in sockets.take(self.sockets - crowd.followers.len()) {
                let number = crowd.followers.len();
                crowd.followers.push(Follower::new(number, guest.clone(), &channels));
            }
            crowd.channels.extend(channels);
        }
        bar.finish_and_clear();
        Ok(crowd)
    }
}

impl Crowd {
    /// Everyone opens their socket and follows their channels from where they were left.
    pub(super) async fn connect(&mut self, venue: &Venue) -> anyhow::Result<()> {
        let [bar] = progress::bars([("sockets", self.followers.len() as u64)]);
        stream::iter(&mut self.followers)
            .map(|follower| async {
                follower.connect(venue).await?;
                follower.catch_up().await?;
                bar.inc(1);
                anyhow::Ok(())
            })
            .buffer_unordered(REQUESTS_AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        bar.finish_and_clear();
        Ok(())
    }

    /// Sockets that answer heartbeats and do nothing else, until they are told to stop.
    pub(super) fn sit(self, stop: &watch::Receiver<bool>) -> Sitting {
        let mut sitting = JoinSet::new();
        for mut follower in self.followers {
            let mut stop = stop.clone();
            sitting.spawn(async move {
                tokio::select! {
                    stopped = stop.wait_for(|stop| *stop) => stopped.map(drop).map_err(anyhow::Error::from)?,
                    ended = follower.follow() => ended?,
                }
                anyhow::Ok(follower)
            });
        }
        Sitting(sitting)
    }
}

pub(super) struct Sitting(JoinSet<anyhow::Result<Follower>>);

impl Sitting {
    /// Everyone back, after they were told to stop. A socket that ended before is an error.
    pub(super) async fn end(mut self) -> anyhow::Result<Vec<Follower>> {
        let mut followers = Vec::with_capacity(self.0.len());
        while let Some(follower) = self.0.join_next().await {
            followers.push(follower??);
        }
        Ok(followers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(sockets: usize, channels: usize, sockets_per_person: usize) -> Size {
        Size {
            sockets,
            channels,
            sockets_per_person,
        }
    }

    #[test]
    fn people_are_enough_for_all_sockets() {
        assert_eq!([size(10_000, 5, 10).people(), size(11, 5, 10).people()], [1_000, 2]);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for size in [
            size(0, 5, 10),
            size(10, 0, 10),
            size(10, 101, 10),
            size(10, 5, 0),
            size(10_000_000, 5, 10),
        ] {
            assert!(size.check().is_err(), "{size:?}");
        }
    }
}
