//! One room while it is played: its members run by themselves, and the room tells them when the last message was acknowledged, so that
//! everyone knows how far there is to read.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{sleep, sleep_until, timeout},
};

use crate::{
    checker::room::{self, RoomReader},
    report::Latency,
    socket::Socket,
};

use super::{
    Load, Played,
    member::{Member, Note, Phase, Seat, Seen},
};
use crate::scenario::{metronome::Metronome, pace::Clock};

/// Nothing healthy takes this long; whoever waits longer has lost something.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long members listen for events too many after the last one.
const AFTERWARDS: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Room {
    pub(super) number: usize,
    /// Part of every key, since keys are for ever.
    pub(super) round: usize,
    pub(super) channel: String,
    /// The seq of the first message.
    pub(super) first: u64,
    pub(super) sockets: Vec<Socket>,
}

/// What was counted, in one room or in all.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) sends: u64,
    pub(super) deliveries: u64,
    pub(super) ack: Latency,
    pub(super) delivery: Latency,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            sends: 0,
            deliveries: 0,
            ack: Latency::new(),
            delivery: Latency::new(),
        }
    }
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.sends += other.sends;
        self.deliveries += other.deliveries;
        self.ack.add(&other.ack);
        self.delivery.add(&other.delivery);
    }

    fn count(&mut self, seen: &Seen) {
        let of_us = |us: &u32| Duration::from_micros(u64::from(*us));
        self.sends += seen.ack_us.len() as u64;
        self.deliveries += seen.deliveries;
        seen.ack_us.iter().map(of_us).for_each(|took| self.ack.record(took));
        seen.delivery_us
            .iter()
            .map(of_us)
            .for_each(|took| self.delivery.record(took));
    }
}

impl Room {
    pub(super) async fn play(mut self, load: Load, clock: Clock, metronome: Metronome) -> anyhow::Result<Played> {
        let (phase, phases) = watch::channel(Phase::Sending);
        let (notes, mut inbox) = mpsc::channel(self.sockets.len());
        let mut members = JoinSet::new();
        for (number, socket) in std::mem::take(&mut self.sockets).into_iter().enumerate() {
            let seat = Seat {
                number,
                round: self.round,
                channel: self.channel.clone(),
                beat: load
                    .sender_at(self.number, number)
                    .and_then(|sender| metronome.beat(sender)),
            };
            let name = format!("member {number} of room {}", self.number);
            let checker = RoomReader::new(name, self.channel.clone(), self.first, load.senders());
            members.spawn(Member::new(seat, socket, checker, &load, clock).run(phases.clone(), notes.clone()));
        }
        drop((phases, notes));
        let conducted = self.conduct(&load, clock, &phase, &mut inbox);
        // A member that fails ends the room at once; the others' ends are seen below.
        let seen = tokio::try_join!(conducted, collect(&mut members)).with_context(|| format!("room {}", self.number));
        let ((sent, last), seen) = seen?;
        let mut tally = Tally::default();
        seen.iter().for_each(|seen| tally.count(seen));
        let readers: Vec<&RoomReader> = seen.iter().map(|seen| &seen.checker).collect();
        room::compare(&readers, &sent)?;
        Ok((self.number, last, tally))
    }

    /// How many messages each sender sent, and the last seq, once everyone has read them all.
    async fn conduct(
        &self,
        load: &Load,
        clock: Clock,
        phase: &watch::Sender<Phase>,
        inbox: &mut mpsc::Receiver<Note>,
    ) -> anyhow::Result<(Vec<u64>, u64)> {
        let mut sent = vec![0; load.senders()];
        let mut last = self.first - 1;
        sleep_until(clock.until.into()).await;
        for _ in 0..load.senders() {
            match timeout(PATIENCE, inbox.recv()).await {
                Ok(Some(Note::Drained { seat, sent: count, top })) => {
                    sent[seat] = count;
                    last = last.max(top);
                }
                Ok(Some(Note::Reached)) => bail!("a member reached an end that was not told"),
                Ok(None) | Err(_) => bail!("an acknowledgement never came"),
            }
        }
        phase.send_replace(Phase::Reading { last });
        for _ in 0..load.members {
            match timeout(PATIENCE, inbox.recv()).await {
                Ok(Some(Note::Reached)) => {}
                Ok(Some(Note::Drained { .. })) => bail!("a sender drained twice"),
                // Whoever has not reached the end says so.
                Ok(None) | Err(_) => break,
            }
        }
        sleep(AFTERWARDS).await;
        phase.send_replace(Phase::Over { last });
        Ok((sent, last))
    }
}

async fn collect(members: &mut JoinSet<anyhow::Result<Seen>>) -> anyhow::Result<Vec<Seen>> {
    let mut all = Vec::with_capacity(members.len());
    while let Some(seen) = members.join_next().await {
        all.push(seen??);
    }
    Ok(all)
}
