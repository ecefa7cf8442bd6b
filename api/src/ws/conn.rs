//! One socket after its hello: what it follows, what is due to it and when, and how it ends. Frames wait in its `outbox`, and its worker's
//! `hub` knows all of them.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use actix_web::web;
use domain::{ChannelId, UserId};
use tokio::sync::Notify;

use super::{
    close::CloseCode,
    hub::{Flow, Subscription},
    outbox::{Handle, Outbox, Overflow},
    protocol::{
        ServerFrame,
        server::{Drain, Heartbeat},
    },
    sockets::Place,
};
use crate::{
    app::App,
    request::{Who, now},
};

/// How long a socket that is due to close may take to answer the commands it has taken.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

static NUMBERS: AtomicU64 = AtomicU64::new(0);

pub(super) struct Conn {
    pub(super) app: web::Data<App>,
    /// No two sockets of this process have the same.
    pub(super) number: u64,
    pub(super) user: UserId,
    /// The session this socket goes on in, which `reauth` replaces by another of the same person.
    who: Cell<Who>,
    /// When the access of that session ends, on the clock of timers.
    access_ends: Cell<Instant>,
    pub(super) outbox: Rc<Outbox>,
    pub(super) subscriptions: RefCell<HashMap<ChannelId, Rc<Subscription>>>,
    /// The people whose presence this socket is told, by channel.
    pub(super) watched: RefCell<HashMap<ChannelId, Vec<UserId>>>,
    handles: Cell<u32>,
    /// When the client last sent anything.
    heard: Cell<Instant>,
    /// When the next heartbeat is due, and whether one is unanswered since when.
    heartbeat_due: Cell<Instant>,
    unanswered_since: Cell<Option<Instant>>,
    behind: Cell<Option<Behind>>,
    /// When this socket takes its leave because the service stops.
    leaves_at: Cell<Option<Instant>>,
    closing: Cell<Option<CloseCode>>,
    turns: Notify,
    opened: Instant,
    _place: Place<UserId>,
}

/// A socket that has more to catch up with than is replayed, the least that was since it is so, and since when it was no less.
#[derive(Debug, Clone, Copy)]
struct Behind {
    least: u64,
    since: Instant,
}

/// What the session of a socket does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The service stops: answer what was taken, take nothing more, then close.
    Leave,
    /// The close frame is queued.
    Closing,
}

impl Conn {
    pub(super) fn new(app: web::Data<App>, who: Who, outbox: Rc<Outbox>, place: Place<UserId>) -> Self {
        let now = Instant::now();
        let heartbeat_pause = heartbeat_pause(&app);
        Self {
            app,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            user: who.user,
            who: Cell::new(who),
            access_ends: Cell::new(now + access_left(who)),
            outbox,
            subscriptions: RefCell::default(),
            watched: RefCell::default(),
            handles: Cell::new(0),
            heard: Cell::new(now),
            heartbeat_due: Cell::new(now + heartbeat_pause),
            unanswered_since: Cell::new(None),
            behind: Cell::new(None),
            leaves_at: Cell::new(None),
            closing: Cell::new(None),
            turns: Notify::new(),
            opened: now,
            _place: place,
        }
    }
}

/// Sending and closing.
impl Conn {
    /// Sends a frame that no back-pressure takes away.
    pub(super) fn send(&self, frame: bytes::Bytes) {
        self.queued(self.outbox.push(frame));
    }

    pub(super) fn send_frame(&self, frame: &impl ServerFrame) {
        self.send(frame.encode());
    }

    /// Sends consecutive events of one subscription, which may be taken back as long as they wait.
    pub(super) fn send_events(&self, of: Handle, first: u64, count: u32, frames: bytes::Bytes) {
        self.queued(self.outbox.push_events(of, first, count, frames));
    }

    fn queued(&self, queued: Result<(), Overflow>) {
        if queued == Err(Overflow) {
            self.close(CloseCode::Slow);
        }
    }

    /// Says why and takes nothing more. The session ends when the peer has closed too.
    pub(super) fn close(&self, code: CloseCode) {
        if self.closing.get().is_none() {
            self.closing.set(Some(code));
            tracing::info!(
                code = code.number(),
                queue_bytes = self.outbox.bytes(),
                age_ms = self.opened.elapsed().as_millis() as u64,
                user.id = %self.user,
                "Socket closes: {}",
                code.reason()
            );
            self.app.metrics.sockets.closed(code.number());
            self.outbox.finish(code.frame(), code.discards_queue());
            self.turns.notify_waiters();
        }
    }

    /// Whether the socket closes because its client broke the rules or may do nothing here any more.
    pub(super) fn is_expelled(&self) -> bool {
        use CloseCode::*;
        matches!(
            self.closing.get(),
            Some(Violation | Flooding | Expired | Revoked | Erased)
        )
    }

    /// Resolves when the session has to do something else than to listen.
    pub(super) async fn turn(&self) -> Turn {
        loop {
            let turns = self.turns.notified();
            if self.closing.get().is_some() {
                return Turn::Closing;
            }
            if self.leaves_at.get().is_some_and(|at| at <= Instant::now()) {
                return Turn::Leave;
            }
            turns.await;
        }
    }
}

/// Whose socket it is, and for how long.
impl Conn {
    pub(super) fn who(&self) -> Who {
        self.who.get()
    }

    /// Goes on in this session, which must be one of the same person.
    pub(super) fn goes_on_as(&self, who: Who) {
        self.who.set(who);
        self.access_ends.set(Instant::now() + access_left(who));
        self.expel_if_out();
    }

    /// Closes at once if the session has ended, is suspended with its person, or its access is over; whether the socket may go on.
    pub(super) fn expel_if_out(&self) -> bool {
        let code = if !self.app.auth.is_in(&self.who.get()) {
            Some(CloseCode::Revoked)
        } else {
            self.access_is_over(Instant::now()).then_some(CloseCode::Expired)
        };
        code.into_iter().for_each(|code| self.close(code));
        code.is_none() && !self.is_expelled()
    }

    fn access_is_over(&self, now: Instant) -> bool {
        now >= self.access_ends.get()
    }
}

/// Following.
impl Conn {
    pub(super) fn subscription(&self, channel: ChannelId) -> Option<Rc<Subscription>> {
        self.subscriptions.borrow().get(&channel).cloned()
    }

    pub(super) fn next_handle(&self) -> Handle {
        self.behind.set(None);
        self.handles.set(self.handles.get() + 1);
        Handle(self.handles.get())
    }

    /// Forgets a subscription that has ended; false when another has taken its place, or it was forgotten before.
    pub(super) fn forget(&self, subscription: &Rc<Subscription>) -> bool {
        let mut subscriptions = self.subscriptions.borrow_mut();
        let is_current = subscriptions
            .get(&subscription.channel)
            .is_some_and(|current| Rc::ptr_eq(current, subscription));
        if is_current {
            subscriptions.remove(&subscription.channel);
        }
        is_current
    }

    /// Makes room in a queue that is too long: the channels that most of it is for read what waited from the log, at the socket's pace.
    pub(super) fn shed(&self) {
        let live: HashMap<Handle, Rc<Subscription>> = self
            .subscriptions
            .borrow()
            .values()
            .filter(|subscription| subscription.flow.get() == Flow::Live)
            .map(|subscription| (subscription.handle, Rc::clone(subscription)))
            .collect();
        let shed = self.outbox.shed(|handle| live.contains_key(&handle));
        for taken in &shed.events {
            if let Some(subscription) = live.get(&taken.of) {
                subscription.go_back_to(taken.first);
                subscription.lag(taken.count);
            }
        }
        // The one that was taken back told of events that are not in the queue any more.
        if shed.heartbeat {
            self.heartbeat();
        }
    }
}

/// What is due, and when.
impl Conn {
    /// Anything from the client is a sign of life.
    pub(super) fn heard(&self) {
        self.heard.set(Instant::now());
        self.unanswered_since.set(None);
    }

    pub(super) fn last_heard(&self) -> Instant {
        self.heard.get()
    }

    /// Does what is due; when to look again, or `None` when the socket is closing.
    pub(super) fn look_after(&self, now: Instant) -> Option<Instant> {
        if let Some(code) = self.overdue(now) {
            self.close(code);
        }
        if self.closing.get().is_some() {
            return None;
        }
        if now >= self.heartbeat_due.get() {
            self.unanswered_since.set(self.unanswered_since.get().or(Some(now)));
            self.heartbeat_due.set(now + heartbeat_pause(&self.app));
            self.heartbeat();
        }
        Some(self.next_look(now))
    }

    /// Why this socket has to go, if it has to.
    fn overdue(&self, now: Instant) -> Option<CloseCode> {
        let since = |since: Option<Instant>, patience: Duration| since.is_some_and(|since| now >= since + patience);
        if self.access_is_over(now) {
            Some(CloseCode::Expired)
        } else if since(self.outbox.stalled_since(), self.stall_max()) {
            Some(CloseCode::Slow)
        } else if since(self.unanswered_since.get(), self.patience()) && self.outbox.bytes() == 0 {
            // Who still takes what was queued before the heartbeat is slow, not dead.
            Some(CloseCode::NoHeartbeat)
        } else if self.is_behind(now) {
            Some(CloseCode::Behind)
        } else {
            None
        }
    }

    fn next_look(&self, now: Instant) -> Instant {
        let stall = self.outbox.stalled_since().map(|since| since + self.stall_max());
        let silence = self.unanswered_since.get().map(|since| since + self.patience());
        // A queue that begins to fill is noticed in time to see it stall.
        let again = now + self.stall_max() / 2;
        let access = Some(self.access_ends.get());
        let due = [stall, silence, access].into_iter().flatten().filter(|due| *due > now);
        due.fold(again.min(self.heartbeat_due.get()), Instant::min)
    }

    /// Whether what is missing is more than is replayed, and has not become less for too long: a snap would serve this client better.
    fn is_behind(&self, now: Instant) -> bool {
        let backlog: u64 = self
            .subscriptions
            .borrow()
            .values()
            .filter_map(|subscription| subscription.backlog())
            .sum();
        if backlog <= self.app.limits.max_replay as u64 {
            self.behind.set(None);
            return false;
        }
        match self.behind.get() {
            Some(Behind { least, since }) if backlog >= least => now >= since + ms(self.app.limits.behind_ms),
            Some(_) | None => {
                let (least, since) = (backlog, now);
                self.behind.set(Some(Behind { least, since }));
                false
            }
        }
    }

    /// The newest seq of each followed channel goes along, so that a client notices a gap even in silence.
    fn heartbeat(&self) {
        let tops: BTreeMap<_, _> = self
            .subscriptions
            .borrow()
            .values()
            .map(|sub| (sub.channel.to_string(), sub.cursor.get().next() - 1))
            .collect();
        let pos = self.app.pos(self.app.live.position()).to_string();
        self.queued(self.outbox.push_heartbeat(Heartbeat { pos, tops }.encode()));
    }

    fn stall_max(&self) -> Duration {
        ms(self.app.limits.outbound_stall_ms)
    }

    fn patience(&self) -> Duration {
        ms(self.app.limits.pong_timeout_ms)
    }
}

/// The end of the service.
impl Conn {
    /// Tells the client that the socket closes after this time.
    pub(super) fn announce_leave(&self, now: Instant, after: Duration) {
        self.leaves_at.set(Some(now + after));
        self.send_frame(&Drain {
            after_ms: after.as_millis() as u64,
        });
    }

    /// Lets the session answer what it has taken and close, or closes when that has had its time; when to look again.
    pub(super) fn take_leave(&self, now: Instant) -> Option<Instant> {
        let at = self.leaves_at.get()?;
        let end = at + LAST_ANSWERS;
        if now < at {
            return Some(at);
        }
        if now >= end {
            self.close(CloseCode::Draining);
            return None;
        }
        self.turns.notify_waiters();
        Some(end)
    }
}

/// The pause between heartbeats, spread by a fifth to either side so that sockets opened together do not stay in step.
fn heartbeat_pause(app: &App) -> Duration {
    ms(app.limits.heartbeat_ms).mul_f64(rand::random_range(0.8..1.2))
}

/// How long the access of a session lasts from now on.
fn access_left(who: Who) -> Duration {
    (who.expires_at - now()).to_std().unwrap_or_default()
}

fn ms(ms: usize) -> Duration {
    Duration::from_millis(ms as u64)
}
