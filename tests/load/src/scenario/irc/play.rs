//! Plays one conversation: a conductor writes to everyone's sockets in the order of the file, and one task for each socket reads and
//! checks. Writing is the conductor's alone, so the readers hand over what has to be answered.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{
    checker::{
        Violation,
        script::{Script, ScriptReader},
    },
    frame::{self, Ack, Frame},
    report::Latency,
    socket::{Incoming, Reader, SocketError, Writer},
};

use super::Stage;

/// Nothing healthy takes this long; whoever waits longer has lost something.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long readers listen for events too many after the last one.
const AFTERWARDS: Duration = Duration::from_millis(200);
/// Readers wait when the conductor falls behind by this much.
const NOTES_MAX: usize = 1_024;

/// Figures of one conversation, or of many.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) sends: u64,
    pub(super) deliveries: u64,
    pub(super) ack: Latency,
    /// The place in the log of the last acknowledgement.
    pub(super) last_pos: String,
}

impl Default for Played {
    fn default() -> Self {
        Self {
            sends: 0,
            deliveries: 0,
            ack: Latency::new(),
            last_pos: String::new(),
        }
    }
}

impl Played {
    pub(super) fn add(&mut self, other: &Self) {
        self.sends += other.sends;
        self.deliveries += other.deliveries;
        self.ack.add(&other.ack);
    }
}

/// What a reader tells the conductor.
#[derive(Debug)]
enum Note {
    Ack {
        seat: usize,
        id: String,
        seq: u64,
        pos: String,
        at: Instant,
    },
    Heartbeat {
        seat: usize,
    },
    Ping {
        seat: usize,
        payload: Vec<u8>,
    },
    /// The reader has seen the last line.
    Done,
    Failed(anyhow::Error),
}

/// Returns the stage for reading its pages, the figures, and when the last reader had seen the last line.
pub(super) async fn play(
    mut stage: Stage,
    in_flight: usize,
    bar: ProgressBar,
) -> anyhow::Result<(Stage, Played, Instant)> {
    let name = stage.name.clone();
    let (notes, inbox) = mpsc::channel(NOTES_MAX);
    let (stop, stopped) = watch::channel(false);
    let (mut readers, mut writers) = (JoinSet::new(), Vec::new());
    for (seat, socket) in std::mem::take(&mut stage.sockets).into_iter().enumerate() {
        let checker = ScriptReader::new(stage.script.clone(), stage.users[seat].clone());
        readers.spawn(listen(Seat {
            seat,
            reader: socket.reader,
            checker,
            notes: notes.clone(),
            stopped: stopped.clone(),
        }));
        writers.push(socket.writer);
    }
    drop(notes);
    let mut conductor = Conductor {
        stage: &stage,
        writers,
        inbox,
        done: 0,
        played: Played::default(),
        bar,
    };
    let result = conductor.conduct(in_flight).await;
    let mut played = conductor.played;
    // Nobody is left to tell when the receiver is gone; they have all ended then.
    let _ = stop.send(true);
    let finished = result.with_context(|| name.clone())?;
    while let Some(checker) = readers.join_next().await {
        let checker = checker?;
        played.deliveries += checker.seen();
        match finished {
            None if !checker.is_done() => return Err(anyhow::Error::new(checker.lost()).context(name)),
            _ => {}
        }
    }
    let finished = finished.with_context(|| format!("{name}: a reader was late"))?;
    Ok((stage, played, finished))
}

struct Conductor<'a> {
    stage: &'a Stage,
    writers: Vec<Writer>,
    inbox: mpsc::Receiver<Note>,
    done: usize,
    played: Played,
    bar: ProgressBar,
}

impl Conductor<'_> {
    /// When the last reader was done; none if one never was.
    async fn conduct(&mut self, in_flight: usize) -> anyhow::Result<Option<Instant>> {
        for lines in turns(&self.stage.seats, in_flight) {
            self.say(lines).await?;
        }
        while self.done < self.writers.len() {
            let Ok(note) = timeout(PATIENCE, self.inbox.recv()).await else {
                return Ok(None);
            };
            self.note(note.context("all readers are gone")?, 0..0).await?;
        }
        let finished = Instant::now();
        while let Ok(Some(note)) = timeout(AFTERWARDS, self.inbox.recv()).await {
            self.note(note, 0..0).await?;
        }
        Ok(Some(finished))
    }

    /// One author's lines, and all of their acknowledgements.
    async fn say(&mut self, lines: Range<usize>) -> anyhow::Result<()> {
        let writer = &mut self.writers[self.stage.seats[lines.start]];
        for number in lines.clone() {
            writer.push(command(&self.stage.script, number).as_bytes());
        }
        let sent = Instant::now();
        writer.flush().await?;
        let mut waiting = lines.clone();
        while !waiting.is_empty() {
            let Ok(note) = timeout(PATIENCE, self.inbox.recv()).await else {
                bail!("message {} was never acknowledged", waiting.start);
            };
            if let Some(at) = self
                .note(note.context("all readers are gone")?, waiting.clone())
                .await?
            {
                self.played.ack.record(at - sent);
                waiting.start += 1;
            }
        }
        self.played.sends += lines.len() as u64;
        self.bar.inc(lines.len() as u64);
        Ok(())
    }

    /// When the next acknowledgement due came, if this is it.
    async fn note(&mut self, note: Note, waiting: Range<usize>) -> anyhow::Result<Option<Instant>> {
        match note {
            Note::Ack { seat, id, seq, pos, at } => {
                // Commands of one socket are decided in order, so nothing but the first that waits can be acknowledged.
                let due = waiting.start..waiting.end.min(waiting.start + 1);
                let number = self.stage.script.check_ack(
                    &Ack {
                        id: id.as_str().into(),
                        seq,
                        pos: pos.as_str().into(),
                    },
                    due,
                )?;
                if self.stage.seats[number] != seat {
                    return Err(Violation::StrayAck { id }.into());
                }
                self.played.last_pos = pos;
                return Ok(Some(at));
            }
            Note::Heartbeat { seat } => {
                self.writers[seat].push_pong();
                self.writers[seat].flush().await?;
            }
            Note::Ping { seat, payload } => {
                self.writers[seat].push_ping_answer(&payload);
                self.writers[seat].flush().await?;
            }
            Note::Done => self.done += 1,
            Note::Failed(error) => return Err(error),
        }
        Ok(None)
    }
}

/// Runs of lines by one author, cut where too many would be in flight.
fn turns(seats: &[usize], in_flight: usize) -> Vec<Range<usize>> {
    let mut turns: Vec<Range<usize>> = Vec::new();
    for (line, seat) in seats.iter().enumerate() {
        match turns.last_mut() {
            Some(turn) if seats[turn.start] == *seat && turn.len() < in_flight => turn.end += 1,
            _ => turns.push(line..line + 1),
        }
    }
    turns
}

fn command(script: &Script, number: usize) -> String {
    let body = &script.lines[number].text;
    let (id, key) = (number.to_string(), Script::key(number));
    json!({"t": "cmd", "id": id, "op": "message.send", "ch": script.channel, "key": key, "d": {"body": body}})
        .to_string()
}

/// One socket's reading side.
struct Seat {
    seat: usize,
    reader: Reader,
    checker: ScriptReader,
    notes: mpsc::Sender<Note>,
    stopped: watch::Receiver<bool>,
}

/// Reads until stopped; what went wrong is told to the conductor.
async fn listen(mut seat: Seat) -> ScriptReader {
    if let Err(error) = seat.read().await {
        // The conductor may have given up already for another reason.
        let _ = seat.notes.send(Note::Failed(error)).await;
    }
    seat.checker
}

impl Seat {
    async fn read(&mut self) -> anyhow::Result<()> {
        let mut told = false;
        loop {
            self.take_what_arrived().await?;
            if !told && self.checker.is_done() {
                told = true;
                self.notes.send(Note::Done).await?;
            }
            tokio::select! {
                biased;
                filled = self.reader.fill() => filled?,
                _ = self.stopped.changed() => return Ok(()),
            }
        }
    }

    async fn take_what_arrived(&mut self) -> anyhow::Result<()> {
        let at = Instant::now();
        let seat = self.seat;
        while let Some(incoming) = self.reader.next()? {
            let text = match incoming {
                Incoming::Text(text) => text,
                Incoming::Pong => continue,
                Incoming::Ping(payload) => {
                    self.notes
                        .send(Note::Ping {
                            seat,
                            payload: payload.to_vec(),
                        })
                        .await?;
                    continue;
                }
            };
            for one in frame::split(text).map_err(SocketError::Frame)? {
                match frame::parse(one).map_err(SocketError::Frame)? {
                    Frame::Event(event) => self.checker.see(&event)?,
                    Frame::Ok(ack) => {
                        let (id, pos) = (ack.id.into_owned(), ack.pos.into_owned());
                        self.notes
                            .send(Note::Ack {
                                seat,
                                id,
                                seq: ack.seq,
                                pos,
                                at,
                            })
                            .await?;
                    }
                    Frame::Heartbeat => self.notes.send(Note::Heartbeat { seat }).await?,
                    Frame::Error { code, detail } => {
                        return Err(SocketError::Error {
                            what: "a message",
                            code,
                            detail,
                        }
                        .into());
                    }
                    Frame::Other { kind } if ends_subscription(&kind) => {
                        bail!("a reader got {kind} in the middle of the conversation")
                    }
                    Frame::Following { .. } | Frame::Other { .. } => {}
                }
            }
        }
        Ok(())
    }
}

/// Frames after which a subscription no longer brings every event.
fn ends_subscription(kind: &str) -> bool {
    matches!(kind, "snap" | "sub_end" | "drain")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_one_authors_and_bounded() {
        assert_eq!(turns(&[0, 0, 1, 0, 0, 0], 2), [0..2, 2..3, 3..5, 5..6]);
        assert_eq!(turns(&[], 2), []);
    }
}
