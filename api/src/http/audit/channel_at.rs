//! `GET /audit/channels/{id}/at`: a channel as it was at a seq or a time, with the words that were there then, for auditors. That it was
//! looked at is written down before it is read.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use commands::Caller;
use domain::{
    MessageId,
    audit::{Command, Read},
    user::ServiceRole,
};
use event_store::ReadError;
use projections::history::{self, ChannelAt, HistoryError, Wanted, When};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::{
    app::App,
    http::path,
    ops::fields::Fields,
    problem::{Problem, codes},
    request::{Call, fresh_key},
};

/// Each reads a stream from its beginning, so only a few are read at a time; who comes later waits.
const AT_ONCE: usize = 2;
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// People told in one answer; a channel may have a hundred thousand.
const PEOPLE_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    seq: Option<String>,
    time: Option<String>,
    messages: Option<String>,
    message: Option<String>,
}

#[derive(Serialize)]
struct Shape {
    #[serde(flatten)]
    at: ChannelAt,
    members_count: usize,
    could_join_count: usize,
    /// Whether everyone is named in the answer.
    people_complete: bool,
}

/// What was asked for, when it makes sense.
struct Question {
    when: When,
    wanted: Wanted,
}

pub(crate) async fn channel_at(
    app: web::Data<App>,
    call: Call,
    channel: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let channel = path::channel(&channel)?;
    let query = query.into_inner();
    let question = Question::of(&app, &query)?;
    let look = Read {
        target: Some(channel.to_string()),
        at: Some(query.seq.or(query.time).unwrap_or_default()),
        limit: question.wanted.messages as u64,
        ..Read::default()
    };
    let caller = Caller {
        acting_as: Some(ServiceRole::Auditor),
        key: fresh_key(),
        ..call.caller()
    };
    let auditor = call.who.user.uuid();
    app.commands
        .audits
        .execute(auditor, Command::Read(look), caller)
        .await?;
    let _turn = TURNS.acquire().await.map_err(|closed| Problem::internal(&closed))?;
    let found = history::channel_at(&*app.log, channel, question.when, question.wanted).await?;
    Ok(HttpResponse::Ok().json(Shape::of(found)))
}

impl Question {
    fn of(app: &App, query: &Query) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let limits = &app.limits;
        let seq = fields.optional("/seq", query.seq.as_deref(), seq);
        let time = fields.optional("/time", query.time.as_deref(), time);
        let messages = fields.optional("/messages", query.messages.as_deref(), |text| {
            let number = text.parse().ok().filter(|number| *number <= limits.page_max);
            number.ok_or_else(|| format!("must be a whole number from 0 to {}", limits.page_max))
        });
        let message = fields.optional("/message", query.message.as_deref(), str::parse::<MessageId>);
        let when = match (seq.flatten(), time.flatten()) {
            (Some(seq), None) => Some(When::Seq(seq)),
            (None, Some(time)) => Some(When::Time(time)),
            (Some(_), Some(_)) => {
                fields.refuse("/time", "only one of seq and time can be asked for");
                None
            }
            (None, None) => {
                if query.seq.is_none() && query.time.is_none() {
                    fields.refuse("/seq", "one of seq and time is needed");
                }
                None
            }
        };
        let parts = when.zip(messages).zip(message);
        fields.finish(parts.map(|((when, messages), message)| Self {
            when,
            wanted: Wanted {
                messages: messages.unwrap_or(limits.page_default),
                message,
            },
        }))
    }
}

fn seq(text: &str) -> Result<u64, &'static str> {
    let seq = text.parse().ok().filter(|seq| *seq > 0);
    seq.ok_or("must be a seq, a whole number from 1")
}

fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| "must be a time as RFC 3339 has it")?;
    Ok(time.to_utc())
}

impl Shape {
    fn of(mut at: ChannelAt) -> Self {
        let (members_count, could_join_count) = (at.members.len(), at.could_join.len());
        at.members.truncate(PEOPLE_MAX);
        at.could_join.truncate(PEOPLE_MAX);
        if let Some(readers) = &mut at.readers {
            readers.members.truncate(PEOPLE_MAX);
        }
        Self {
            at,
            members_count,
            could_join_count,
            people_complete: members_count.max(could_join_count) <= PEOPLE_MAX,
        }
    }
}

impl From<HistoryError> for Problem {
    fn from(why: HistoryError) -> Self {
        use domain::channel::Rejection;
        match why {
            HistoryError::NoSuchChannel => Rejection::NotFound.into(),
            HistoryError::NoSuchMessage => Rejection::NoSuchMessage.into(),
            HistoryError::Ahead { .. } => Self::invalid("/seq", why.to_string()),
            HistoryError::Unreadable { .. } | HistoryError::Log(ReadError::Damaged { .. }) => {
                Self::new(&codes::STREAM_UNREADABLE)
            }
            HistoryError::Log(ReadError::Unavailable { .. }) => Self::new(&codes::SERVICE_LOG_UNAVAILABLE),
        }
    }
}
