//! One socket of a worker: its queue of references to encoded bytes, and how they leave, as many in one write as the system takes.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io::{self, IoSlice},
    ops::Range,
    rc::Rc,
};

use bytes::Bytes;
use tokio::net::TcpStream;

/// Pieces of one write.
const PIECES_PER_WRITE: usize = 64;
/// A socket with more waiting is dropped: the yardstick has no way to catch up.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A reference to some of a buffer that many sockets share. Counted without atomics, since a worker is one thread.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    of: Rc<Bytes>,
    range: Range<u32>,
}

impl Piece {
    pub(super) fn of(bytes: &Rc<Bytes>, range: Range<u32>) -> Self {
        Self {
            of: bytes.clone(),
            range,
        }
    }

    pub(super) fn whole(bytes: &Rc<Bytes>) -> Self {
        Self::of(bytes, 0..bytes.len() as u32)
    }

    fn bytes(&self) -> &[u8] {
        &self.of[self.range.start as usize..self.range.end as usize]
    }

    /// Takes the other one in if it follows directly.
    fn merges(&mut self, next: &Self) -> bool {
        let follows = Rc::ptr_eq(&self.of, &next.of) && self.range.end == next.range.start;
        if follows {
            self.range.end = next.range.end;
        }
        follows
    }
}

pub(super) struct Conn {
    pub(super) number: u32,
    pub(super) stream: TcpStream,
    pub(super) person: Cell<u32>,
    pub(super) rooms: RefCell<Vec<u32>>,
    /// Places of own events in the part that is being passed on; empty otherwise.
    pub(super) own: RefCell<Vec<usize>>,
    /// Is it in the list of sockets to drain?
    touched: Cell<bool>,
    /// Does a task wait until the system takes more?
    waits: Cell<bool>,
    queue: RefCell<VecDeque<Piece>>,
    queue_bytes: Cell<usize>,
    ended: Cell<bool>,
}

impl Conn {
    pub(super) fn new(number: u32, stream: TcpStream) -> Self {
        Self {
            number,
            stream,
            person: Cell::new(0),
            rooms: RefCell::default(),
            own: RefCell::default(),
            touched: Cell::new(false),
            waits: Cell::new(false),
            queue: RefCell::default(),
            queue_bytes: Cell::new(0),
            ended: Cell::new(false),
        }
    }

    pub(super) fn push(&self, piece: Piece) {
        let len = piece.range.len();
        if len == 0 || self.ended.get() {
            return;
        }
        self.queue_bytes.set(self.queue_bytes.get() + len);
        let mut queue = self.queue.borrow_mut();
        if !queue.back_mut().is_some_and(|last| last.merges(&piece)) {
            queue.push_back(piece);
        }
    }

    /// Remembers once a round that this socket has something to drain.
    pub(super) fn touch(self: &Rc<Self>, touched: &mut Vec<Rc<Self>>) {
        if !self.touched.replace(true) {
            touched.push(self.clone());
        }
    }

    /// A frame for this socket alone.
    pub(super) fn say(self: &Rc<Self>, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::with_capacity(256);
        write(&mut out);
        self.push(Piece::whole(&Rc::new(out.into())));
        self.drain();
    }

    /// Writes what waits; what the system does not take now is written by a task once it does.
    pub(super) fn drain(self: &Rc<Self>) {
        self.touched.set(false);
        if self.waits.get() {
            if self.queue_bytes.get() > QUEUE_BYTES_MAX {
                self.end();
            }
            return;
        }
        match self.write() {
            Ok(true) => {}
            Ok(false) => {
                self.waits.set(true);
                tokio::task::spawn_local(drain_when_writable(self.clone()));
            }
            Err(_) => self.end(),
        }
    }

    /// Is everything written?
    fn write(&self) -> io::Result<bool> {
        let mut queue = self.queue.borrow_mut();
        while !queue.is_empty() {
            let written = match &*queue.make_contiguous() {
                [only] => self.stream.try_write(only.bytes()),
                many => self
                    .stream
                    .try_write_vectored(&slices(many)[..many.len().min(PIECES_PER_WRITE)]),
            };
            match written {
                Ok(written) => self.forget(&mut queue, written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn forget(&self, queue: &mut VecDeque<Piece>, mut written: usize) {
        self.queue_bytes.set(self.queue_bytes.get() - written);
        while written > 0 {
            let Some(first) = queue.front_mut() else { return };
            let len = first.range.len();
            if written < len {
                first.range.start += written as u32;
                return;
            }
            written -= len;
            queue.pop_front();
        }
    }

    /// Nothing more is queued; the reading task notices by itself or caused it.
    pub(super) fn end(&self) {
        self.ended.set(true);
        self.queue.take();
        self.queue_bytes.set(0);
    }
}

/// An array, so that a write allocates nothing.
fn slices(pieces: &[Piece]) -> [IoSlice<'_>; PIECES_PER_WRITE] {
    let mut slices = [IoSlice::new(&[]); PIECES_PER_WRITE];
    for (slice, piece) in slices.iter_mut().zip(pieces) {
        *slice = IoSlice::new(piece.bytes());
    }
    slices
}

async fn drain_when_writable(conn: Rc<Conn>) {
    while conn.stream.writable().await.is_ok() {
        match conn.write() {
            Ok(true) => break,
            Ok(false) => {}
            Err(_) => {
                conn.end();
                break;
            }
        }
    }
    conn.waits.set(false);
}
