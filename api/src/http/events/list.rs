//! A page of the raw events of a channel, waiting for the next one if asked to (long poll).

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, web};
use domain::ChannelId;
use projections::live::{Cursor, LiveEvent, News, Page as Events};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Query, number, seq, unreadable};
use crate::{
    app::App,
    auth::Stay,
    limits::Limits,
    ops::{
        access::{self, Access},
        reading::{self, Begun},
    },
    position::POSITION_HEADER,
    problem::{Problem, codes},
    request::Who,
};

/// Events of a page when the client does not say.
const LIMIT_DEFAULT: usize = 50;

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

pub(super) async fn list(
    app: &web::Data<App>,
    who: &Who,
    channel: ChannelId,
    query: &Query,
) -> Result<HttpResponse, Problem> {
    let wanted = query.parse(&app.limits)?;
    let mut news = app.live.news(channel);
    let stay = Stay::of(app, *who);
    let Begun { mut access, cursor } = reading::begin(app, who.user, channel, Some(wanted.after)).await?;
    let mut events = read(app, cursor, wanted.limit).await?;
    if events.next == cursor.next() && !wanted.wait.is_zero() {
        let mut stay = stay.within(access.within);
        let came = came_in_time(app, &mut news, &mut stay, cursor.next(), wanted.wait).await;
        stay.still()?;
        // Whoever was removed meanwhile is answered like anyone else outside.
        access = access::reader(app, who.user, channel).await?;
        if came {
            events = read(app, cursor, wanted.limit).await?;
        }
    }
    let page = page(&events, &cursor, &access)?;
    Ok(HttpResponse::Ok()
        .insert_header((POSITION_HEADER, app.pos(app.live.position()).to_string()))
        .json(page))
}

impl Query {
    fn parse(&self, limits: &Limits) -> Result<Wanted, Problem> {
        let (page_max, wait_max) = (limits.page_max as u64, limits.wait_ms_max as u64);
        Ok(Wanted {
            after: seq("after", self.after.as_deref())?,
            limit: number("limit", self.limit.as_deref(), LIMIT_DEFAULT as u64, 1, page_max)? as usize,
            wait: Duration::from_millis(number("wait_ms", self.wait_ms.as_deref(), 0, 0, wait_max)?),
        })
    }
}

async fn read(app: &App, cursor: Cursor, limit: usize) -> Result<Events, Problem> {
    let read = app.live.read(cursor, limit).await;
    read.map_err(|error| unreadable(&error, cursor.channel))
}

/// Whether an event from `next` on came within `wait`, and while one may stay.
async fn came_in_time(app: &App, news: &mut News, stay: &mut Stay, next: u64, wait: Duration) -> bool {
    tokio::select! {
        () = stay.ends() => false,
        () = news.reaches(next) => true,
        () = tokio::time::sleep(wait) => false,
        () = app.draining.cancelled() => false,
    }
}

fn page(events: &Events, reader: &Cursor, access: &Access) -> Result<Page, Problem> {
    let item = |event: &Arc<LiveEvent>| RawValue::from_string(event.item_for(reader));
    let items = events.events.iter().map(item).collect::<Result<_, _>>();
    let (from, hi) = (reader.next(), events.next - 1);
    Ok(Page {
        items: items.map_err(|_| Problem::new(&codes::INTERNAL_ERROR))?,
        lo: from,
        hi,
        complete_before: from <= access.visible_from,
        complete_after: events.complete && hi >= access.top,
        next: hi,
        prev: (from > access.visible_from).then_some(from),
    })
}
