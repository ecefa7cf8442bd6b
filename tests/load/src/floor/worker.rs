//! One worker: a runtime of one thread with its share of the sockets. A task reads for each socket; one task passes on what the log made.
//! Nothing here is locked or awaited while a batch is passed on: what a socket does not take at once waits in its queue for a task that
//! drains it.

use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{net::TcpStream, runtime, sync::Notify, sync::mpsc, task::LocalSet};

use super::{
    handshake,
    log::{Batch, Inbox, Origin, Part},
    parse::{self, Broken, Request},
    wire,
};

mod conn;

use conn::{Conn, Piece};

/// One read of any socket of this worker.
const READ_BYTES: usize = 64 * 1024;

/// Batches that the log has made and a worker has not passed on yet.
#[derive(Default)]
pub(super) struct Outlet {
    batches: Mutex<Vec<Arc<Batch>>>,
    arrived: Notify,
}

impl Outlet {
    pub(super) fn put(&self, batch: Arc<Batch>) {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
        self.arrived.notify_one();
    }

    fn take(&self) -> Vec<Arc<Batch>> {
        std::mem::take(&mut *self.batches.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The numbers of rooms, which are made by whoever follows them first. Workers remember what they asked.
#[derive(Default)]
pub(super) struct Registry(Mutex<HashMap<Box<str>, u32>>);

impl Registry {
    fn number(&self, channel: &str, inbox: &Inbox) -> u32 {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = numbers.get(channel) {
            return *number;
        }
        let number = numbers.len() as u32;
        numbers.insert(channel.into(), number);
        // Under the lock, so that the log hears of rooms in the order of their numbers.
        inbox.lock().put_room(channel);
        number
    }
}

struct Worker {
    number: u8,
    registry: Arc<Registry>,
    inbox: Arc<Inbox>,
    /// Sockets keep their numbers, which are never given out again.
    conns: RefCell<Vec<Option<Rc<Conn>>>>,
    /// Who follows a room, by its number.
    rooms: RefCell<Vec<Vec<Rc<Conn>>>>,
    known_rooms: RefCell<HashMap<Box<str>, u32>>,
    read: RefCell<Box<[u8]>>,
}

pub(super) fn run(
    number: u8,
    mut arrivals: mpsc::Receiver<std::net::TcpStream>,
    outlet: Arc<Outlet>,
    registry: Arc<Registry>,
    inbox: Arc<Inbox>,
) {
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime needs nothing but memory and a few files");
    let worker = Rc::new(Worker {
        number,
        registry,
        inbox,
        conns: RefCell::default(),
        rooms: RefCell::default(),
        known_rooms: RefCell::default(),
        read: RefCell::new(vec![0; READ_BYTES].into()),
    });
    LocalSet::new().block_on(&runtime, async {
        tokio::task::spawn_local(pass_on(worker.clone(), outlet));
        while let Some(stream) = arrivals.recv().await {
            if let Ok(stream) = TcpStream::from_std(stream) {
                tokio::task::spawn_local(serve(worker.clone(), stream));
            }
        }
    });
}

async fn pass_on(worker: Rc<Worker>, outlet: Arc<Outlet>) {
    let mut touched = Vec::new();
    loop {
        outlet.arrived.notified().await;
        for batch in outlet.take() {
            worker.deliver(&batch, &mut touched);
        }
        for conn in touched.drain(..) {
            conn.drain();
        }
    }
}

async fn serve(worker: Rc<Worker>, mut stream: TcpStream) {
    let Ok(rest) = handshake::accept(&mut stream).await else {
        return;
    };
    let conn = worker.add(stream);
    // Whatever ends the connection, there is nobody to tell.
    _ = read(&worker, &conn, rest).await;
    worker.remove(&conn);
}

/// Until the connection ends. `rest` holds a frame that has not arrived whole.
async fn read(worker: &Worker, conn: &Rc<Conn>, mut rest: Vec<u8>) -> io::Result<()> {
    loop {
        if !rest.is_empty() {
            let used = worker.take_frames(conn, &mut rest)?;
            rest.drain(..used);
        }
        conn.stream.readable().await?;
        let mut buffer = worker.read.borrow_mut();
        let read = match conn.stream.try_read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        if rest.is_empty() {
            let used = worker.take_frames(conn, &mut buffer[..read])?;
            rest.extend_from_slice(&buffer[used..read]);
            if rest.is_empty() {
                // An idle socket keeps no buffer.
                rest = Vec::new();
            }
        } else {
            rest.extend_from_slice(&buffer[..read]);
        }
    }
}

impl From<Broken> for io::Error {
    fn from(_: Broken) -> Self {
        io::ErrorKind::InvalidData.into()
    }
}

impl Worker {
    fn add(&self, stream: TcpStream) -> Rc<Conn> {
        let mut conns = self.conns.borrow_mut();
        let conn = Rc::new(Conn::new(conns.len() as u32, stream));
        conns.push(Some(conn.clone()));
        conn
    }

    fn remove(&self, conn: &Rc<Conn>) {
        conn.end();
        self.conns.borrow_mut()[conn.number as usize] = None;
        let mut rooms = self.rooms.borrow_mut();
        for room in conn.rooms.take() {
            rooms[room as usize].retain(|other| !Rc::ptr_eq(other, conn));
        }
    }

    /// Acts on every whole frame and tells how many bytes they were.
    fn take_frames(&self, conn: &Rc<Conn>, bytes: &mut [u8]) -> Result<usize, Broken> {
        let (mut used, mut sends) = (0, false);
        while let Some((start, end, is_text)) = parse::frame(&mut bytes[used..])? {
            if is_text {
                sends |= self.take(conn, &bytes[used + start..used + end])?;
            }
            used += end;
        }
        if sends {
            self.inbox.wake();
        }
        Ok(used)
    }

    /// Was it something for the log?
    fn take(&self, conn: &Rc<Conn>, text: &[u8]) -> Result<bool, Broken> {
        match parse::request(text)? {
            Request::Send(send) => {
                let room = *self.known_rooms.borrow().get(send.channel).ok_or(Broken)?;
                let origin = Origin {
                    worker: self.number,
                    socket: conn.number,
                };
                self.inbox.lock().put(origin, room, conn.person.get(), &send);
                return Ok(true);
            }
            Request::Hello { person } => {
                conn.person.set(person);
                conn.say(|out| wire::welcome(out, person));
            }
            Request::Sub { id, channel } => {
                self.follow(conn, &channel);
                conn.say(|out| wire::sub_ok(out, &id, &channel));
            }
            Request::Nothing => {}
        }
        Ok(false)
    }

    fn follow(&self, conn: &Rc<Conn>, channel: &str) {
        let room = self.registry.number(channel, &self.inbox);
        self.known_rooms.borrow_mut().entry(channel.into()).or_insert(room);
        self.inbox.lock().put_member(room, conn.person.get());
        let mut rooms = self.rooms.borrow_mut();
        if rooms.len() <= room as usize {
            rooms.resize_with(room as usize + 1, Vec::new);
        }
        rooms[room as usize].push(conn.clone());
        conn.rooms.borrow_mut().push(room);
    }

    /// Queues everything of a batch; `touched` gets each socket that has to be drained.
    fn deliver(&self, batch: &Batch, touched: &mut Vec<Rc<Conn>>) {
        let conns = self.conns.borrow();
        let conn_of = |origin: &Origin| {
            let mine = origin.worker == self.number;
            conns.get(origin.socket as usize).filter(|_| mine)?.as_ref()
        };
        for part in &batch.parts {
            for (place, own) in (0..).zip(&part.senders) {
                if let Some(conn) = conn_of(&own.origin) {
                    conn.own.borrow_mut().push(place);
                }
            }
            self.deliver_part(part, touched);
        }
        for (origin, answer) in &batch.answers {
            if let Some(conn) = conn_of(origin) {
                conn.push(Piece::whole(&Rc::new(answer.clone())));
                conn.touch(touched);
            }
        }
    }

    fn deliver_part(&self, part: &Part, touched: &mut Vec<Rc<Conn>>) {
        let rooms = self.rooms.borrow();
        let (frames, own) = (Rc::new(part.frames.clone()), Rc::new(part.own.clone()));
        for conn in rooms.get(part.room as usize).into_iter().flatten() {
            let mut places = conn.own.borrow_mut();
            let mut from = 0;
            for place in places.drain(..) {
                let sent = &part.senders[place];
                conn.push(Piece::of(&frames, from..sent.instead_of.start));
                conn.push(Piece::of(&own, sent.with.clone()));
                from = sent.instead_of.end;
            }
            conn.push(Piece::of(&frames, from..frames.len() as u32));
            conn.touch(touched);
        }
    }
}
