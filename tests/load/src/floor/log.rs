//! The thread that owns the yardstick's log: it takes what waits, checks membership, gives out places, writes one transaction, encodes
//! each event once and hands the batch to the workers; then it goes again.

use std::{
    collections::HashSet,
    ops::Range,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::{parse::Send, wire, worker::Outlet};

mod clock;
mod store;

use store::{Row, Store};

/// More in one transaction gain nothing but latency.
const BATCH_MAX: usize = 512;

/// What workers have put in and the log has not taken yet. It is bounded by what the clients keep in flight.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

/// Texts of commands lie one behind the other in one buffer, so that a command costs no allocation.
#[derive(Default)]
pub(super) struct Waiting {
    texts: Vec<u8>,
    commands: Vec<Command>,
    /// (room, its id); rooms are numbered in the order in which they come.
    rooms: Vec<Box<str>>,
    /// (room, person) who came in.
    joined: Vec<(u32, u32)>,
}

/// Which socket waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) worker: u8,
    pub(super) socket: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Command {
    origin: Origin,
    room: u32,
    person: u32,
    /// Where id, key and body start, and the last of them ends.
    texts: [u32; 4],
}

impl Inbox {
    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the log, once what belongs together has been put in.
    pub(super) fn wake(&self) {
        self.arrived.notify_one();
    }

    /// Swaps what waits for the emptied memory of last time.
    fn take(&self, into: &mut Waiting) {
        into.clear();
        let mut waiting = self.lock();
        while waiting.commands.is_empty() {
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut *waiting, into);
    }
}

impl Waiting {
    pub(super) fn put(&mut self, origin: Origin, room: u32, person: u32, send: &Send<'_>) {
        let mut texts = [self.texts.len() as u32; 4];
        for (end, text) in texts[1..].iter_mut().zip([send.id, send.key, send.body]) {
            self.texts.extend_from_slice(text.as_bytes());
            *end = self.texts.len() as u32;
        }
        self.commands.push(Command {
            origin,
            room,
            person,
            texts,
        });
    }

    pub(super) fn put_room(&mut self, channel: &str) {
        self.rooms.push(channel.into());
    }

    pub(super) fn put_member(&mut self, room: u32, person: u32) {
        self.joined.push((room, person));
    }

    fn clear(&mut self) {
        self.texts.clear();
        self.commands.clear();
        self.rooms.clear();
        self.joined.clear();
    }

    fn text(&self, of: &Command, which: usize) -> &[u8] {
        &self.texts[of.texts[which] as usize..of.texts[which + 1] as usize]
    }

    fn id(&self, of: &Command) -> &[u8] {
        self.text(of, 0)
    }

    fn key(&self, of: &Command) -> &[u8] {
        self.text(of, 1)
    }

    fn body(&self, of: &Command) -> &[u8] {
        self.text(of, 2)
    }
}

/// What one transaction made, as the workers need it.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) parts: Vec<Part>,
    /// Answers to commands that wrote nothing.
    pub(super) answers: Vec<(Origin, Bytes)>,
}

/// The events of one room.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) room: u32,
    /// For everyone who only reads.
    pub(super) frames: Bytes,
    /// For the senders: their own events with their keys, and the answers.
    pub(super) own: Bytes,
    /// In the order of the events.
    pub(super) senders: Vec<Own>,
}

/// One event for its sender.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) origin: Origin,
    /// What the sender gets instead of this range of `frames`.
    pub(super) instead_of: Range<u32>,
    /// The range of `own`.
    pub(super) with: Range<u32>,
}

pub(super) struct Log {
    store: Store,
    rooms: Vec<Room>,
    members: HashSet<u64>,
}

struct Room {
    channel: Box<str>,
    top: u64,
    /// Its place in the batch that is being encoded.
    part: Option<usize>,
}

/// What became of a command.
enum Decided {
    Write(Row),
    /// It was written before, at this seq and pos.
    Known(Row),
    NotMember,
}

fn membership(room: u32, person: u32) -> u64 {
    u64::from(room) << 32 | u64::from(person)
}

impl Log {
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            store: Store::open(folder)?,
            rooms: Vec::new(),
            members: HashSet::new(),
        })
    }

    /// Ends with the process. What cannot be written ends the process too: there is nothing better to tell anyone.
    pub(super) fn run(mut self, inbox: &Inbox, outlets: &[Arc<Outlet>]) {
        let mut waiting = Waiting::default();
        loop {
            inbox.take(&mut waiting);
            self.admit(&mut waiting);
            for commands in waiting.commands.chunks(BATCH_MAX) {
                match self.commit(&waiting, commands) {
                    Ok(batch) => {
                        let batch = Arc::new(batch);
                        outlets.iter().for_each(|outlet| outlet.put(batch.clone()));
                    }
                    Err(error) => {
                        eprintln!("the yardstick cannot write: {error}");
                        std::process::exit(1);
                    }
                }
            }
        }
    }

    fn admit(&mut self, waiting: &mut Waiting) {
        let rooms = waiting.rooms.drain(..).map(|channel| Room {
            channel,
            top: 0,
            part: None,
        });
        self.rooms.extend(rooms);
        self.members
            .extend(waiting.joined.iter().map(|(room, person)| membership(*room, *person)));
    }

    fn commit(&mut self, waiting: &Waiting, commands: &[Command]) -> rusqlite::Result<Batch> {
        let at = clock::now_us();
        let decided = self.decide(commands);
        let texts = |row: &Row| {
            (
                waiting.key(&commands[row.command]),
                waiting.body(&commands[row.command]),
            )
        };
        let written = self.store.write(rows(&decided), at, texts);
        let decided = match written {
            Ok(()) => decided,
            Err(error) if store::is_repetition(&error) => self.commit_one_by_one(waiting, commands, at)?,
            Err(error) => return Err(error),
        };
        Ok(self.encode(waiting, commands, &decided, &clock::rfc3339(at)))
    }

    /// Everything is taken for new; the index knows better where it is not.
    fn decide(&mut self, commands: &[Command]) -> Vec<Decided> {
        let decide = |(at, command): (usize, &Command)| self.decide_one(at, command);
        commands.iter().enumerate().map(decide).collect()
    }

    fn decide_one(&mut self, at: usize, command: &Command) -> Decided {
        if !self.members.contains(&membership(command.room, command.person)) {
            return Decided::NotMember;
        }
        let room = &mut self.rooms[command.room as usize];
        room.top += 1;
        Decided::Write(Row {
            command: at,
            pos: self.store.next_pos(),
            room: command.room,
            seq: room.top,
            person: command.person,
        })
    }

    /// The rare way, after a key was found to have been used: places are given back, and each command is looked up first.
    fn commit_one_by_one(
        &mut self,
        waiting: &Waiting,
        commands: &[Command],
        at: i64,
    ) -> rusqlite::Result<Vec<Decided>> {
        for command in commands.iter().rev() {
            if self.members.contains(&membership(command.room, command.person)) {
                self.rooms[command.room as usize].top -= 1;
                self.store.give_back_pos();
            }
        }
        let mut all = Vec::with_capacity(commands.len());
        for (number, command) in commands.iter().enumerate() {
            let known = self
                .store
                .find(command.room, command.person, waiting.key(command), number)?;
            all.push(match known {
                Some(row) => Decided::Known(row),
                None => {
                    let decided = self.decide_one(number, command);
                    let texts = |_: &Row| (waiting.key(command), waiting.body(command));
                    self.store.write(rows(std::slice::from_ref(&decided)), at, texts)?;
                    decided
                }
            });
        }
        Ok(all)
    }

    fn encode(&mut self, waiting: &Waiting, commands: &[Command], decided: &[Decided], at: &str) -> Batch {
        let mut parts: Vec<Unfinished> = Vec::new();
        let mut answers = Vec::new();
        for (command, decided) in commands.iter().zip(decided) {
            let room = &mut self.rooms[command.room as usize];
            let event = |row: &Row| wire::Event {
                channel: room.channel.as_bytes(),
                seq: row.seq,
                pos: row.pos,
                at: at.as_bytes(),
                by: command.person,
                body: waiting.body(command),
            };
            let id = waiting.id(command);
            match decided {
                Decided::Write(row) => {
                    let event = event(row);
                    let part = *room.part.get_or_insert_with(|| {
                        parts.push(Unfinished::of(command.room));
                        parts.len() - 1
                    });
                    parts[part].push(command.origin, &event, waiting.key(command), id);
                }
                Decided::Known(row) => answers.push((command.origin, one(|out| wire::ok(out, &event(row), id, true)))),
                Decided::NotMember => answers.push((
                    command.origin,
                    one(|out| wire::err(out, id, "channel/not-found", "no such channel")),
                )),
            }
        }
        for part in &parts {
            self.rooms[part.room as usize].part = None;
        }
        Batch {
            parts: parts.into_iter().map(Unfinished::finish).collect(),
            answers,
        }
    }
}

fn rows(decided: &[Decided]) -> impl Iterator<Item = &Row> {
    decided.iter().filter_map(|decided| match decided {
        Decided::Write(row) => Some(row),
        Decided::Known(_) | Decided::NotMember => None,
    })
}

fn one(write: impl FnOnce(&mut Vec<u8>) -> Range<u32>) -> Bytes {
    let mut out = Vec::with_capacity(512);
    write(&mut out);
    out.into()
}

/// A part while events are added.
struct Unfinished {
    room: u32,
    frames: Vec<u8>,
    own: Vec<u8>,
    senders: Vec<Own>,
}

impl Unfinished {
    fn of(room: u32) -> Self {
        Self {
            room,
            frames: Vec::with_capacity(4_096),
            own: Vec::with_capacity(8_192),
            senders: Vec::with_capacity(8),
        }
    }

    fn push(&mut self, origin: Origin, event: &wire::Event<'_>, key: &[u8], id: &[u8]) {
        let instead_of = wire::event(&mut self.frames, event, None);
        let start = wire::event(&mut self.own, event, Some(key)).start;
        let end = wire::ok(&mut self.own, event, id, false).end;
        self.senders.push(Own {
            origin,
            instead_of,
            with: start..end,
        });
    }

    fn finish(self) -> Part {
        Part {
            room: self.room,
            frames: self.frames.into(),
            own: self.own.into(),
            senders: self.senders,
        }
    }
}
