//! What one socket still has to be sent: a queue of references to encoded frames, bounded in bytes, drained by the response body in as
//! few writes as the transport allows. Lives on one worker thread; no locks.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use tokio::sync::Notify;

pub(super) struct Outbox {
    queue: RefCell<VecDeque<Bytes>>,
    bytes: Cell<usize>,
    hard_bytes: usize,
    waker: RefCell<Option<Waker>>,
    state: Cell<State>,
    /// When the transport last took something, or the queue last became non-empty.
    progress: Cell<Instant>,
    drained: Notify,
    sent: Cell<Sent>,
}

/// What the transport has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) frames: u64,
    pub(super) bytes: u64,
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

impl Outbox {
    pub(super) fn new(hard_bytes: usize) -> Rc<Self> {
        Rc::new(Self {
            queue: RefCell::default(),
            bytes: Cell::new(0),
            hard_bytes,
            waker: RefCell::default(),
            state: Cell::new(State::Open),
            progress: Cell::new(Instant::now()),
            drained: Notify::new(),
            sent: Cell::default(),
        })
    }

    pub(super) fn body(self: &Rc<Self>) -> Outgoing {
        Outgoing {
            outbox: Rc::clone(self),
            _held: None,
        }
    }

    /// Queues a frame. After the end frames are dropped silently: nobody is there to read them.
    pub(super) fn push(&self, frame: Bytes) -> Result<(), Overflow> {
        if self.state.get() != State::Open {
            return Ok(());
        }
        let bytes = self.bytes.get() + frame.len();
        if bytes > self.hard_bytes {
            return Err(Overflow);
        }
        let mut queue = self.queue.borrow_mut();
        if queue.is_empty() {
            self.progress.set(Instant::now());
        }
        self.bytes.set(bytes);
        queue.push_back(frame);
        drop(queue);
        self.wake();
        Ok(())
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// What the transport has taken since this was last asked.
    pub(super) fn take_sent(&self) -> Sent {
        self.sent.take()
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
        let mut queue = self.queue.borrow_mut();
        if discard_queue {
            queue.clear();
            self.bytes.set(0);
        }
        self.bytes.set(self.bytes.get() + last.len());
        queue.push_back(last);
        drop(queue);
        self.state.set(State::Ending);
        self.drained.notify_waiters();
    }

    /// Lets the body end once the queue is empty. Called when the peer has closed too, or had its time to.
    pub(super) fn end(&self) {
        self.state.set(State::Gone);
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

    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn poll_frame(&self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        let frame = self.queue.borrow_mut().pop_front();
        match frame {
            Some(frame) => {
                self.bytes.set(self.bytes.get() - frame.len());
                let Sent { frames, bytes } = self.sent.get();
                self.sent.set(Sent {
                    frames: frames + 1,
                    bytes: bytes + frame.len() as u64,
                });
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

/// The response body that drains an outbox.
pub(super) struct Outgoing {
    outbox: Rc<Outbox>,
    _held: Option<BoxBody>,
}

impl Outgoing {
    /// Keeps another body alive for as long as this one.
    pub(super) fn holding(mut self, held: BoxBody) -> BoxBody {
        self._held = Some(held);
        BoxBody::new(self)
    }
}

impl MessageBody for Outgoing {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.outbox.poll_frame(cx).map(|frame| frame.map(Ok))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.outbox.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &Outbox) -> Vec<Bytes> {
        let cx = Context::from_waker(Waker::noop());
        std::iter::from_fn(|| match outbox.poll_frame(&cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => None,
        })
        .collect()
    }

    #[test]
    fn frames_leave_in_the_order_they_came() {
        let outbox = Outbox::new(100);
        outbox.push(Bytes::from_static(b"one")).expect("room");
        outbox.push(Bytes::from_static(b"two")).expect("room");
        assert_eq!(drain(&outbox), ["one", "two"]);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn what_the_transport_took_is_counted_once() {
        let outbox = Outbox::new(100);
        outbox.push(Bytes::from_static(b"one")).expect("room");
        outbox.push(Bytes::from_static(b"three")).expect("room");
        assert_eq!(outbox.take_sent(), Sent::default());
        drain(&outbox);
        assert_eq!(outbox.take_sent(), Sent { frames: 2, bytes: 8 });
        assert_eq!(outbox.take_sent(), Sent::default());
    }

    #[test]
    fn a_frame_past_the_hard_limit_is_refused_and_nothing_is_lost() {
        let outbox = Outbox::new(5);
        outbox.push(Bytes::from_static(b"four")).expect("room");
        assert_eq!(outbox.push(Bytes::from_static(b"xx")), Err(Overflow));
        assert_eq!(drain(&outbox), ["four"]);
    }

    #[test]
    fn after_the_last_frame_nothing_more_is_taken() {
        let outbox = Outbox::new(100);
        outbox.push(Bytes::from_static(b"event")).expect("room");
        outbox.finish(Bytes::from_static(b"close"), false);
        outbox.push(Bytes::from_static(b"late")).expect("dropped silently");
        assert_eq!(drain(&outbox), ["event", "close"]);
    }

    #[test]
    fn a_slow_socket_is_told_why_without_what_it_did_not_read() {
        let outbox = Outbox::new(100);
        outbox.push(Bytes::from_static(b"event")).expect("room");
        outbox.finish(Bytes::from_static(b"close"), true);
        assert_eq!(drain(&outbox), ["close"]);
    }
}
