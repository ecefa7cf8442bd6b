//! One member of a room: one task, one socket, reading, checking and (some of them) sending. Everything that happens for each delivery
//! happens here, and costs the server its share of the machine: no allocation, no lock, one look at the clock for each read.

use std::{collections::VecDeque, io::Write, time::Instant};

use anyhow::{Context, bail};
use tokio::sync::{mpsc, watch};

use crate::{
    checker::room::{Head, RoomReader, Sent},
    frame::{self, Ack, Frame},
    socket::{Incoming, Reader, Socket, SocketError, Writer},
};

use super::Load;
use crate::scenario::{
    metronome::{Beat, next_beat},
    pace::{Clock, IN_FLIGHT_MAX},
};

/// One delivery in so many is timed; all of them would cost more than they tell.
const SAMPLE_EVERY: u64 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Sending,
    /// Everything is sent; `last` is the last seq there is.
    Reading {
        last: u64,
    },
    Over {
        last: u64,
    },
}

#[derive(Debug)]
pub(super) enum Note {
    /// A sender has all its acknowledgements.
    Drained { seat: usize, sent: u64, top: u64 },
    /// A member has read the last seq.
    Reached,
}

/// What a member takes home.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) checker: RoomReader,
    pub(super) deliveries: u64,
    pub(super) ack_us: Vec<u32>,
    pub(super) delivery_us: Vec<u32>,
}

/// Where a member sits.
pub(super) struct Seat {
    pub(super) number: usize,
    pub(super) round: usize,
    pub(super) channel: String,
    /// For senders at a fixed rate.
    pub(super) beat: Option<Beat>,
}

pub(super) struct Member {
    reader: Reader,
    writer: Writer,
    watcher: Watcher,
    sender: Option<Sender>,
    beat: Option<Beat>,
}

impl Member {
    pub(super) fn new(seat: Seat, socket: Socket, checker: RoomReader, load: &Load, clock: Clock) -> Self {
        let seen = Seen {
            checker,
            deliveries: 0,
            ack_us: Vec::new(),
            delivery_us: Vec::new(),
        };
        Self {
            reader: socket.reader,
            writer: socket.writer,
            watcher: Watcher {
                seat: seat.number,
                clock,
                seen,
            },
            beat: seat.beat.clone(),
            sender: (seat.number < load.senders()).then(|| Sender::new(seat, load, clock)),
        }
    }

    pub(super) async fn run(
        mut self,
        mut phases: watch::Receiver<Phase>,
        notes: mpsc::Sender<Note>,
    ) -> anyhow::Result<Seen> {
        let (mut drained, mut reached) = (false, false);
        loop {
            if let Some(sender) = &mut self.sender {
                sender.send_more(&mut self.writer);
                if !drained && sender.is_drained() {
                    drained = true;
                    notes.send(sender.note()).await?;
                }
            }
            self.writer.flush().await?;
            match *phases.borrow_and_update() {
                Phase::Sending => {}
                Phase::Reading { last } if reached || !self.watcher.seen.checker.reached(last) => {}
                Phase::Reading { .. } => {
                    reached = true;
                    notes.try_send(Note::Reached)?;
                }
                Phase::Over { last } if self.watcher.seen.checker.reached(last) => return Ok(self.watcher.seen),
                Phase::Over { last } => return Err(self.watcher.seen.checker.lost(last).into()),
            }
            tokio::select! {
                biased;
                filled = self.reader.fill() => filled?,
                () = next_beat(self.beat.as_ref()) => {}
                changed = phases.changed() => changed.context("the room is gone")?,
            }
            self.take_what_arrived()?;
        }
    }

    fn take_what_arrived(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        while let Some(incoming) = self.reader.next()? {
            match incoming {
                Incoming::Text(text) => {
                    for one in frame::split(text).map_err(SocketError::Frame)? {
                        take(one, now, &mut self.watcher, self.sender.as_mut(), &mut self.writer)?;
                    }
                }
                Incoming::Ping(payload) => self.writer.push_ping_answer(payload),
                Incoming::Pong => {}
            }
        }
        Ok(())
    }
}

fn take(
    one: &[u8],
    now: Instant,
    watcher: &mut Watcher,
    sender: Option<&mut Sender>,
    writer: &mut Writer,
) -> anyhow::Result<()> {
    if let Some((head, seq)) = watcher.seen.checker.see_again(one)? {
        return appeared(head, seq, now, watcher, sender);
    }
    match frame::parse(one).map_err(SocketError::Frame)? {
        Frame::Event(event) => {
            let head = watcher.seen.checker.see(&event, one)?;
            appeared(head, event.seq, now, watcher, sender)?;
        }
        Frame::Ok(ack) => sender
            .context("an acknowledgement came to someone who only reads")?
            .take_ack(&ack, now, &mut watcher.seen)?,
        Frame::Heartbeat => writer.push_pong(),
        Frame::Error { code, detail } => {
            return Err(SocketError::Error {
                what: "a message",
                code,
                detail,
            }
            .into());
        }
        Frame::Other { kind } if matches!(kind.as_str(), "snap" | "sub_end" | "drain") => {
            bail!("a member got {kind} in the middle")
        }
        Frame::Following { .. } | Frame::Other { .. } => {}
    }
    Ok(())
}

fn appeared(
    head: Head,
    seq: u64,
    now: Instant,
    watcher: &mut Watcher,
    sender: Option<&mut Sender>,
) -> anyhow::Result<()> {
    watcher.count(head, seq, now);
    if let Some(sender) = sender.filter(|sender| sender.seat == head.sender) {
        sender.sent.appeared(head.number, seq)?;
    }
    Ok(())
}

/// The reading half.
struct Watcher {
    seat: usize,
    clock: Clock,
    seen: Seen,
}

impl Watcher {
    fn count(&mut self, head: Head, seq: u64, now: Instant) {
        if self.clock.counts(now) {
            self.seen.deliveries += 1;
            // Members take turns in timing, so that every event is timed by someone in a room of some size.
            if (seq + self.seat as u64).is_multiple_of(SAMPLE_EVERY) {
                self.seen
                    .delivery_us
                    .push(self.clock.us(now).saturating_sub(head.sent_us) as u32);
            }
        }
    }
}

/// The sending half of those who send: a closed loop, or the own share of a rate.
struct Sender {
    seat: usize,
    clock: Clock,
    in_flight_max: usize,
    body_bytes: usize,
    channel: String,
    /// Makes keys differ from those of other rounds.
    round: usize,
    beat: Option<Beat>,
    sent: Sent,
    issued: u64,
    /// What waits for its acknowledgement: the number, and when it was sent or should have been.
    waiting: VecDeque<(u64, Instant)>,
    frame: Vec<u8>,
}

impl Sender {
    fn new(seat: Seat, load: &Load, clock: Clock) -> Self {
        let in_flight_max = if seat.beat.is_some() {
            IN_FLIGHT_MAX
        } else {
            load.pace.in_flight
        };
        Self {
            seat: seat.number,
            clock,
            in_flight_max,
            body_bytes: load.pace.body,
            channel: seat.channel,
            round: seat.round,
            beat: seat.beat,
            sent: Sent::default(),
            issued: 0,
            waiting: VecDeque::with_capacity(load.pace.in_flight),
            frame: Vec::new(),
        }
    }

    fn send_more(&mut self, writer: &mut Writer) {
        if self.waiting.len() == self.in_flight_max {
            return;
        }
        let now = Instant::now();
        while self.waiting.len() < self.in_flight_max {
            let Some(due) = self.due(now) else { return };
            self.write_command(due);
            writer.push(&self.frame);
            self.waiting.push_back((self.issued, due));
            self.issued += 1;
        }
    }

    /// From when the next message counts, if it is to be sent by now.
    fn due(&self, now: Instant) -> Option<Instant> {
        let due = self.beat.as_ref().map_or(now, |beat| beat.due(self.issued));
        (due <= now && due < self.clock.until).then_some(due)
    }

    fn write_command(&mut self, due: Instant) {
        let head = Head {
            sender: self.seat,
            number: self.issued,
            sent_us: self.clock.us(due),
        };
        self.frame.clear();
        let (id, channel, round) = (self.issued, &self.channel, self.round);
        let start = format_args!(
            r#"{{"t":"cmd","id":"{id}","op":"message.send","ch":"{channel}","key":"{round}-{id}","d":{{"body":""#
        );
        self.frame.write_fmt(start).expect("memory takes every write");
        head.write_body(&mut self.frame, self.body_bytes);
        self.frame.extend_from_slice(br#""}}"#);
    }

    fn take_ack(&mut self, ack: &Ack<'_>, now: Instant, seen: &mut Seen) -> anyhow::Result<()> {
        let number = ack
            .id
            .parse()
            .with_context(|| format!("an acknowledgement for {:?}, which was never sent", ack.id))?;
        self.sent.acknowledged(number, ack.seq, self.issued)?;
        let place = self
            .waiting
            .iter()
            .position(|(waiting, _)| *waiting == number)
            .context("an acknowledgement came twice")?;
        let (_, sent) = self.waiting.remove(place).context("the place was just found")?;
        if self.clock.counts(sent) && self.clock.counts(now) {
            seen.ack_us.push((now - sent).as_micros() as u32);
        }
        Ok(())
    }

    fn is_drained(&self) -> bool {
        self.waiting.is_empty() && Instant::now() >= self.clock.until
    }

    fn note(&self) -> Note {
        Note::Drained {
            seat: self.seat,
            sent: self.issued,
            top: self.sent.top(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::pace::Pace;

    #[test]
    fn a_command_is_a_frame_of_the_protocol_with_the_body_asked_for() {
        let now = Instant::now();
        let clock = Clock {
            epoch: now,
            from: now,
            until: now,
        };
        let load = Load {
            rooms: 1,
            members: 1,
            senders: None,
            idle: 0,
            pace: Pace {
                in_flight: 1,
                rate: None,
                body: 200,
                seconds: 1,
                warm_up: 0,
            },
        };
        let seat = Seat {
            number: 0,
            round: 2,
            channel: "channel_1".to_owned(),
            beat: None,
        };
        let mut sender = Sender::new(seat, &load, clock);
        sender.write_command(now);
        let frame: serde_json::Value = serde_json::from_slice(&sender.frame).expect("JSON");
        assert_eq!(
            (frame["t"].as_str(), frame["op"].as_str(), frame["ch"].as_str()),
            (Some("cmd"), Some("message.send"), Some("channel_1"))
        );
        assert_eq!(frame["d"]["body"].as_str().map(str::len), Some(200));
        assert_eq!((frame["id"].as_str(), frame["key"].as_str()), (Some("0"), Some("2-0")));
    }
}
