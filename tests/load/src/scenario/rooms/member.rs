//! One member of a room: one task, one socket, reading, checking and (some of them) sending. Everything that happens for each delivery
//! happens here, and costs the server its share of the machine: no allocation, no lock, one look at the clock for each read.

use std::{collections::VecDeque, io::Write, time::Instant};

use anyhow::{Context, bail};
use tokio::sync::{mpsc, watch};

use crate::{
    checker::room::{Head, RoomReader, Sent},
    frame::{self, Ack, Event, Frame},
    socket::{Incoming, Reader, Socket, SocketError, Writer},
};

use super::{Clock, Load};

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

pub(super) struct Member {
    reader: Reader,
    writer: Writer,
    watcher: Watcher,
    sender: Option<Sender>,
}

impl Member {
    pub(super) fn new(
        seat: usize,
        socket: Socket,
        checker: RoomReader,
        channel: &str,
        load: &Load,
        clock: Clock,
    ) -> Self {
        let seen = Seen {
            checker,
            deliveries: 0,
            ack_us: Vec::new(),
            delivery_us: Vec::new(),
        };
        Self {
            reader: socket.reader,
            writer: socket.writer,
            watcher: Watcher { seat, clock, seen },
            sender: (seat < load.senders()).then(|| Sender::new(seat, channel, load, clock)),
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
    match frame::parse(one).map_err(SocketError::Frame)? {
        Frame::Event(event) => {
            let head = watcher.see(&event, now)?;
            if let Some(sender) = sender.filter(|sender| sender.seat == head.sender) {
                sender.sent.appeared(head.number, event.seq)?;
            }
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
        Frame::Other { .. } => {}
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
    fn see(&mut self, event: &Event<'_>, now: Instant) -> anyhow::Result<Head> {
        let head = self.seen.checker.see(event)?;
        if self.clock.counts(now) {
            self.seen.deliveries += 1;
            // Members take turns in timing, so that every event is timed by someone in a room of some size.
            if (event.seq + self.seat as u64).is_multiple_of(SAMPLE_EVERY) {
                self.seen
                    .delivery_us
                    .push(self.clock.us(now).saturating_sub(head.sent_us) as u32);
            }
        }
        Ok(head)
    }
}

/// The sending half of those who send: a closed loop.
struct Sender {
    seat: usize,
    clock: Clock,
    in_flight_max: usize,
    body_bytes: usize,
    channel: String,
    sent: Sent,
    issued: u64,
    /// What waits for its acknowledgement: the number, and when it was sent.
    waiting: VecDeque<(u64, Instant)>,
    frame: Vec<u8>,
}

impl Sender {
    fn new(seat: usize, channel: &str, load: &Load, clock: Clock) -> Self {
        Self {
            seat,
            clock,
            in_flight_max: load.in_flight,
            body_bytes: load.body,
            channel: channel.to_owned(),
            sent: Sent::default(),
            issued: 0,
            waiting: VecDeque::with_capacity(load.in_flight),
            frame: Vec::new(),
        }
    }

    fn send_more(&mut self, writer: &mut Writer) {
        if self.waiting.len() == self.in_flight_max {
            return;
        }
        let now = Instant::now();
        while now < self.clock.until && self.waiting.len() < self.in_flight_max {
            self.write_command(now);
            writer.push(&self.frame);
            self.waiting.push_back((self.issued, now));
            self.issued += 1;
        }
    }

    fn write_command(&mut self, now: Instant) {
        let head = Head {
            sender: self.seat,
            number: self.issued,
            sent_us: self.clock.us(now),
        };
        self.frame.clear();
        let (id, channel) = (self.issued, &self.channel);
        let start =
            format_args!(r#"{{"t":"cmd","id":"{id}","op":"message.send","ch":"{channel}","key":"{id}","d":{{"body":""#);
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
            in_flight: 1,
            body: 200,
            seconds: 1,
            warm_up: 0,
        };
        let mut sender = Sender::new(0, "channel_1", &load, clock);
        sender.write_command(now);
        let frame: serde_json::Value = serde_json::from_slice(&sender.frame).expect("JSON");
        assert_eq!(
            (frame["t"].as_str(), frame["op"].as_str(), frame["ch"].as_str()),
            (Some("cmd"), Some("message.send"), Some("channel_1"))
        );
        assert_eq!(frame["d"]["body"].as_str().map(str::len), Some(200));
        assert_eq!((frame["id"].as_str(), frame["key"].as_str()), (Some("0"), Some("0")));
    }
}
