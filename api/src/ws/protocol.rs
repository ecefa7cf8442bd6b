//! The frames of the socket, as types: what clients may send in `client`, parsed strictly here, and what the server answers in `server`.
//! Events (`ev`) are encoded by the live timeline, once for everyone, and are not here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::problem::{Problem, codes};

pub(crate) mod client;
pub(crate) mod server;

pub(crate) use client::ClientFrame;
pub(super) use server::ServerFrame;

/// Nesting of JSON that is still looked at.
pub(crate) const DEPTH_MAX: usize = 32;
/// Frames in one array.
pub(crate) const FRAMES_MAX: usize = 256;

/// Why a frame was not understood. The socket stays.
#[derive(Debug)]
pub(crate) struct BadFrame {
    /// The client's correlation string, if the frame was readable enough to have one.
    pub(crate) id: Option<String>,
    pub(crate) problem: Problem,
}

/// One object, or an array of them; each is understood or refused on its own.
pub(crate) fn parse(text: &str) -> Vec<Result<ClientFrame, BadFrame>> {
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
    let Some(parsed) = ClientFrame::of_kind(&t, text) else {
        return Err(BadFrame {
            id,
            problem: Problem::new(&codes::FRAME_UNKNOWN),
        });
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

/// How many of the items a list of at most `room` bytes takes, from the first on.
pub(super) fn how_many_fit<'a, T: Serialize + 'a>(items: impl IntoIterator<Item = &'a T>, room: usize) -> usize {
    let mut bytes = 0;
    let fits = items.into_iter().take_while(|item| {
        // A comma stands between two items.
        bytes += serde_json::to_vec(item).map_or(room, |json| json.len()) + 1;
        bytes <= room
    });
    fits.count()
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
