//! The events of a channel as server-sent events, without end: `id` is the seq, `data` the item of a page, and a reconnecting client
//! says with `Last-Event-ID` where it left off. The connection takes the next events when it has room for them, so a slow reader costs
//! one chunk of memory and its place.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderName, HeaderValue},
    web::{self, Bytes},
};
use domain::{ChannelId, UserId, channel::End};
use futures_util::stream::unfold;
use projections::live::{Cursor, LiveError, LiveEvent, News};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Query, seq};
use crate::{
    app::App,
    auth::Stay,
    limits::Limits,
    ops::reading::{self, Begun, PAGE_EVENTS},
    problem::{Problem, codes},
    request::Who,
    ws::{Place, protocol::server::EndReason},
};

pub(super) const MEDIA_TYPE: &str = "text/event-stream";
const LAST_EVENT_ID: &str = "last-event-id";
/// Where a connection broke, browsers wait so long before the next.
const RECONNECT_MS: u64 = 2_000;
/// A chunk is full with the event that passes this.
const CHUNK_BYTES: usize = 32 * 1024;
/// Wait after the log could not be read, and how often in a row that is tolerated before the stream ends.
const RETRY_AFTER: Duration = Duration::from_millis(250);
const FAILURES_MAX: u32 = 20;

pub(super) async fn stream(
    app: web::Data<App>,
    who: &Who,
    channel: ChannelId,
    request: &HttpRequest,
    query: &Query,
) -> Result<HttpResponse, Problem> {
    app.takes_work()?;
    let after = match request.headers().get(LAST_EVENT_ID).map(HeaderValue::to_str) {
        Some(given) => seq(LAST_EVENT_ID, Some(given.unwrap_or_default()))?,
        None => seq("after", query.after.as_deref())?,
    };
    let most = app.limits.streams_per_user;
    let place = app.sockets.enter_stream(who.user, most);
    let place = place.ok_or_else(|| Problem::new(&codes::STREAMS_PER_USER))?;
    let news = app.live.news(channel);
    let stay = Stay::of(&app, *who);
    let Begun { access, cursor } = reading::begin(&app, who.user, channel, Some(after)).await?;
    let stay = stay.within(access.within);
    let streaming = Streaming::new(app, cursor, news, stay, place);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, MEDIA_TYPE))
        // What stands between must pass every event on at once.
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(unfold(streaming, Streaming::next)))
}

/// One open stream.
struct Streaming {
    app: web::Data<App>,
    cursor: Cursor,
    news: News,
    stay: Stay,
    heartbeat_due: Instant,
    state: State,
    _place: Place<UserId>,
}

enum State {
    New,
    Open,
    Ended,
}

type Chunk = Result<Bytes, std::convert::Infallible>;

impl Streaming {
    fn new(app: web::Data<App>, cursor: Cursor, news: News, stay: Stay, place: Place<UserId>) -> Self {
        app.metrics.streams.open.inc();
        Self {
            heartbeat_due: Instant::now() + pause(&app.limits),
            app,
            cursor,
            news,
            stay,
            state: State::New,
            _place: place,
        }
    }

    /// What goes out next; `None` ends the stream.
    async fn next(mut self) -> Option<(Chunk, Self)> {
        let chunk = match self.state {
            State::Ended => return None,
            State::New => {
                self.state = State::Open;
                Bytes::from(format!("retry: {RECONNECT_MS}\n\n"))
            }
            State::Open => self.events_or_heartbeat().await?,
        };
        Some((Ok(chunk), self))
    }

    async fn events_or_heartbeat(&mut self) -> Option<Bytes> {
        let mut failures = 0;
        loop {
            let before = self.cursor.next();
            match self.events().await {
                // Also where they were read while the session ended, or their time in the space.
                _ if self.stay.is_over() => return self.farewell(before),
                Ok(chunk) if !chunk.is_empty() => return Some(chunk.into()),
                Ok(_) if self.cursor.next() > before => continue,
                Ok(_) => {}
                // The client comes back for what it has not got.
                Err(_) if failures >= FAILURES_MAX => return None,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, channel.id = %self.cursor.channel, "Events of a stream cannot be read");
                    sleep(RETRY_AFTER).await;
                    continue;
                }
            }
            tokio::select! {
                () = self.news.reaches(self.cursor.next()) => {}
                () = sleep_until(self.heartbeat_due) => return Some(self.heartbeat()),
                () = self.stay.ends() => return self.farewell(before),
                () = self.app.draining.cancelled() => return None,
            }
        }
    }

    /// The next events, as far as a chunk takes them; empty when there are none.
    async fn events(&mut self) -> Result<String, LiveError> {
        if self.app.draining.is_cancelled() {
            return Ok(String::new());
        }
        let page = self.app.live.read(self.cursor, PAGE_EVENTS).await?;
        let mut chunk = String::new();
        for event in &page.events {
            if chunk.len() >= CHUNK_BYTES {
                return Ok(chunk);
            }
            self.pass_on(event, &mut chunk);
        }
        self.cursor.skip_to(page.next);
        Ok(chunk)
    }

    fn pass_on(&mut self, event: &LiveEvent, chunk: &mut String) {
        let item = event.item_for(&self.cursor);
        chunk.push_str(&format!("id: {}\ndata: {item}\n\n", event.seq));
        self.app.metrics.streams.events_out.inc();
        if let Some(end) = self.cursor.pass(event) {
            chunk.push_str(&ending(event.channel, event.seq, end));
            self.state = State::Ended;
        }
    }

    /// The last word to who is out of the space, before whom `next` would have come; to everyone else the connection just ends.
    fn farewell(&mut self, next: u64) -> Option<Bytes> {
        let exit = self.stay.exit()?;
        self.state = State::Ended;
        Some(ending(self.cursor.channel, next - 1, exit.end).into())
    }

    /// A comment, which clients ignore and which shows both sides that the other is there.
    fn heartbeat(&mut self) -> Bytes {
        self.heartbeat_due = Instant::now() + pause(&self.app.limits);
        Bytes::from_static(b": hb\n\n")
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.app.metrics.streams.open.dec();
    }
}

/// The same words as the socket's `sub_end`, as an event of that name.
fn ending(channel: ChannelId, at: u64, end: End) -> String {
    let told = json!({ "ch": channel, "at": at, "reason": EndReason::from(end) });
    format!("event: sub_end\ndata: {told}\n\n")
}

/// Spread by a fifth to either side, as on sockets, so that streams opened together do not stay in step.
fn pause(limits: &Limits) -> Duration {
    Duration::from_millis(limits.heartbeat_ms as u64).mul_f64(rand::random_range(0.8..1.2))
}
