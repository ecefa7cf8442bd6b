//! The sockets of one worker thread: which channels they follow, and the fan-out of each committed batch to them. One per worker, without
//! locks; the only thing shared between workers is the stream of batches.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::HashMap,
    rc::{Rc, Weak},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::web;
use domain::{ChannelId, UserId, channel::End};
use projections::live::{Change, Cursor, LiveBatch, LiveEvent, LiveReceipt, Run};
use tokio::{sync::broadcast, time::MissedTickBehavior};

use super::{
    conn::Conn,
    ephemeral::{Blocked, Lease},
    exits::Exits,
    filler,
    outbox::{Handle, Outbox, Tally},
    protocol::{
        ServerFrame,
        server::{Feed, Lag, News, SubEnd},
    },
    sockets::Place,
    wheel::{GRAIN, Wheel},
    whispers::Watch,
};
use crate::{app::App, auth::Cut, ops::access::Within, request::Who};

thread_local! {
    static HUB: OnceCell<Rc<Hub>> = const { OnceCell::new() };
}

pub(super) struct Hub {
    pub(super) app: web::Data<App>,
    pub(super) channels: RefCell<HashMap<ChannelId, Vec<Rc<Subscription>>>>,
    pub(super) people: RefCell<HashMap<UserId, Vec<Rc<Conn>>>>,
    /// Who is told of a person's presence.
    pub(super) watchers: RefCell<HashMap<UserId, Vec<Watch>>>,
    wheel: RefCell<Wheel<Due>>,
    tally: Rc<Tally>,
    /// What this worker last added to the gauge of bytes that wait.
    queued_bytes: Cell<i64>,
    /// Who was put out of a space of late.
    pub(super) exits: RefCell<Exits>,
}

/// What the wheel brings around.
pub(super) enum Due {
    /// A socket to look after: heartbeats, silence, stalls.
    Socket(Weak<Conn>),
    /// A socket that closes because the service stops.
    Leave(Weak<Conn>),
    /// Somebody may have stopped typing.
    Typing(Lease),
    /// Somebody may not be there any more, or has changed a moment ago.
    Presence(UserId),
}

/// A channel as one socket follows it: strictly one seq after the other.
pub(super) struct Subscription {
    pub(super) conn: Rc<Conn>,
    pub(super) channel: ChannelId,
    /// In which space the socket's person may hear it.
    pub(super) within: Option<Within>,
    pub(super) handle: Handle,
    /// What this socket gets next.
    pub(super) cursor: Cell<Cursor>,
    pub(super) flow: Cell<Flow>,
    /// While filling: the newest seq that was announced since the filler last began to read. More than any seq when batches were lost.
    pub(super) announced: Cell<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Batches are passed on as they come.
    Live,
    /// A filler reads what is missing; batches are ignored until it has caught up.
    Filling,
    Ended,
}

impl Hub {
    /// This worker's hub, started with its first socket.
    pub(super) fn of_worker(app: &web::Data<App>) -> Rc<Self> {
        HUB.with(|hub| Rc::clone(hub.get_or_init(|| Self::start(app))))
    }

    fn start(app: &web::Data<App>) -> Rc<Self> {
        let hub = Rc::new(Self {
            app: app.clone(),
            channels: RefCell::default(),
            people: RefCell::default(),
            watchers: RefCell::default(),
            wheel: RefCell::new(Wheel::new(Instant::now())),
            tally: Rc::default(),
            queued_bytes: Cell::default(),
            exits: RefCell::default(),
        });
        actix_web::rt::spawn(Rc::clone(&hub).deliver_batches(app.live.subscribe()));
        actix_web::rt::spawn(Rc::clone(&hub).carry_out_cuts(app.auth.standings.cuts()));
        actix_web::rt::spawn(Rc::clone(&hub).deliver_whispers(app.ephemeral.listen()));
        actix_web::rt::spawn(Rc::clone(&hub).turn_wheel());
        actix_web::rt::spawn(Rc::clone(&hub).drain());
        hub
    }

    /// The queue of a new socket of this worker.
    pub(super) fn outbox(&self) -> Rc<Outbox> {
        let limits = &self.app.limits;
        Outbox::new(
            limits.outbound_soft_bytes,
            limits.outbound_hard_bytes,
            Rc::clone(&self.tally),
        )
    }

    pub(super) fn enter(&self, who: Who, blocked: Blocked, outbox: Rc<Outbox>, place: Place<UserId>) -> Rc<Conn> {
        let conn = Rc::new(Conn::new(self.app.clone(), who, outbox, place));
        self.look_after(&conn, Instant::now());
        self.appears(&conn, blocked);
        self.people
            .borrow_mut()
            .entry(who.user)
            .or_default()
            .push(Rc::clone(&conn));
        self.app.metrics.sockets.connections.inc();
        // Every later cut finds this socket; one that came while its ticket was looked at has not.
        conn.expel_if_out();
        conn
    }

    pub(super) fn leave(&self, conn: &Rc<Conn>) {
        for subscription in conn
            .subscriptions
            .borrow_mut()
            .drain()
            .map(|(_, subscription)| subscription)
        {
            self.remove(&subscription);
        }
        remove_from(&mut self.people.borrow_mut(), conn.user, |other| {
            Rc::ptr_eq(other, conn)
        });
        self.unwatch_all(conn);
        self.disappears(conn);
        self.app.metrics.sockets.connections.dec();
    }

    /// Follows a channel from `cursor` on: live at once if nothing has come after it, else to be filled. A subscription of the same
    /// channel on the same socket is replaced.
    pub(super) fn follow(
        &self,
        conn: &Rc<Conn>,
        cursor: Cursor,
        within: Option<Within>,
        live: bool,
    ) -> Rc<Subscription> {
        let channel = cursor.channel;
        let subscription = Rc::new(Subscription {
            conn: Rc::clone(conn),
            channel,
            within,
            handle: conn.next_handle(),
            cursor: Cell::new(cursor),
            flow: Cell::new(if live { Flow::Live } else { Flow::Filling }),
            announced: Cell::new(0),
        });
        let replaced = conn
            .subscriptions
            .borrow_mut()
            .insert(channel, Rc::clone(&subscription));
        if let Some(replaced) = replaced {
            self.remove(&replaced);
        }
        self.channels
            .borrow_mut()
            .entry(channel)
            .or_default()
            .push(Rc::clone(&subscription));
        subscription
    }

    pub(super) fn unfollow(&self, conn: &Rc<Conn>, channel: ChannelId) -> bool {
        self.unwatch(conn, channel);
        let removed = conn.subscriptions.borrow_mut().remove(&channel);
        removed.inspect(|subscription| self.remove(subscription)).is_some()
    }

    fn remove(&self, subscription: &Rc<Subscription>) {
        subscription.flow.set(Flow::Ended);
        remove_from(&mut self.channels.borrow_mut(), subscription.channel, |other| {
            Rc::ptr_eq(other, subscription)
        });
    }

    async fn deliver_batches(self: Rc<Self>, mut batches: broadcast::Receiver<Arc<LiveBatch>>) {
        loop {
            match batches.recv().await {
                Ok(batch) => self.deliver(&batch),
                Err(broadcast::error::RecvError::Lagged(_)) => self.everyone_catches_up(),
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    /// Never awaits: a member that cannot take an event now is left to its filler.
    fn deliver(&self, batch: &LiveBatch) {
        for run in &batch.runs {
            if let Some(subscriptions) = self.channels.borrow().get(&run.channel) {
                subscriptions.iter().for_each(|subscription| subscription.offer(run));
            }
            if run.has_changes() {
                self.sweep(run.channel);
                run.events.iter().for_each(|event| self.see_change(event));
            }
        }
        batch.receipts.iter().for_each(|receipt| self.tell_receipt(receipt));
    }

    /// A socket that is behind does without: the next receipt says more, and `GET receipts` says all.
    fn tell_receipt(&self, receipt: &LiveReceipt) {
        if let Some(subscriptions) = self.channels.borrow().get(&receipt.channel) {
            let keeping_up = subscriptions.iter().filter(|subscription| subscription.keeps_up());
            keeping_up.for_each(|subscription| subscription.conn.send(receipt.frame.clone()));
        }
    }

    /// Forgets the subscriptions of a channel that have ended.
    fn sweep(&self, channel: ChannelId) {
        remove_from(
            &mut self.channels.borrow_mut(),
            channel,
            |subscription: &Rc<Subscription>| {
                let ended = subscription.flow.get() == Flow::Ended;
                if ended && subscription.conn.forget(subscription) {
                    self.unwatch(&subscription.conn, channel);
                }
                ended
            },
        );
    }

    fn see_change(&self, event: &LiveEvent) {
        match event.change {
            None => {}
            Some(Change::Added(user)) => self.tell_newcomer(user, event),
            Some(Change::Ended(user, _)) => {
                self.unwatch_person(event.channel, user);
                self.app.ephemeral.stops_typing(event.channel, user);
            }
        }
    }

    /// Someone who was added to a channel hears of it on every socket, since nobody follows what they do not know.
    fn tell_newcomer(&self, user: UserId, event: &LiveEvent) {
        if let Some(conns) = self.people.borrow().get(&user) {
            let frame = Feed {
                seq: event.position,
                news: News::ChannelAdded {
                    ch: event.channel,
                    seq: event.seq,
                },
            }
            .encode();
            conns.iter().for_each(|conn| conn.send(frame.clone()));
        }
    }

    /// This worker missed batches: every subscription reads on from where it stands.
    pub(super) fn everyone_catches_up(&self) {
        for subscription in self.channels.borrow().values().flatten() {
            subscription.announced.set(u64::MAX);
            subscription.catch_up();
        }
    }

    /// Whoever is out by the log is out here at once: what waits to be sent is dropped, and nothing more is taken or answered.
    async fn carry_out_cuts(self: Rc<Self>, mut cuts: broadcast::Receiver<Cut>) {
        loop {
            match cuts.recv().await {
                Ok(Cut::Sessions(sessions)) => self.look_at_standing(|conn| sessions.contains(&conn.who().session)),
                Ok(Cut::Person(user)) => self.look_at_standing(|conn| conn.user == user),
                Ok(Cut::Space(exit)) => self.put_out(&exit),
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.look_at_standing(|_| true);
                    self.look_at_spaces();
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    fn look_at_standing(&self, concerns: impl Fn(&Conn) -> bool) {
        let people = self.people.borrow();
        let concerned = people.values().flatten().filter(|conn| concerns(conn));
        concerned.for_each(|conn| {
            conn.expel_if_out();
        });
    }

    async fn turn_wheel(self: Rc<Self>) {
        let mut ticks = tokio::time::interval(GRAIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = Instant::now();
            let due = self.wheel.borrow_mut().turn(now);
            due.into_iter().for_each(|due| self.see_to(due, now));
            self.count();
        }
    }

    fn see_to(&self, due: Due, now: Instant) {
        match due {
            Due::Socket(conn) => {
                if let Some(conn) = conn.upgrade() {
                    self.look_after(&conn, now);
                }
            }
            Due::Typing(lease) => self.look_at_typing(lease, now),
            Due::Presence(user) => self.look_at_presence(user, now),
            Due::Leave(conn) => {
                let again = conn.upgrade().and_then(|conn| conn.take_leave(now));
                if let Some(again) = again {
                    self.due_at(again, Due::Leave(conn));
                }
            }
        }
    }

    pub(super) fn due_at(&self, when: Instant, due: Due) {
        self.wheel.borrow_mut().put(when, due);
    }

    fn look_after(&self, conn: &Rc<Conn>, now: Instant) {
        if let Some(again) = conn.look_after(now) {
            self.due_at(again, Due::Socket(Rc::downgrade(conn)));
        }
    }

    /// Once a turn instead of once a frame, since all workers share the counters.
    fn count(&self) {
        let sockets = &self.app.metrics.sockets;
        let sent = self.tally.take_sent();
        sockets.frames_out.inc_by(sent.frames);
        sockets.bytes_out.inc_by(sent.bytes);
        let waiting = self.tally.queued_bytes() as i64;
        let before = self.queued_bytes.replace(waiting);
        sockets.queued_bytes.inc_by(waiting - before);
        let (typing, present) = self.app.ephemeral.counts();
        sockets.typing.set(typing as i64);
        sockets.present.set(present as i64);
    }

    /// Once the service stops, each socket is given a moment of its own to leave, so that clients do not come back all at once. Whoever
    /// says hello from then on is turned away.
    async fn drain(self: Rc<Self>) {
        self.app.draining.cancelled().await;
        let window = Duration::from_millis(self.app.limits.drain_window_ms as u64);
        let now = Instant::now();
        for conn in self.people.borrow().values().flatten() {
            let after = window.mul_f64(rand::random_range(0.0..1.0));
            conn.announce_leave(now, after);
            self.due_at(now + after, Due::Leave(Rc::downgrade(conn)));
        }
    }
}

impl Subscription {
    /// Passes a run on from exactly the next event if the socket keeps up.
    fn offer(self: &Rc<Self>, run: &Run) {
        let next = self.cursor.get().next();
        match self.flow.get() {
            Flow::Filling => return self.announced.set(self.announced.get().max(run.last())),
            Flow::Live if run.first() > next => return self.catch_up(),
            Flow::Live if run.last() >= next => {}
            Flow::Live | Flow::Ended => return,
        }
        if self.conn.outbox.is_slow() && !self.gets_room() {
            return;
        }
        if run.first() == next && !run.concerns(&self.cursor.get()) {
            return self.pass_run(run);
        }
        for event in run.events.iter().filter(|event| event.seq >= next) {
            if self.flow.get() == Flow::Live {
                self.pass_on(event);
            }
        }
    }

    /// Sends a whole run, which must begin with the next event and be nothing special to this person.
    fn pass_run(&self, run: &Run) {
        let mut cursor = self.cursor.get();
        cursor.skip_to(run.last() + 1);
        self.cursor.set(cursor);
        let count = run.events.len() as u32;
        self.conn
            .send_events(self.handle, run.first(), count, run.frames.clone());
    }

    /// Makes room in the socket's queue; false when this subscription is one of those that have to wait for it.
    fn gets_room(self: &Rc<Self>) -> bool {
        self.conn.shed();
        if self.flow.get() == Flow::Live && self.conn.outbox.is_slow() {
            self.lag(1);
        }
        self.flow.get() == Flow::Live
    }

    fn keeps_up(&self) -> bool {
        self.flow.get() == Flow::Live && !self.conn.outbox.is_slow()
    }

    /// Tells the client that this many events wait, and reads them from the log at the socket's pace.
    pub(super) fn lag(self: &Rc<Self>, behind: u64) {
        self.conn.send_frame(&Lag {
            ch: self.channel,
            behind,
        });
        self.conn.app.metrics.sockets.lagged();
        self.flow.set(Flow::Filling);
        actix_web::rt::spawn(filler::fill_when_taken(Rc::clone(self)));
    }

    /// After events were taken back: the socket gets this one next.
    pub(super) fn go_back_to(&self, seq: u64) {
        let mut cursor = self.cursor.get();
        cursor.go_back_to(seq);
        self.cursor.set(cursor);
    }

    /// How many events a filler still has to read.
    pub(super) fn backlog(&self) -> Option<u64> {
        let filling = self.flow.get() == Flow::Filling;
        filling.then(|| (self.conn.app.live.top(self.channel) + 1).saturating_sub(self.cursor.get().next()))
    }

    /// Sends one event, which must be the next, and ends the subscription if it is the person's own departure.
    pub(super) fn pass_on(&self, event: &LiveEvent) {
        let mut cursor = self.cursor.get();
        let end = cursor.pass(event);
        self.cursor.set(cursor);
        let frame = event.frame_for(&cursor);
        self.conn.send_events(self.handle, event.seq, 1, frame);
        if let Some(end) = end {
            self.end(event.seq, end);
        }
    }

    pub(super) fn end(&self, at: u64, end: End) {
        self.flow.set(Flow::Ended);
        self.conn.send_frame(&SubEnd {
            ch: self.channel,
            at,
            reason: end.into(),
        });
    }

    /// Lets a filler read what this socket has not got yet.
    fn catch_up(self: &Rc<Self>) {
        if self.flow.get() == Flow::Live {
            self.flow.set(Flow::Filling);
            actix_web::rt::spawn(filler::fill(Rc::clone(self)));
        }
    }

    /// After its filler found the end of a subscription.
    pub(super) fn settle_end(self: &Rc<Self>) {
        let hub = Hub::of_worker(&self.conn.app);
        remove_from(&mut hub.channels.borrow_mut(), self.channel, |other| {
            Rc::ptr_eq(other, self)
        });
        if self.conn.forget(self) {
            hub.unwatch(&self.conn, self.channel);
        }
    }
}

pub(super) fn remove_from<K: std::hash::Hash + Eq, V>(
    map: &mut HashMap<K, Vec<V>>,
    key: K,
    is_gone: impl Fn(&V) -> bool,
) {
    if let Some(list) = map.get_mut(&key) {
        list.retain(|value| !is_gone(value));
        if list.is_empty() {
            map.remove(&key);
        }
    }
}
