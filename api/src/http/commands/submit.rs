//! `POST /commands`: one `cmd` frame, answered with its `ok` frame or a problem.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use domain::{ChannelId, EventId, IdempotencyKey, MessageId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    app::App,
    http::path,
    ops::{self, Ack, Cmd},
    problem::{Problem, codes},
    render::{self, answers},
    request::{Call, IDEMPOTENCY_KEY_HEADER, Json},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Frame {
    t: Option<String>,
    id: Option<String>,
    op: String,
    ch: Option<String>,
    key: Option<String>,
    d: Option<Box<RawValue>>,
}

pub(crate) async fn submit(
    app: web::Data<App>,
    call: Call,
    request: HttpRequest,
    body: Json<Frame>,
) -> Result<HttpResponse, Problem> {
    let Frame { t, id, op, ch, key, d } = body.0;
    if t.is_some_and(|t| t != "cmd") {
        return Err(Problem::invalid("/t", "must be cmd"));
    }
    let key = the_key(&request, call.key, key.as_deref())?;
    let ch = ch.as_deref().map(path::channel).transpose()?;
    let submitted = ops::submit(&app, &call.who, call.request_id, Cmd { op, ch, key, d }).await?;
    let ack = submitted.answer.await?;
    Ok(answers::written(ack.replayed, &ack.pos, &OkFrame::of(id, &ack)))
}

/// The frame's key or the header's; when both are there they must agree.
fn the_key(request: &HttpRequest, header: IdempotencyKey, frame: Option<&str>) -> Result<IdempotencyKey, Problem> {
    let Some(frame) = frame else { return Ok(header) };
    let invalid = |why: String| Problem::new(&codes::IDEMPOTENCY_INVALID_KEY).detail(why);
    let frame = IdempotencyKey::parse(frame).map_err(|why| invalid(why.to_string()))?;
    if request.headers().contains_key(IDEMPOTENCY_KEY_HEADER) && header != frame {
        return Err(invalid("the frame and the header have different keys".to_owned()));
    }
    Ok(frame)
}

/// An ack as frames have it.
#[derive(Debug, Serialize)]
struct OkFrame<'a> {
    t: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    ch: ChannelId,
    seq: u64,
    event: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageId>,
    pos: &'a str,
    #[serde(serialize_with = "render::time")]
    at: DateTime<Utc>,
    replayed: bool,
}

impl<'a> OkFrame<'a> {
    fn of(id: Option<String>, ack: &'a Ack) -> Self {
        let Ack {
            seq,
            event,
            message,
            channel,
            pos,
            at,
            replayed,
        } = ack;
        Self {
            t: "ok",
            id,
            ch: *channel,
            seq: *seq,
            event: *event,
            message: *message,
            pos,
            at: *at,
            replayed: *replayed,
        }
    }
}
