//! `GET /channels/{id}/messages/{message}/revisions`: what a message said at each of its versions, newest first. For its author, for who
//! moderates the channel and for auditors; to everyone else there is nothing. Of a deleted message nobody gets a word.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use commands::Caller;
use domain::{
    ChannelId, Coded, Decider, MessageId, UserId,
    audit::{Command, Read},
    channel::{Channel, Event, Fact},
    user::ServiceRole,
};
use event_store::StreamName;
use serde::{Deserialize, Serialize};

use super::read::row;
use crate::{
    app::App,
    http::path,
    ops::{access, fields::Fields, pages},
    problem::{Problem, codes},
    render::{self, List, answers::View},
    request::{Call, fresh_key},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    limit: Option<String>,
    /// The `next` of the page before: the version below which it goes on.
    after: Option<String>,
    /// Looked at before the page is.
    #[serde(rename = "min_pos")]
    _min_pos: Option<serde::de::IgnoredAny>,
}

/// Above every version.
const ABOVE_ALL: u32 = u16::MAX as u32 + 1;

#[derive(Serialize)]
struct Shape {
    version: u16,
    seq: u64,
    #[serde(serialize_with = "render::time")]
    at: DateTime<Utc>,
    /// Null once deleted.
    body: Option<String>,
}

pub(crate) async fn revisions(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
    query: web::Query<Query>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let (before, limit) = query.into_inner().parse(&app)?;
    let channel = path::channel(&path.0)?;
    let (message, fact, position) = historian(&app, &call, channel, &path.1, limit).await?;
    let first = row(&app, call.who.user, channel, message, fact, position).await?;
    let later = app
        .views
        .timeline
        .revisions(channel, message, before, limit + 1)
        .await?;
    let mut places: Vec<_> = later.iter().map(|later| (later.version, later.seq, later.at)).collect();
    if before > 1 {
        places.push((1, first.seq, first.at));
    }
    let more = places.len() > limit;
    places.truncate(limit);
    let mut items = vec![];
    for (version, seq, at) in &places {
        let body = words(&app, channel, *seq).await?;
        let (version, seq, at) = (*version, *seq, *at);
        items.push(Shape { version, seq, at, body });
    }
    // Asked after they were read.
    let gone = app.commands.channels.read(channel.uuid(), move |view| {
        view.state.open().is_none_or(|open| open.is_deleted(message))
    });
    if gone.await? {
        items.iter_mut().for_each(|item| item.body = None);
    }
    let next = places.last().filter(|_| more).map(|(version, ..)| version.to_string());
    Ok(view.shows(&List { items, next }))
}

impl Query {
    fn parse(self, app: &App) -> Result<(u32, usize), Problem> {
        let mut fields = Fields::default();
        let limit = pages::limit(&mut fields, self.limit.as_deref(), &app.limits);
        let after = fields.optional("/after", self.after, |after| {
            let version = after.parse::<u16>().map(u32::from);
            version.map_err(|_| "must be the `next` of a page before")
        });
        fields.finish(
            after
                .zip(limit)
                .map(|(after, limit)| (after.unwrap_or(ABOVE_ALL), limit)),
        )
    }
}

/// The message, for those who may know what it once said. That an auditor looks where they have no other right to is written down first.
async fn historian(
    app: &App,
    call: &Call,
    channel: ChannelId,
    named: &str,
    limit: usize,
) -> Result<(MessageId, Fact, u64), Problem> {
    let refused = match insider(app, call.who.user, channel, named).await {
        Ok(found) => return Ok(found),
        Err(refused) => refused,
    };
    let auditor = call.who.user.uuid();
    let is_auditor = app.commands.users.read(auditor, |view| {
        let account = view.state.account();
        account.is_some_and(|account| account.roles.contains(&ServiceRole::Auditor))
    });
    if !is_auditor.await? {
        return Err(refused);
    }
    let message: MessageId = named.parse().map_err(|_| path::no_such_message())?;
    let found = app.commands.channels.read(channel.uuid(), move |view| {
        let fact = view.state.open()?.message(message).copied();
        fact.map(|fact| (message, fact, view.position))
    });
    let found = found.await?.ok_or_else(path::no_such_message)?;
    let look = Read {
        target: Some(message.to_string()),
        limit: limit as u64,
        ..Read::default()
    };
    let caller = Caller {
        acting_as: Some(ServiceRole::Auditor),
        key: fresh_key(),
        ..call.caller()
    };
    app.commands
        .audits
        .execute(auditor, Command::Read(look), caller)
        .await?;
    Ok(found)
}

/// The author, and who moderates the channel, as long as they are in it.
async fn insider(app: &App, user: UserId, channel: ChannelId, named: &str) -> Result<(MessageId, Fact, u64), Problem> {
    let message = path::message(app, user, channel, named).await?;
    let access = access::to_message(app, user, channel, message).await?;
    let role = match access.within.map(|within| within.space) {
        Some(space) => access::role(app, user, space).await?,
        None => None,
    };
    let (_, fact) = access::look(app, user, channel, move |open| {
        let may = open.is_author(user, message) || open.is_moderator(user, role);
        open.message(message).copied().filter(|_| may)
    })
    .await?;
    let fact = fact.ok_or_else(path::no_such_message)?;
    Ok((message, fact, access.position))
}

/// What the event at that seq says; nothing where it says nothing.
async fn words(app: &App, channel: ChannelId, seq: u64) -> Result<Option<String>, Problem> {
    let stream = StreamName::new(Channel::CATEGORY, channel.uuid());
    let page = app.log.read_stream(&stream, seq - 1, 1).await.map_err(|error| {
        tracing::warn!(%error, channel.id = %channel, "An earlier version of a message cannot be read");
        Problem::new(&codes::SERVICE_LOG_UNAVAILABLE)
    })?;
    let Some(recorded) = page.events.first() else {
        return Ok(None);
    };
    let event = &recorded.event;
    Ok(match Event::decode(&event.kind, event.version, &event.payload) {
        Ok(Event::Sent(sent)) => Some(sent.body.as_str().to_owned()),
        Ok(Event::Edited(edited)) => Some(edited.body.as_str().to_owned()),
        Ok(_) | Err(_) => None,
    })
}
