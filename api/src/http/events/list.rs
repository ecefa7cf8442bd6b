//! `GET /channels/{id}/events`: the raw events of a channel in order, waiting for the next one if asked to (long poll).

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, web};
use domain::{ChannelId, UserId};
use projections::live::LiveEvent;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::{
    app::App,
    http::path,
    limits::Limits,
    ops::access::{self, Access},
    position::POSITION_HEADER,
    problem::{Problem, codes},
    request::Who,
};

/// Events of a page when the client does not say.
const LIMIT_DEFAULT: usize = 50;
/// How long the window may take to show what was just decided before we go on without it.
const WINDOW_WAIT: Duration = Duration::from_secs(2);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    after: Option<String>,
    limit: Option<String>,
    wait_ms: Option<String>,
}

/// What is asked for, in numbers.
struct Wanted {
    after: u64,
    limit: usize,
    wait: Duration,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    /// The page covers the seqs from `lo` to `hi`; with no items `hi` is below `lo`.
    lo: u64,
    hi: u64,
    complete_before: bool,
    complete_after: bool,
    /// `after` of the next page, which may be asked for at once or with `wait_ms`.
    next: u64,
    prev: Option<u64>,
}

pub(crate) async fn list(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let channel = path::channel(&path)?;
    let mut access = access::reader(&app, who.user, channel).await?;
    let wanted = query.into_inner().parse(&app.limits)?;
    if wanted.after > access.top {
        return Err(Problem::new(&codes::RESUME_AHEAD));
    }
    // The window must not be older than what was just read, or it could still show deleted words.
    app.live.wait_for(access.position, WINDOW_WAIT).await;
    let from = (wanted.after + 1).max(access.visible_from);
    let mut events = read(&app, channel, from, wanted.limit).await?;
    if events.is_empty() && !wanted.wait.is_zero() && wait_for_event(&app, channel, from, wanted.wait).await {
        // Whoever was removed meanwhile is answered like anyone else outside.
        access = access::reader(&app, who.user, channel).await?;
        events = read(&app, channel, from, wanted.limit).await?;
    }
    let page = page(&events, who.user, from, &access)?;
    Ok(HttpResponse::Ok()
        .insert_header((POSITION_HEADER, app.pos(app.live.position()).to_string()))
        .json(page))
}

impl Query {
    fn parse(&self, limits: &Limits) -> Result<Wanted, Problem> {
        let page_max = limits.page_max as u64;
        Ok(Wanted {
            after: number("after", self.after.as_deref(), 0, 0, u64::MAX - 1)?,
            limit: number("limit", self.limit.as_deref(), LIMIT_DEFAULT as u64, 1, page_max)? as usize,
            wait: Duration::from_millis(number(
                "wait_ms",
                self.wait_ms.as_deref(),
                0,
                0,
                limits.wait_ms_max as u64,
            )?),
        })
    }
}

fn number(name: &str, given: Option<&str>, default: u64, least: u64, most: u64) -> Result<u64, Problem> {
    let Some(given) = given else { return Ok(default) };
    match given.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(Problem::invalid(
            name,
            format!("must be a whole number from {least} to {most}"),
        )),
    }
}

async fn read(app: &App, channel: ChannelId, from: u64, limit: usize) -> Result<Vec<Arc<LiveEvent>>, Problem> {
    app.live.page(channel, from, limit).await.map_err(|error| {
        tracing::warn!(%error, channel.id = %channel, "Events of a channel cannot be read");
        Problem::new(&codes::SERVICE_LOG_UNAVAILABLE)
    })
}

/// Whether an event from `from` on came in time. Wakes with every batch of the log, whatever its channel; looking is cheap.
async fn wait_for_event(app: &App, channel: ChannelId, from: u64, wait: Duration) -> bool {
    let mut changes = app.live.changes();
    let deadline = Instant::now() + wait;
    loop {
        if app.live.has(channel, from) {
            return true;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return false },
            () = tokio::time::sleep_until(deadline) => return false,
            () = app.draining.cancelled() => return false,
        }
    }
}

fn page(events: &[Arc<LiveEvent>], reader: UserId, from: u64, access: &Access) -> Result<Page, Problem> {
    let items = events.iter().map(|event| RawValue::from_string(event.item_for(reader)));
    let items = items
        .collect::<Result<_, _>>()
        .map_err(|_| Problem::new(&codes::INTERNAL_ERROR))?;
    let hi = events.last().map_or(from - 1, |event| event.seq);
    Ok(Page {
        items,
        lo: from,
        hi,
        complete_before: from <= access.visible_from,
        complete_after: hi >= access.top,
        next: hi,
        prev: (from > access.visible_from).then_some(from),
    })
}
