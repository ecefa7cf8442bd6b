//! One conversation over one socket: hello first, then frames in the order they come. Commands are handed over in that order and answered
//! as they become durable; a command that was handed over no longer needs its socket.

use std::{
    net::IpAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::web;
use commands::Mark as Ack;
use domain::{ChannelId, IdempotencyKey, UserId};
use uuid::Uuid;

use super::{
    bucket::Budget,
    close::CloseCode,
    conn::{Conn, Turn},
    ephemeral::Blocked,
    hub::Hub,
    in_flight::{InFlight, Waiting},
    incoming::{Incoming, Received},
    outbox::Outbox,
    protocol::{
        BadFrame, ClientFrame,
        client::{Cmd, Hello, Reauth},
        how_many_fit, parse,
        server::{ChannelTop, ReauthOk, Refused, Welcome},
    },
    sockets::Place,
};
use crate::{
    app::App,
    ops::{self, access},
    problem::{Problem, codes},
    request::{Who, hide_problem, now},
};

/// How long the peer has to answer our close frame before the connection ends.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// How long a view or window may take to show what was just decided before we go on without it.
pub(super) const VIEW_WAIT: Duration = Duration::from_secs(2);
/// Channels named in the welcome, the liveliest; the rest is in `GET /channels`. With the longest numbers they take 120 bytes each, so
/// they fit into a frame of 64 KiB beside the limits.
const WELCOME_CHANNELS_MAX: usize = 500;
/// What a welcome has besides its channels, at most.
const WELCOME_FRAME_BYTES: usize = 4 * 1024;

/// From upgrade to end. `_from` is the place of its address, given back at the end.
pub(super) async fn run(app: web::Data<App>, mut incoming: Incoming, outbox: Rc<Outbox>, _from: Place<IpAddr>) {
    let greeting = tokio::time::timeout(
        Duration::from_millis(app.limits.hello_timeout_ms as u64),
        hello(&mut incoming),
    );
    let greeted = greeting.await.unwrap_or(Err(Some(CloseCode::Ticket)));
    let admitted = match greeted {
        Ok((hello, rest)) => admit(&app, &hello).await.map(|admitted| (admitted, hello, rest)),
        Err(code) => Err(code),
    };
    match admitted {
        Err(code) => turn_away(&app, &outbox, &mut incoming, code).await,
        Ok(((who, blocked, place), hello, rest)) => {
            let hub = Hub::of_worker(&app);
            let budget = Budget::new(&app, Instant::now());
            let conn = hub.enter(who, blocked, Rc::clone(&outbox), place);
            let session = Session {
                hub,
                conn,
                in_flight: Rc::default(),
                budget,
            };
            session.converse(&mut incoming, hello, rest).await;
            session.hub.leave(&session.conn);
            session
                .conn
                .app
                .commands
                .acknowledgements
                .flush(session.conn.user)
                .await;
        }
    }
    let _in_time = tokio::time::timeout(CLOSE_WAIT, outbox.flushed()).await;
    outbox.end();
}

/// Frames of an array, understood or not.
type Frames = std::vec::IntoIter<Result<ClientFrame, BadFrame>>;

/// The first frame, which must be a hello, and what came in one array with it. `Err(None)`: the peer is gone.
async fn hello(incoming: &mut Incoming) -> Result<(Hello, Frames), Option<CloseCode>> {
    loop {
        return match incoming.next().await {
            Received::Ping(_) | Received::Pong => continue,
            Received::Close => Err(Some(CloseCode::Normal)),
            Received::Gone => Err(None),
            Received::Unacceptable(code) => Err(Some(code)),
            Received::Text(text) => {
                let mut frames = parse(&text).into_iter();
                match frames.next() {
                    Some(Ok(ClientFrame::Hello(hello))) => Ok((hello, frames)),
                    Some(Ok(_) | Err(_)) | None => Err(Some(CloseCode::Ticket)),
                }
            }
        };
    }
}

async fn admit(app: &App, hello: &Hello) -> Result<(Who, Blocked, Place<UserId>), Option<CloseCode>> {
    if app.draining.is_cancelled() {
        return Err(Some(CloseCode::Draining));
    }
    let who = hello
        .ticket
        .as_deref()
        .and_then(|ticket| app.auth.redeem(ticket))
        .ok_or(Some(CloseCode::Ticket))?;
    let place = app
        .sockets
        .enter(who.user, app.limits.sockets_per_user)
        .ok_or(Some(CloseCode::TooManySockets))?;
    let blocked = Blocked::of(app, who.user).await;
    Ok((who, blocked.map_err(|_| Some(CloseCode::Internal))?, place))
}

async fn turn_away(app: &App, outbox: &Outbox, incoming: &mut Incoming, code: Option<CloseCode>) {
    let Some(code) = code else { return };
    tracing::info!(code = code.number(), "Socket turned away: {}", code.reason());
    app.metrics.sockets.closed(code.number());
    outbox.finish(code.frame(), false);
    // Who has closed first waits for nothing but ours.
    if code != CloseCode::Normal {
        wait_for_close(incoming).await;
    }
}

/// Reads and ignores until the peer has closed too, or had its time to.
async fn wait_for_close(incoming: &mut Incoming) {
    let peer_closes = async { while !matches!(incoming.next().await, Received::Close | Received::Gone) {} };
    let _in_time = tokio::time::timeout(CLOSE_WAIT, peer_closes).await;
}

pub(super) struct Session {
    pub(super) hub: Rc<Hub>,
    pub(super) conn: Rc<Conn>,
    in_flight: Rc<InFlight>,
    budget: Budget,
}

impl Session {
    async fn converse(&self, incoming: &mut Incoming, hello: Hello, first_frames: Frames) {
        self.welcome().await;
        self.resume(hello).await;
        self.handle_all(first_frames).await;
        loop {
            let received = tokio::select! {
                biased;
                turn = self.conn.turn() => return self.end(turn, incoming).await,
                // What has arrived counts even if the peer is gone by now: a dropped socket cancels nothing it sent before.
                received = incoming.next() => received,
            };
            match received {
                Received::Gone => return self.vanished(),
                Received::Close => return self.conn.close(CloseCode::Normal),
                Received::Unacceptable(code) => self.conn.close(code),
                Received::Ping(payload) => {
                    self.conn.heard();
                    // Who pings faster than anyone may send gets no answer.
                    if self.takes_nothing() {
                        self.conn.send(pong(&payload));
                    }
                }
                Received::Pong => {
                    self.conn.heard();
                    self.takes_nothing();
                }
                Received::Text(text) => {
                    self.conn.heard();
                    self.conn.app.metrics.sockets.frames_in.inc();
                    let frames = parse(&text);
                    if frames.is_empty() {
                        self.takes_nothing();
                    }
                    self.handle_all(frames).await;
                }
            }
        }
    }

    /// The frames of one message, in order. Behind one that breaks the rules nothing is carried out, nor for whoever is out; where the
    /// socket closes for another reason what has arrived counts, as everywhere.
    async fn handle_all(&self, frames: impl IntoIterator<Item = Result<ClientFrame, BadFrame>>) {
        for frame in frames {
            if self.conn.is_expelled() {
                return;
            }
            self.handle(frame).await;
        }
    }

    /// Nothing more is taken; what was taken is answered before the close frame.
    async fn end(&self, turn: Turn, incoming: &mut Incoming) {
        if turn == Turn::Leave {
            self.in_flight.all_answered().await;
            self.conn.close(CloseCode::Draining);
        }
        wait_for_close(incoming).await;
    }

    fn vanished(&self) {
        /// What clients' libraries call an end without a close frame (RFC 6455 section 7.1.5).
        const ABNORMAL: u16 = 1006;
        tracing::info!(user.id = %self.conn.user, code = ABNORMAL, "Socket vanished");
        self.conn.app.metrics.sockets.closed(ABNORMAL);
    }

    async fn welcome(&self) {
        let app = &self.conn.app;
        // Best effort: the list may lag, each channel's own events tell the truth.
        let head = app.live.position();
        app.views.wait_for(head, VIEW_WAIT).await;
        let (channels, channels_complete) = self.channels().await;
        self.conn.send_frame(&Welcome {
            conn: Uuid::new_v4().simple().to_string(),
            user: self.conn.user,
            server_time: now(),
            expires_at: self.conn.who().expires_at,
            incarnation: app.identity.to_string(),
            heartbeat_ms: app.limits.heartbeat_ms as u64,
            limits: &app.limits,
            channels,
            channels_complete,
            feed_seq: head,
        });
    }

    /// The liveliest channels, as many as a frame takes, and whether those are all.
    async fn channels(&self) -> (Vec<ChannelTop>, bool) {
        let app = &self.conn.app;
        let list = &app.views.channel_list;
        let listing = match list.liveliest_of(self.conn.user, WELCOME_CHANNELS_MAX).await {
            Ok(listing) => listing,
            Err(error) => {
                tracing::warn!(%error, "Channel list cannot be read for a welcome");
                return (Vec::new(), false);
            }
        };
        let mut channels: Vec<ChannelTop> = listing.items.into_iter().map(ChannelTop::from).collect();
        let fitting = how_many_fit(&channels, app.limits.frame_bytes.saturating_sub(WELCOME_FRAME_BYTES));
        let complete = !listing.more && fitting == channels.len();
        channels.truncate(fitting);
        (channels, complete)
    }

    async fn handle(&self, frame: Result<ClientFrame, BadFrame>) {
        if let Err(problem) = self.budget.pay_for(&frame, Instant::now()) {
            return self.refuse_haste(&frame, &problem);
        }
        match frame {
            Err(bad) => self.send_error(bad.id.as_deref(), None, &bad.problem),
            Ok(ClientFrame::Hello(_)) => self.conn.close(CloseCode::Violation),
            Ok(ClientFrame::Sub(sub)) => self.sub(&sub).await,
            Ok(ClientFrame::Unsub(unsub)) => {
                if !self.hub.unfollow(&self.conn, unsub.ch) {
                    self.send_error(unsub.id.as_deref(), Some(unsub.ch), &access::no_such_channel());
                }
            }
            Ok(ClientFrame::Cmd(cmd)) => self.command(cmd).await,
            Ok(ClientFrame::Got(got)) => self.acknowledge(got.ch, got.seq, Ack::Got).await,
            Ok(ClientFrame::Read(read)) => self.acknowledge(read.ch, read.seq, Ack::Read).await,
            Ok(ClientFrame::Gap(gap)) => self.gap(&gap).await,
            Ok(ClientFrame::Reauth(reauth)) => self.reauth(&reauth),
            Ok(ClientFrame::Typing(typing)) => {
                if let Err(problem) = self.typing(typing.ch) {
                    self.send_error(None, Some(typing.ch), &problem);
                }
            }
            Ok(ClientFrame::Presence(presence)) => self.presence(presence.state),
            Ok(ClientFrame::Who(who)) => {
                let asked = Instant::now();
                if let Err(problem) = self.who(&who).await {
                    self.refuse(who.id.as_deref(), Some(who.ch), &problem, asked).await;
                }
            }
            Ok(ClientFrame::Pong(_)) => {}
        }
    }

    /// Goes on in the session of another ticket. With one of somebody else the client has mixed people up, and what it does next would be
    /// done and shown to the wrong one.
    fn reauth(&self, reauth: &Reauth) {
        let id = reauth.id.as_deref();
        match self.conn.app.auth.redeem(&reauth.ticket) {
            None => self.send_error(id, None, &Problem::new(&codes::AUTH_INVALID_TICKET)),
            Some(who) if who.user != self.conn.user => self.conn.close(CloseCode::Violation),
            Some(who) => {
                self.conn.goes_on_as(who);
                let expires_at = who.expires_at;
                self.conn.send_frame(&ReauthOk { id, expires_at });
            }
        }
    }

    /// Says that a frame came too soon; who goes on like that is flooding.
    fn refuse_haste(&self, frame: &Result<ClientFrame, BadFrame>, problem: &Problem) {
        let (id, ch) = match frame {
            Ok(frame) => frame.names(),
            Err(bad) => (bad.id.as_deref(), None),
        };
        self.send_error(id, ch, problem);
        self.note_haste();
    }

    /// Counts a frame that says nothing; whether it was within the budget.
    fn takes_nothing(&self) -> bool {
        let within = self.budget.pay_for_nothing(Instant::now()).is_ok();
        if !within {
            self.note_haste();
        }
        within
    }

    fn note_haste(&self) {
        if !self.budget.forgives(Instant::now()) {
            self.conn.close(CloseCode::Flooding);
        }
    }

    async fn acknowledge(&self, ch: ChannelId, seq: u64, mark: fn(u64) -> Ack) {
        let (app, asked) = (&self.conn.app, Instant::now());
        let seen = self
            .conn
            .subscription(ch)
            .map(|subscription| subscription.cursor.get().next() - 1);
        if seen.is_none_or(|seen| seq > seen) {
            match access::reader(app, self.conn.user, ch).await {
                Ok(access) if seq <= access.top => {}
                Ok(_) => return self.send_error(None, Some(ch), &Problem::new(&codes::ACK_AHEAD)),
                Err(problem) => return self.refuse(None, Some(ch), &problem, asked).await,
            }
        }
        app.commands.acknowledgements.note(self.conn.user, ch, mark(seq), now());
    }

    /// Hands a command over in the order of its frame and answers when its outcome is known.
    async fn command(&self, cmd: Cmd) {
        let Cmd { id, op, ch, key, d, .. } = cmd;
        let asked = Instant::now();
        let handed_over = match self.admit_command(key.as_deref()) {
            Ok(key) => {
                self.in_flight.turn_for(ch.map_or(Uuid::nil(), ChannelId::uuid)).await;
                // Asked after the wait, so that nothing is begun for whoever is out by now.
                if !self.conn.expel_if_out() {
                    return;
                }
                let cmd = ops::Cmd { op, ch, key, d };
                ops::submit(&self.conn.app, &self.conn.who(), Uuid::now_v7(), cmd).await
            }
            Err(problem) => Err(problem),
        };
        match handed_over {
            Err(problem) => self.refuse(id.as_deref(), ch, &problem, asked).await,
            Ok(submitted) => self.in_flight.answer(
                &self.conn,
                Waiting {
                    id,
                    ch,
                    asked,
                    submitted,
                },
            ),
        }
    }

    /// The key of a command that may be carried out now.
    fn admit_command(&self, key: Option<&str>) -> Result<IdempotencyKey, Problem> {
        let app = &self.conn.app;
        if let Err(problem) = app.rates.command(self.conn.user) {
            self.note_haste();
            return Err(problem);
        }
        match key {
            Some(key) => IdempotencyKey::parse(key)
                .map_err(|why| Problem::new(&codes::IDEMPOTENCY_INVALID_KEY).detail(why.to_string())),
            None => Ok(crate::request::fresh_key()),
        }
    }

    /// Refuses something of a channel, at the time at which what does not exist is refused.
    pub(super) async fn refuse(&self, id: Option<&str>, ch: Option<ChannelId>, problem: &Problem, asked: Instant) {
        hide_problem(problem, asked.into()).await;
        self.send_error(id, ch, problem);
    }

    pub(super) fn send_error(&self, id: Option<&str>, ch: Option<ChannelId>, problem: &Problem) {
        self.conn.send_frame(&Refused::of(id, ch, problem));
    }
}

/// A pong (RFC 6455 section 5.5.3); the payload of a ping has at most 125 bytes.
fn pong(payload: &[u8]) -> bytes::Bytes {
    const FINAL_PONG: u8 = 0x8a;
    let mut frame = vec![FINAL_PONG, payload.len() as u8];
    frame.extend_from_slice(payload);
    frame.into()
}
