//! What one socket still has to be sent: a queue of references to encoded frames, bounded in bytes, drained by the response body in as
//! few writes as the transport allows. Control frames stay whatever happens, events can be taken back (they are in the log), and what
//! passes goes out last or not at all. Lives on one worker thread; no locks.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use domain::{ChannelId, UserId};
use tokio::sync::Notify;

/// Frames of what passes that may wait for one socket; people type in few channels at once.
const PASSING_MAX: usize = 64;

pub(super) struct Outbox {
    queue: RefCell<VecDeque<Entry>>,
    /// What goes out when nothing else waits. The newest of a kind takes the place of the one before.
    passing: RefCell<VecDeque<(Topic, Bytes)>>,
    bytes: Cell<usize>,
    soft_bytes: usize,
    hard_bytes: usize,
    waker: RefCell<Option<Waker>>,
    state: Cell<State>,
    /// When the transport last took something, or the queue last became non-empty.
    progress: Cell<Instant>,
    drained: Notify,
    tally: Rc<Tally>,
}

/// What the sockets of one worker hold and have sent, for the metrics.
#[derive(Debug, Default)]
pub(super) struct Tally {
    queued_bytes: Cell<usize>,
    sent: Cell<Sent>,
}

/// What the transport has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) frames: u64,
    pub(super) bytes: u64,
}

/// A subscription, as its socket's queue knows it. No two of one socket ever have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Handle(pub(super) u32);

/// What an ephemeral frame is about; of each, only the newest is worth sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Typing(ChannelId, UserId),
    Presence(ChannelId, UserId),
}

struct Entry {
    /// One WebSocket frame, or several in one piece.
    frame: Bytes,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Control,
    /// Tells how far the queue before it comes, so it goes when events are taken back.
    Heartbeat,
    /// Consecutive events of one subscription, from this seq on.
    Events {
        of: Handle,
        first: u64,
        count: u32,
    },
}

impl Kind {
    fn frames(self) -> u64 {
        match self {
            Self::Control | Self::Heartbeat => 1,
            Self::Events { count, .. } => u64::from(count),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing more is taken; what is queued still goes out.
    Ending,
    /// The transport is gone.
    Gone,
}

/// The queue would hold more than its hard limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// What was taken back from a queue.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shed {
    pub(super) events: Vec<TakenBack>,
    pub(super) heartbeat: bool,
}

/// All events of one subscription that waited: the newest that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TakenBack {
    pub(super) of: Handle,
    pub(super) first: u64,
    pub(super) count: u64,
    bytes: usize,
}

impl Outbox {
    pub(super) fn new(soft_bytes: usize, hard_bytes: usize, tally: Rc<Tally>) -> Rc<Self> {
        Rc::new(Self {
            queue: RefCell::default(),
            passing: RefCell::default(),
            bytes: Cell::new(0),
            soft_bytes,
            hard_bytes,
            waker: RefCell::default(),
            state: Cell::new(State::Open),
            progress: Cell::new(Instant::now()),
            drained: Notify::new(),
            tally,
        })
    }

    pub(super) fn body(self: &Rc<Self>) -> Outgoing {
        Outgoing(Rc::clone(self))
    }

    /// Queues a frame that is never taken back. After the end frames are dropped silently: nobody is there to read them.
    pub(super) fn push(&self, frame: Bytes) -> Result<(), Overflow> {
        self.enqueue(frame, Kind::Control)
    }

    /// Queues a frame that tells how far the events before it come.
    pub(super) fn push_heartbeat(&self, frame: Bytes) -> Result<(), Overflow> {
        self.enqueue(frame, Kind::Heartbeat)
    }

    /// Queues consecutive events of one subscription, in one piece.
    pub(super) fn push_events(&self, of: Handle, first: u64, count: u32, frames: Bytes) -> Result<(), Overflow> {
        self.enqueue(frames, Kind::Events { of, first, count })
    }

    fn enqueue(&self, frame: Bytes, kind: Kind) -> Result<(), Overflow> {
        if self.state.get() != State::Open {
            return Ok(());
        }
        if self.bytes.get() + frame.len() > self.hard_bytes {
            return Err(Overflow);
        }
        self.grow(frame.len());
        self.queue.borrow_mut().push_back(Entry { frame, kind });
        self.wake();
        Ok(())
    }

    /// Queues what passes, behind everything else. It is dropped, not refused, where the socket is slow.
    pub(super) fn push_passing(&self, topic: Topic, frame: Bytes) {
        if self.state.get() != State::Open {
            return;
        }
        let mut passing = self.passing.borrow_mut();
        if let Some(place) = passing.iter().position(|(other, _)| *other == topic) {
            self.shrink(passing[place].1.len());
            self.grow(frame.len());
            passing[place].1 = frame;
        } else if passing.len() < PASSING_MAX && !self.is_slow() {
            self.grow(frame.len());
            passing.push_back((topic, frame));
            drop(passing);
            self.wake();
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// Whether more waits than a socket should have waiting.
    pub(super) fn is_slow(&self) -> bool {
        self.bytes.get() > self.soft_bytes
    }

    /// Takes back what passes, and the events of those subscriptions that most of the queue is for and that `may_wait`, until the queue
    /// is well below its soft limit. Looks at the whole queue, which is worth it once it is that long.
    pub(super) fn shed(&self, may_wait: impl Fn(Handle) -> bool) -> Shed {
        self.drop_passing();
        let mut busiest = self.waiting_events();
        busiest.retain(|waiting| may_wait(waiting.of));
        busiest.sort_unstable_by_key(|waiting| (std::cmp::Reverse(waiting.bytes), waiting.of.0));
        let mut left = self.bytes.get();
        let mut shed = Shed::default();
        for waiting in busiest {
            if left <= self.soft_bytes / 2 {
                break;
            }
            left -= waiting.bytes;
            shed.events.push(waiting);
        }
        if !shed.events.is_empty() {
            self.take_back(&mut shed);
        }
        shed
    }

    fn waiting_events(&self) -> Vec<TakenBack> {
        let mut waiting: HashMap<Handle, TakenBack> = HashMap::new();
        for Entry { frame, kind } in self.queue.borrow().iter() {
            if let Kind::Events { of, first, .. } = *kind {
                let (count, bytes) = (0, 0);
                let so_far = waiting.entry(of).or_insert(TakenBack {
                    of,
                    first,
                    count,
                    bytes,
                });
                so_far.count += kind.frames();
                so_far.bytes += frame.len();
            }
        }
        waiting.into_values().collect()
    }

    fn take_back(&self, shed: &mut Shed) {
        self.queue.borrow_mut().retain(|Entry { frame, kind }| {
            let goes = match kind {
                Kind::Control => false,
                Kind::Heartbeat => {
                    shed.heartbeat = true;
                    true
                }
                Kind::Events { of, .. } => shed.events.iter().any(|taken| taken.of == *of),
            };
            if goes {
                self.shrink(frame.len());
            }
            !goes
        });
    }

    /// Since when the transport has taken nothing although something waits.
    pub(super) fn stalled_since(&self) -> Option<Instant> {
        (self.bytes.get() > 0).then(|| self.progress.get())
    }

    /// A last frame, past any limit. What is queued before it is kept only if the socket is healthy enough to read it.
    pub(super) fn finish(&self, last: Bytes, discard_queue: bool) {
        if self.state.get() != State::Open {
            return;
        }
        self.drop_passing();
        if discard_queue {
            self.drop_queue();
        }
        self.grow(last.len());
        self.queue.borrow_mut().push_back(Entry {
            frame: last,
            kind: Kind::Control,
        });
        self.state.set(State::Ending);
        self.wake();
        self.drained.notify_waiters();
    }

    /// Waits until nothing waits any more, or nobody is there to take it.
    pub(super) async fn flushed(&self) {
        loop {
            let drained = self.drained.notified();
            if self.bytes.get() == 0 || self.state.get() == State::Gone {
                return;
            }
            drained.await;
        }
    }

    /// Lets the body end. Called when the peer has closed too, or had its time to: of what still waits only the last frame is kept, which
    /// says why, so that who stopped reading costs nothing any more.
    pub(super) fn end(&self) {
        self.state.set(State::Gone);
        self.drop_passing();
        let last = self.queue.borrow_mut().pop_back();
        if let Some(last) = last {
            self.drop_queue();
            self.queue.borrow_mut().push_back(last);
        }
        self.wake();
        self.drained.notify_waiters();
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.get() == State::Open
    }

    /// Waits until at most `bytes` are queued; false when the socket is ending.
    pub(super) async fn below(&self, bytes: usize) -> bool {
        loop {
            let drained = self.drained.notified();
            if !self.is_open() {
                return false;
            }
            if self.bytes.get() <= bytes {
                return true;
            }
            drained.await;
        }
    }

    /// Waits until the transport takes something; no longer when nothing waits, or when the socket is ending.
    pub(super) async fn takes_something(&self) {
        let drained = self.drained.notified();
        if self.bytes.get() > 0 && self.is_open() {
            drained.await;
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn grow(&self, bytes: usize) {
        if self.bytes.get() == 0 {
            self.progress.set(Instant::now());
        }
        self.bytes.set(self.bytes.get() + bytes);
        self.tally.queued_bytes.set(self.tally.queued_bytes.get() + bytes);
    }

    fn shrink(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() - bytes);
        self.tally.queued_bytes.set(self.tally.queued_bytes.get() - bytes);
    }

    fn drop_passing(&self) {
        let dropped = std::mem::take(&mut *self.passing.borrow_mut());
        self.shrink(dropped.iter().map(|(_, frame)| frame.len()).sum());
    }

    fn drop_queue(&self) {
        let dropped = std::mem::take(&mut *self.queue.borrow_mut());
        self.shrink(dropped.iter().map(|entry| entry.frame.len()).sum());
    }

    fn next(&self) -> Option<(Bytes, u64)> {
        let next = self.queue.borrow_mut().pop_front();
        match next {
            Some(Entry { frame, kind }) => Some((frame, kind.frames())),
            None => self.passing.borrow_mut().pop_front().map(|(_, frame)| (frame, 1)),
        }
    }

    fn poll_frame(&self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        match self.next() {
            Some((frame, frames)) => {
                self.shrink(frame.len());
                self.tally.took(frames, frame.len());
                self.progress.set(Instant::now());
                self.drained.notify_waiters();
                Poll::Ready(Some(frame))
            }
            None if self.state.get() == State::Gone => Poll::Ready(None),
            None => {
                self.waker.replace(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.drop_passing();
        self.drop_queue();
    }
}

impl Tally {
    /// Bytes that wait in the queues of all sockets of this worker.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes.get()
    }

    /// What the transports have taken since this was last asked.
    pub(super) fn take_sent(&self) -> Sent {
        self.sent.take()
    }

    fn took(&self, frames: u64, bytes: usize) {
        let before = self.sent.get();
        self.sent.set(Sent {
            frames: before.frames + frames,
            bytes: before.bytes + bytes as u64,
        });
    }
}

/// The response body that drains an outbox.
pub(super) struct Outgoing(Rc<Outbox>);

impl MessageBody for Outgoing {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.0.poll_frame(cx).map(|frame| frame.map(Ok))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests;
