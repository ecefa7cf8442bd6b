//! The frames of the socket, as types: what clients may send, parsed strictly, and what the server answers. Events (`ev`) are encoded by
//! the live timeline, once for everyone, and are not here.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{ChannelId, EventId, MessageId, UserId};
use projections::live::text_frame;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    limits::Limits,
    ops::Ack,
    problem::{Problem, codes},
    render,
};

/// Nesting of JSON that is still looked at.
const DEPTH_MAX: usize = 32;
/// Frames in one array.
const FRAMES_MAX: usize = 256;

#[derive(Debug)]
pub(super) enum ClientFrame {
    Hello(Hello),
    Sub(Sub),
    Unsub(Unsub),
    Cmd(Box<Cmd>),
    Got(Mark),
    Read(Mark),
    Gap(Gap),
    Typing,
    Presence,
    Pong,
    Reauth(Reauth),
}

/// Declares the frames of clients: strict structs whose `t` has already been looked at.
macro_rules! client_frames {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            #[serde(rename = "t")]
            pub(super) _t: serde::de::IgnoredAny,
            $($(#[$attr])* pub(super) $field: $type,)*
        }
    )*};
}

client_frames! {
    /// The first frame: who is there, and where they left off.
    Hello {
        ticket: Option<String>,
        #[expect(dead_code, reason = "names the install for presence and push, which come later")]
        device: Option<String>,
        #[serde(default)]
        resume: Vec<Resume>,
        #[expect(dead_code, reason = "feeds are not resumed yet; the welcome carries the whole channel list")]
        feed_seq: Option<u64>,
    }
    Sub { id: Option<String>, ch: ChannelId, after: Option<u64>, }
    Unsub { id: Option<String>, ch: ChannelId, }
    Cmd { id: Option<String>, op: String, ch: Option<ChannelId>, key: Option<String>, d: Option<Box<RawValue>>, }
    /// A cumulative acknowledgement.
    Mark { ch: ChannelId, seq: u64, }
    Gap { id: Option<String>, ch: ChannelId, from: u64, to: u64, }
    Typing {
        #[expect(dead_code, reason = "typing is taken and not passed on yet")]
        ch: ChannelId,
    }
    Presence {
        #[expect(dead_code, reason = "presence is taken and not passed on yet")]
        state: PresenceState,
    }
    Pong {}
    Reauth {
        id: Option<String>,
        #[expect(dead_code, reason = "tickets are taken by hello alone for now")]
        ticket: String,
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PresenceState {
    Online,
    Away,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resume {
    pub(super) ch: ChannelId,
    pub(super) seq: u64,
}

/// Why a frame was not understood. The socket stays.
#[derive(Debug)]
pub(super) struct BadFrame {
    /// The client's correlation string, if the frame was readable enough to have one.
    pub(super) id: Option<String>,
    pub(super) problem: Problem,
}

/// One object, or an array of them; each is understood or refused on its own.
pub(super) fn parse(text: &str) -> Vec<Result<ClientFrame, BadFrame>> {
    if depth_of(text) > DEPTH_MAX {
        return vec![Err(malformed("the JSON is nested too deeply"))];
    }
    if !text.trim_start().starts_with('[') {
        return vec![parse_one(text)];
    }
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(frames) if frames.len() > FRAMES_MAX => vec![Err(malformed("too many frames in one array"))],
        Ok(frames) => frames.into_iter().map(|frame| parse_one(frame.get())).collect(),
        Err(_) => vec![Err(malformed("not valid JSON"))],
    }
}

/// What every frame has, whatever else is in it.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    t: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

fn parse_one(text: &str) -> Result<ClientFrame, BadFrame> {
    // The parser would take an array for a struct, field by field.
    if !text.trim_start().starts_with('{') {
        return Err(malformed("not a JSON object"));
    }
    let kind: Kind<'_> = serde_json::from_str(text).map_err(|_| malformed("not a JSON object with a text field t"))?;
    let id = kind.id.and_then(|id| serde_json::from_str::<String>(id.get()).ok());
    let Some(t) = kind.t else {
        return Err(BadFrame {
            id,
            problem: Problem::new(&codes::FRAME_MALFORMED).detail("the frame has no t"),
        });
    };
    let parsed = match &*t {
        "hello" => serde_json::from_str(text).map(ClientFrame::Hello),
        "sub" => serde_json::from_str(text).map(ClientFrame::Sub),
        "unsub" => serde_json::from_str(text).map(ClientFrame::Unsub),
        "cmd" => serde_json::from_str(text).map(ClientFrame::Cmd),
        "got" => serde_json::from_str(text).map(ClientFrame::Got),
        "read" => serde_json::from_str(text).map(ClientFrame::Read),
        "gap" => serde_json::from_str(text).map(ClientFrame::Gap),
        "typing" => serde_json::from_str(text).map(|_: Typing| ClientFrame::Typing),
        "presence" => serde_json::from_str(text).map(|_: Presence| ClientFrame::Presence),
        "pong" => serde_json::from_str(text).map(|_: Pong| ClientFrame::Pong),
        "reauth" => serde_json::from_str(text).map(ClientFrame::Reauth),
        _ => {
            return Err(BadFrame {
                id,
                problem: Problem::new(&codes::FRAME_UNKNOWN),
            });
        }
    };
    parsed.map_err(|error| BadFrame {
        id,
        problem: Problem::new(&codes::FRAME_INVALID).detail(without_content(&error)),
    })
}

fn malformed(detail: &str) -> BadFrame {
    BadFrame {
        id: None,
        problem: Problem::new(&codes::FRAME_MALFORMED).detail(detail),
    }
}

/// The parser's message names fields and types; its quotes of values are cut, since values may be anything.
fn without_content(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once('`') {
        Some((what @ ("unknown field " | "missing field "), rest)) => {
            let field: String = rest.chars().take_while(|c| *c != '`').take(64).collect();
            format!("{what}{field}")
        }
        Some(_) | None => format!("a field has the wrong type or form, at column {}", error.column()),
    }
}

/// The deepest nesting of arrays and objects, without parsing anything else.
fn depth_of(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Frames of the server, all but `ev`.
#[derive(Debug, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(super) enum ServerFrame<'a> {
    Welcome {
        conn: String,
        user: UserId,
        #[serde(serialize_with = "render::time")]
        server_time: DateTime<Utc>,
        incarnation: String,
        heartbeat_ms: u64,
        limits: &'a Limits,
        channels: Vec<ChannelTop>,
        feed_seq: u64,
    },
    SubOk {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        ch: ChannelId,
        mode: Mode,
        from: u64,
        top: u64,
    },
    Ok {
        id: Option<&'a str>,
        #[serde(flatten)]
        ack: &'a OkAck,
    },
    Err {
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ch: Option<ChannelId>,
        code: &'a str,
        detail: String,
        retryable: bool,
        retry_after_ms: Option<u64>,
    },
    Hb {
        pos: String,
        tops: std::collections::BTreeMap<String, u64>,
    },
    Lag {
        ch: ChannelId,
        behind: u64,
    },
    Feed {
        seq: u64,
        r#type: &'a str,
        d: serde_json::Value,
    },
    SubEnd {
        ch: ChannelId,
        at: u64,
        reason: &'a str,
    },
    Drain {
        after_ms: u64,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct ChannelTop {
    pub(super) ch: ChannelId,
    pub(super) top: u64,
    pub(super) read: u64,
    pub(super) unread: u64,
    pub(super) mentions: u64,
}

/// Where the missed events of a subscription come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    Hot,
    Cold,
}

/// An ack as the `ok` frame spells it: `ch` where HTTP says `channel`.
#[derive(Debug, Serialize)]
pub(super) struct OkAck {
    ch: ChannelId,
    seq: u64,
    event: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageId>,
    pos: String,
    #[serde(serialize_with = "render::time")]
    at: DateTime<Utc>,
    replayed: bool,
}

impl From<Ack> for OkAck {
    fn from(ack: Ack) -> Self {
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
            ch: channel,
            seq,
            event,
            message,
            pos,
            at,
            replayed,
        }
    }
}

/// The problem in one sentence, with the fields it names.
fn told(problem: &Problem) -> String {
    let fields: Vec<_> = problem
        .errors()
        .iter()
        .map(|field| format!("{} {}", field.pointer, field.detail))
        .collect();
    if fields.is_empty() {
        problem.detail_text().to_owned()
    } else {
        format!("{}: {}", problem.detail_text(), fields.join("; "))
    }
}

impl ServerFrame<'_> {
    pub(super) fn encode(&self) -> Bytes {
        let json =
            serde_json::to_vec(self).expect("server frames are plain values with text keys, which always serialize");
        text_frame(&json)
    }

    pub(super) fn error<'a>(id: Option<&'a str>, ch: Option<ChannelId>, problem: &'a Problem) -> ServerFrame<'a> {
        ServerFrame::Err {
            id,
            ch,
            code: problem.code(),
            detail: told(problem),
            retryable: problem.retryable(),
            retry_after_ms: problem.retry_after_ms(),
        }
    }
}
