//! JSON bodies, read strictly: declared as JSON, bounded in size and depth, with exactly the fields that the type has. What is wrong
//! is named by JSON pointer. Whether the values make sense is decided by whoever asked for them.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    error::{PayloadError, QueryPayloadError},
    http::header,
};
use bytes::BytesMut;
use futures_util::StreamExt;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::{Path, Segment};

use super::{app, guard::not_cut_off};
use crate::problem::{Problem, codes};

/// Room for most bodies, before more of them has arrived.
const FIRST_PIECE_BYTES: usize = 8 * 1024;

/// A request body. Types derive `Deserialize` with `deny_unknown_fields`.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T> Json<T> {
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            declared_as_json(&request)?;
            let limits = app(&request)?.limits;
            let reading = read(&request, payload, limits.request_body_bytes);
            // Nobody occupies us by sending slowly.
            let patience = Duration::from_millis(limits.request_body_timeout_ms as u64);
            let late = |_| Problem::new(&codes::REQUEST_TIMEOUT);
            let body = tokio::time::timeout(patience, reading).await.map_err(late)??;
            not_cut_off(&request)?;
            parse_strictly(&body, "", limits.json_depth).map(Json)
        })
    }
}

pub(super) fn declared_as_json(request: &HttpRequest) -> Result<(), Problem> {
    let declared = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = declared.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = parts.all(|part| part.is_empty() || part.to_ascii_lowercase().replace('"', "") == "charset=utf-8");
    if json && utf8 {
        Ok(())
    } else {
        Err(Problem::new(&codes::REQUEST_MEDIA_TYPE))
    }
}

async fn read(request: &HttpRequest, mut payload: Payload, max: usize) -> Result<BytesMut, Problem> {
    let too_large = || Problem::new(&codes::REQUEST_TOO_LARGE).detail(format!("a body is at most {max} bytes"));
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    // What is said to come need not come: memory is taken as it arrives.
    let mut body = BytesMut::with_capacity(declared.unwrap_or(0).min(max).min(FIRST_PIECE_BYTES));
    while let Some(part) = payload.next().await {
        let part = part.map_err(|error| unreadable(&error))?;
        if body.len() + part.len() > max {
            return Err(too_large());
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn unreadable(error: &PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => Problem::new(&codes::REQUEST_TOO_LARGE),
        _ => Problem::new(&codes::REQUEST_MALFORMED).detail("the body ended before it was complete"),
    }
}

/// Parses JSON from a client. `at` is the JSON pointer of the text within what the client sent, empty for the whole.
pub fn parse_strictly<T: DeserializeOwned>(text: &[u8], at: &str, depth_max: usize) -> Result<T, Problem> {
    if depth(text) > depth_max {
        return Err(Problem::new(&codes::REQUEST_MALFORMED)
            .detail(format!("the body is nested deeper than {depth_max} levels")));
    }
    // What is not JSON at all is told apart from wrong fields, whichever of them comes first in the text.
    std::str::from_utf8(text).map_err(|_| not_json("the body is not UTF-8"))?;
    serde_json::from_slice::<IgnoredAny>(text).map_err(|error| refused(at, &error))?;
    // Derived types would also take their fields in order, as an array.
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Problem::invalid(at, "must be an object"));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = format!("{at}{}", pointer(error.path()));
        refused(&place, error.inner())
    })
}

fn refused(place: &str, error: &serde_json::Error) -> Problem {
    match error.classify() {
        serde_json::error::Category::Data => {
            let (place, detail) = named(place, &without_line(error));
            Problem::invalid(place, detail)
        }
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            not_json(&format!(
                "the body is not JSON, at line {} column {}",
                error.line(),
                error.column()
            ))
        }
    }
}

fn not_json(detail: &str) -> Problem {
    Problem::new(&codes::REQUEST_MALFORMED).detail(detail)
}

/// A missing field is reported at its parent, so its own name is appended; an unknown one is at its place already or not.
fn named(place: &str, detail: &str) -> (String, String) {
    let name = detail
        .strip_prefix("missing field `")
        .or_else(|| detail.strip_prefix("unknown field `"));
    let name = name.and_then(|rest| rest.split('`').next());
    match name {
        Some(name) if !place.ends_with(&format!("/{}", escaped(name))) => {
            (format!("{place}/{}", escaped(name)), detail.to_owned())
        }
        Some(_) | None => (place.to_owned(), detail.to_owned()),
    }
}

fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ")
        .map_or(text.clone(), |end| text[..end].to_owned())
}

fn pointer(path: &Path) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", escaped(key)),
        Segment::Enum { variant } => format!("/{}", escaped(variant)),
        Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}

/// As RFC 6901 writes names in pointers.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The deepest nesting of arrays and objects. The text need not be JSON.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match (byte, in_text) {
            (_, true) if escaped => escaped = false,
            (b'\\', true) => escaped = true,
            (b'"', _) => in_text = !in_text,
            (b'[' | b'{', false) => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (b']' | b'}', false) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// For `web::Query`: wrong parameters are wrong fields.
pub fn query_problem(error: QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    let detail = match &error {
        QueryPayloadError::Deserialize(error) => error.to_string(),
        _ => "the query cannot be read".to_owned(),
    };
    let (place, detail) = named("", &detail);
    Problem::invalid(place, detail).into()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Letter {
        #[expect(dead_code, reason = "only its parsing matters")]
        to: Vec<u32>,
        #[expect(dead_code, reason = "only its parsing matters")]
        body: Option<String>,
    }

    fn parse(text: &str) -> Result<Letter, Problem> {
        parse_strictly(text.as_bytes(), "", 4)
    }

    fn pointer_of(text: &str) -> String {
        let problem = parse(text).expect_err("wrong");
        assert_eq!(problem.code(), "request/invalid", "{text}");
        problem.errors()[0].pointer.clone()
    }

    #[test]
    fn wrong_fields_are_named_by_pointer() {
        assert_eq!(pointer_of(r#"{"to":[1,"x"]}"#), "/to/1");
        assert_eq!(pointer_of(r#"{"body":"b"}"#), "/to");
        assert_eq!(pointer_of(r#"{"to":[],"subject":1}"#), "/subject");
        assert_eq!(pointer_of(r#"{"to":[],"a/b":1}"#), "/a~1b");
        assert_eq!(pointer_of(r#"{"to":[],"body":7}"#), "/body");
        assert_eq!(pointer_of("[]"), "");
        assert_eq!(pointer_of(r#"[[1],"the fields in their order"]"#), "");
    }

    #[test]
    fn a_part_of_a_frame_is_named_from_the_frame() {
        let problem = parse_strictly::<Letter>(br#"{"to":["x"]}"#, "/d", 4).expect_err("wrong");
        assert_eq!(problem.errors()[0].pointer, "/d/to/0");
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for text in ["", "{", r#"{"to":[]} x"#, r#"{"subject":1} x"#, "{'to':[]}", "\u{1}"] {
            assert_eq!(parse(text).expect_err("wrong").code(), "request/malformed", "{text}");
        }
        let not_utf8 = parse_strictly::<Letter>(b"{\"to\":[],\"body\":\"\xff\"}", "", 4);
        assert_eq!(not_utf8.expect_err("wrong").code(), "request/malformed");
    }

    #[test]
    fn nesting_is_bounded_and_brackets_in_texts_do_not_count() {
        assert_eq!(
            parse(r#"{"to":[[[[1]]]]}"#).expect_err("deep").code(),
            "request/malformed"
        );
        parse(r#"{"to":[],"body":"[[[[[[\"[["}"#).expect("flat");
    }
}
