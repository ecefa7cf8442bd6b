//! Someone who sends to some channels in turn and reads nothing but the acknowledgements, each of which has to name the place that is
//! next in its channel, since nobody else sends there.

use std::{
    collections::VecDeque,
    io::Write,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tokio::sync::watch;

use crate::{
    checker::{Violation, room::Head},
    frame::{self, Ack, Frame},
    socket::{Incoming, Reader, Socket, SocketError, Writer},
    venue::Channel,
};

use super::{
    metronome::{Beat, next_beat},
    pace::IN_FLIGHT_MAX,
};

pub(super) struct Voice {
    reader: Reader,
    writer: Writer,
    rooms: Vec<Room>,
    body_bytes: usize,
    /// From when the times in bodies count.
    epoch: Instant,
    issued: u64,
    waiting: VecDeque<Waiting>,
    frame: Vec<u8>,
}

struct Room {
    channel: String,
    /// How many messages were sent here.
    sent: u64,
    /// The last seq that was acknowledged.
    top: u64,
}

struct Waiting {
    id: u64,
    room: usize,
    due: Instant,
}

/// When the next message is sent.
pub(super) enum Tempo {
    /// At fixed times.
    Rate(Beat),
    /// So many at once, until so many were sent.
    Burst { in_flight: usize, count: u64 },
}

impl Voice {
    pub(super) fn new(socket: Socket, channels: &[Channel], body_bytes: usize, epoch: Instant) -> Self {
        let room = |channel: &Channel| Room {
            channel: channel.id.clone(),
            sent: 0,
            top: channel.top,
        };
        Self {
            reader: socket.reader,
            writer: socket.writer,
            rooms: channels.iter().map(room).collect(),
            body_bytes,
            epoch,
            issued: 0,
            waiting: VecDeque::new(),
            frame: Vec::new(),
        }
    }

    /// Sends until told to stop or done, and until everything is acknowledged. `acked` gets each message's due time and how long it took
    /// from then.
    pub(super) async fn speak(
        &mut self,
        tempo: &Tempo,
        stop: &mut watch::Receiver<bool>,
        mut acked: impl FnMut(Instant, Duration),
    ) -> anyhow::Result<()> {
        let before = self.issued;
        loop {
            let stopped = *stop.borrow_and_update();
            if !stopped {
                self.send_more(tempo, before);
            }
            self.writer.flush().await?;
            let done = matches!(tempo, Tempo::Burst { count, .. } if self.issued - before == *count);
            if self.waiting.is_empty() && (stopped || done) {
                return Ok(());
            }
            let beat = match tempo {
                Tempo::Rate(beat) if !stopped => Some(beat),
                _ => None,
            };
            tokio::select! {
                filled = self.reader.fill() => filled?,
                () = next_beat(beat) => {}
                changed = stop.changed(), if !stopped => changed.context("the scenario is gone")?,
            }
            self.take_what_arrived(&mut acked)?;
        }
    }

    /// Answers heartbeats for ever, or until the connection ends, which is an error.
    pub(super) async fn listen(&mut self) -> anyhow::Result<()> {
        loop {
            self.take_what_arrived(&mut |_, _| {})?;
            self.writer.flush().await?;
            self.reader.fill().await?;
        }
    }

    fn send_more(&mut self, tempo: &Tempo, before: u64) {
        let now = Instant::now();
        while let Some(due) = self.due(tempo, before, now) {
            let room = (self.issued % self.rooms.len() as u64) as usize;
            self.write_command(room, due);
            self.writer.push(&self.frame);
            self.waiting.push_back(Waiting {
                id: self.issued,
                room,
                due,
            });
            self.rooms[room].sent += 1;
            self.issued += 1;
        }
    }

    fn due(&self, tempo: &Tempo, before: u64, now: Instant) -> Option<Instant> {
        let number = self.issued - before;
        match tempo {
            Tempo::Rate(beat) => Some(beat.due(number)).filter(|due| *due <= now && self.waiting.len() < IN_FLIGHT_MAX),
            Tempo::Burst { in_flight, count } => (self.waiting.len() < *in_flight && number < *count).then_some(now),
        }
    }

    fn write_command(&mut self, room: usize, due: Instant) {
        let Room { channel, sent, .. } = &self.rooms[room];
        let head = Head {
            sender: 0,
            number: *sent,
            sent_us: us_between(self.epoch, due),
        };
        self.frame.clear();
        let id = self.issued;
        let start =
            format_args!(r#"{{"t":"cmd","id":"{id}","op":"message.send","ch":"{channel}","key":"{id}","d":{{"body":""#);
        self.frame.write_fmt(start).expect("memory takes every write");
        head.write_body(&mut self.frame, self.body_bytes);
        self.frame.extend_from_slice(br#""}}"#);
    }

    fn take_what_arrived(&mut self, acked: &mut impl FnMut(Instant, Duration)) -> anyhow::Result<()> {
        let now = Instant::now();
        while let Some(incoming) = self.reader.next()? {
            let text = match incoming {
                Incoming::Text(text) => text,
                Incoming::Ping(payload) => {
                    self.writer.push_ping_answer(payload);
                    continue;
                }
                Incoming::Pong => continue,
            };
            for one in frame::split(text).map_err(SocketError::Frame)? {
                match frame::parse(one).map_err(SocketError::Frame)? {
                    Frame::Ok(ack) => {
                        let due = take_ack(&mut self.waiting, &mut self.rooms, &ack)?;
                        acked(due, now.saturating_duration_since(due));
                    }
                    Frame::Heartbeat => self.writer.push_pong(),
                    Frame::Error { code, detail } => {
                        let what = "a message";
                        return Err(SocketError::Error { what, code, detail }.into());
                    }
                    Frame::Event(_) | Frame::Following { .. } | Frame::Other { .. } => {}
                }
            }
        }
        Ok(())
    }

    /// The last seq of each channel, in their order.
    pub(super) fn tops(&self) -> Vec<u64> {
        self.rooms.iter().map(|room| room.top).collect()
    }

    /// How many messages went to each channel, in their order.
    pub(super) fn sent(&self) -> Vec<u64> {
        self.rooms.iter().map(|room| room.sent).collect()
    }
}

/// Answers come in the order of the messages, and each channel's places one after the other.
fn take_ack(waiting: &mut VecDeque<Waiting>, rooms: &mut [Room], ack: &Ack<'_>) -> anyhow::Result<Instant> {
    let next = waiting.pop_front().filter(|next| ack.id == next.id.to_string());
    let next = next.ok_or_else(|| Violation::StrayAck {
        id: ack.id.clone().into_owned(),
    })?;
    let room = &mut rooms[next.room];
    ensure!(
        ack.seq == room.top + 1,
        "number {} was acknowledged at seq {} where {} was due",
        next.id,
        ack.seq,
        room.top + 1
    );
    room.top = ack.seq;
    Ok(next.due)
}

/// Of two moments of one run.
pub(super) fn us_between(from: Instant, to: Instant) -> u64 {
    to.saturating_duration_since(from).as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(id: &'static str, seq: u64) -> Ack<'static> {
        Ack {
            id: id.into(),
            seq,
            pos: "p".into(),
        }
    }

    #[test]
    fn an_acknowledgement_out_of_turn_or_at_another_place_is_an_error() {
        let now = Instant::now();
        let take = |ack: Ack<'_>| {
            let mut waiting: VecDeque<_> = (0..2).map(|id| Waiting { id, room: 0, due: now }).collect();
            let mut rooms = [Room {
                channel: "c".into(),
                sent: 2,
                top: 4,
            }];
            take_ack(&mut waiting, &mut rooms, &ack).map(|_| rooms[0].top)
        };
        assert_eq!(take(ack("0", 5)).expect("its turn and place"), 5);
        assert!(take(ack("1", 5)).is_err() && take(ack("0", 6)).is_err() && take(ack("0", 4)).is_err());
    }
}
