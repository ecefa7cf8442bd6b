//! The sockets of one worker thread: which channels they follow, and the fan-out of each committed batch to them. One per worker, without
//! locks; the only thing shared between workers is the stream of batches.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::web;
use domain::{ChannelId, UserId, channel::End};
use projections::live::{Change, LiveBatch, LiveEvent, LiveReceipt};
use tokio::sync::{Notify, broadcast};

use super::{
    close::CloseCode,
    filler,
    outbox::Outbox,
    protocol::{
        ServerFrame,
        server::{Drain, Feed, Heartbeat, Lag, News, SubEnd},
    },
    sockets::Place,
};
use crate::{app::App, position::Pos};

/// How often sockets are looked at for heartbeats, silence and stalls: one timer for all of them.
const TICK: Duration = Duration::from_millis(500);
/// Told to clients when draining; sockets close after it.
const DRAIN_AFTER: Duration = Duration::from_secs(1);

thread_local! {
    static HUB: OnceCell<Rc<Hub>> = const { OnceCell::new() };
}

pub(super) struct Hub {
    app: web::Data<App>,
    channels: RefCell<HashMap<ChannelId, Vec<Rc<Subscription>>>>,
    people: RefCell<HashMap<UserId, Vec<Rc<Conn>>>>,
    /// What this worker last added to the gauge of bytes that wait.
    queued_bytes: Cell<i64>,
}

/// A socket after its hello.
pub(super) struct Conn {
    pub(super) app: web::Data<App>,
    pub(super) user: UserId,
    pub(super) outbox: Rc<Outbox>,
    pub(super) subscriptions: RefCell<HashMap<ChannelId, Rc<Subscription>>>,
    /// When the client last sent anything.
    heard: Cell<Instant>,
    /// When the next heartbeat is due, and whether one is unanswered since when.
    heartbeat_due: Cell<Instant>,
    unanswered_since: Cell<Option<Instant>>,
    closing: Cell<Option<CloseCode>>,
    closes: Notify,
    opened: Instant,
    _place: Place<UserId>,
}

/// A channel as one socket follows it: strictly one seq after the other.
pub(super) struct Subscription {
    pub(super) conn: Rc<Conn>,
    pub(super) channel: ChannelId,
    /// Since when the person is in the channel; older departures of theirs are history.
    pub(super) since: u64,
    /// The seq this socket gets next.
    pub(super) next: Cell<u64>,
    pub(super) flow: Cell<Flow>,
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
            queued_bytes: Cell::default(),
        });
        actix_web::rt::spawn(Rc::clone(&hub).deliver_batches(app.live.subscribe()));
        actix_web::rt::spawn(Rc::clone(&hub).tick());
        hub
    }

    pub(super) fn enter(&self, user: UserId, outbox: Rc<Outbox>, place: Place<UserId>) -> Rc<Conn> {
        let now = Instant::now();
        let conn = Rc::new(Conn {
            app: self.app.clone(),
            user,
            outbox,
            subscriptions: RefCell::default(),
            heard: Cell::new(now),
            heartbeat_due: Cell::new(now + self.heartbeat_pause()),
            unanswered_since: Cell::new(None),
            closing: Cell::new(None),
            closes: Notify::new(),
            opened: now,
            _place: place,
        });
        self.people.borrow_mut().entry(user).or_default().push(Rc::clone(&conn));
        self.app.metrics.sockets.connections.inc();
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
        self.count_sent(conn);
        self.app.metrics.sockets.connections.dec();
    }

    /// Follows a channel from `next` on. A subscription of the same channel on the same socket is replaced.
    pub(super) fn follow(&self, conn: &Rc<Conn>, channel: ChannelId, since: u64, next: u64) -> Rc<Subscription> {
        let subscription = Rc::new(Subscription {
            conn: Rc::clone(conn),
            channel,
            since,
            next: Cell::new(next),
            flow: Cell::new(Flow::Filling),
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
        for event in &batch.events {
            let ended = match self.channels.borrow().get(&event.channel) {
                None => false,
                Some(subscriptions) => {
                    subscriptions.iter().for_each(|subscription| subscription.offer(event));
                    event.change.is_some()
                }
            };
            if ended {
                self.sweep(event.channel);
            }
            self.tell_newcomer(event);
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
                if ended {
                    subscription.conn.forget(subscription);
                }
                ended
            },
        );
    }

    /// Someone who was added to a channel hears of it on every socket, since nobody follows what they do not know.
    fn tell_newcomer(&self, event: &LiveEvent) {
        let Some(Change::Added(user)) = event.change else {
            return;
        };
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
    fn everyone_catches_up(&self) {
        for subscription in self.channels.borrow().values().flatten() {
            subscription.catch_up();
        }
    }

    async fn tick(self: Rc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.look_after_sockets(),
                () = self.app.draining.cancelled() => return self.drain().await,
            }
        }
    }

    fn look_after_sockets(&self) {
        let now = Instant::now();
        let conns: Vec<_> = self.people.borrow().values().flatten().cloned().collect();
        let pos = self.app.pos(self.app.live.position());
        self.count(&conns);
        for conn in conns {
            if conn
                .outbox
                .stalled_since()
                .is_some_and(|since| now - since > self.stall_max())
            {
                conn.close(CloseCode::Slow);
            } else if conn.is_silent(now) {
                conn.close(CloseCode::NoHeartbeat);
            } else if now >= conn.heartbeat_due.get() {
                conn.heartbeat(now, &pos);
                conn.heartbeat_due.set(now + self.heartbeat_pause());
            }
        }
    }

    /// Once a tick instead of once a frame, since all workers share the counters.
    fn count(&self, conns: &[Rc<Conn>]) {
        conns.iter().for_each(|conn| self.count_sent(conn));
        let waiting = conns.iter().map(|conn| conn.outbox.bytes() as i64).sum();
        let before = self.queued_bytes.replace(waiting);
        self.app.metrics.sockets.queued_bytes.inc_by(waiting - before);
    }

    fn count_sent(&self, conn: &Conn) {
        let sent = conn.outbox.take_sent();
        self.app.metrics.sockets.frames_out.inc_by(sent.frames);
        self.app.metrics.sockets.bytes_out.inc_by(sent.bytes);
    }

    fn stall_max(&self) -> Duration {
        Duration::from_millis(self.app.limits.outbound_stall_ms as u64)
    }

    /// The interval of heartbeats, spread by a fifth to either side so that sockets opened together do not stay in step.
    fn heartbeat_pause(&self) -> Duration {
        Duration::from_millis(self.app.limits.heartbeat_ms as u64).mul_f64(rand::random_range(0.8..1.2))
    }

    async fn drain(&self) {
        let conns: Vec<_> = self.people.borrow().values().flatten().cloned().collect();
        let frame = Drain {
            after_ms: DRAIN_AFTER.as_millis() as u64,
        }
        .encode();
        conns.iter().for_each(|conn| conn.send(frame.clone()));
        tokio::time::sleep(DRAIN_AFTER).await;
        let conns: Vec<_> = self.people.borrow().values().flatten().cloned().collect();
        conns.iter().for_each(|conn| conn.close(CloseCode::Draining));
    }
}

impl Conn {
    pub(super) fn send(&self, frame: bytes::Bytes) {
        if self.outbox.push(frame).is_err() {
            self.close(CloseCode::Slow);
        }
    }

    pub(super) fn send_frame(&self, frame: &impl ServerFrame) {
        self.send(frame.encode());
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
            self.outbox.finish(code.frame(), matches!(code, CloseCode::Slow));
            self.outbox.wake();
            self.closes.notify_waiters();
        }
    }

    /// Resolves when this socket is being closed from our side.
    pub(super) async fn closes(&self) {
        let closes = self.closes.notified();
        if self.closing.get().is_none() {
            closes.await;
        }
    }

    /// Anything from the client is a sign of life.
    pub(super) fn heard(&self) {
        self.heard.set(Instant::now());
        self.unanswered_since.set(None);
    }

    pub(super) fn subscription(&self, channel: ChannelId) -> Option<Rc<Subscription>> {
        self.subscriptions.borrow().get(&channel).cloned()
    }

    fn is_silent(&self, now: Instant) -> bool {
        let patience = Duration::from_millis(self.app.limits.pong_timeout_ms as u64);
        self.unanswered_since.get().is_some_and(|since| now - since > patience)
    }

    /// The newest seq of each followed channel goes along, so that a client notices a gap even in silence.
    fn heartbeat(&self, now: Instant, pos: &Pos) {
        let tops: BTreeMap<_, _> = self
            .subscriptions
            .borrow()
            .values()
            .map(|sub| (sub.channel.to_string(), sub.next.get() - 1))
            .collect();
        if self.unanswered_since.get().is_none() {
            self.unanswered_since.set(Some(now));
        }
        self.send_frame(&Heartbeat {
            pos: pos.to_string(),
            tops,
        });
    }

    fn forget(&self, subscription: &Rc<Subscription>) {
        let mut subscriptions = self.subscriptions.borrow_mut();
        if subscriptions
            .get(&subscription.channel)
            .is_some_and(|current| Rc::ptr_eq(current, subscription))
        {
            subscriptions.remove(&subscription.channel);
        }
    }
}

impl Subscription {
    /// Passes an event on if it is exactly the next one and the socket keeps up.
    fn offer(self: &Rc<Self>, event: &LiveEvent) {
        if self.flow.get() != Flow::Live || event.seq < self.next.get() {
            return;
        }
        if event.seq > self.next.get() {
            return self.catch_up();
        }
        if !self.keeps_up() {
            self.conn.send_frame(&Lag {
                ch: self.channel,
                behind: event.seq + 1 - self.next.get(),
            });
            self.conn.app.metrics.sockets.lagged();
            return self.catch_up();
        }
        self.pass_on(event);
    }

    fn keeps_up(&self) -> bool {
        self.flow.get() == Flow::Live && self.conn.outbox.bytes() <= self.conn.app.limits.outbound_soft_bytes
    }

    /// Sends one event, which must be the next, and ends the subscription if it is the person's own departure.
    pub(super) fn pass_on(&self, event: &LiveEvent) {
        self.next.set(event.seq + 1);
        self.conn.send(event.frame_for(self.conn.user).clone());
        if let Some(Change::Ended(user, end)) = event.change
            && user == self.conn.user
            && event.seq >= self.since
        {
            self.end(event.seq, end);
        }
    }

    fn end(&self, at: u64, end: End) {
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
        self.conn.forget(self);
    }
}

fn remove_from<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, Vec<V>>, key: K, is_gone: impl Fn(&V) -> bool) {
    if let Some(list) = map.get_mut(&key) {
        list.retain(|value| !is_gone(value));
        if list.is_empty() {
            map.remove(&key);
        }
    }
}
