//! What the server's frames say, as cheaply as a reader of a million of them a second needs it: the documented order of fields is
//! read in one pass without building anything, any other order through the JSON parser. No state, no judgement.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Debug, PartialEq)]
pub(crate) enum Frame<'a> {
    Event(Event<'a>),
    Ok(Ack<'a>),
    Heartbeat,
    /// A subscription stands; `top` is the channel's last seq at that moment.
    Following {
        channel: Cow<'a, str>,
        top: u64,
    },
    Error {
        code: String,
        detail: String,
    },
    Other {
        kind: String,
    },
}

/// An `ev` frame of any type; without a body it is none of a message.
#[derive(Debug, PartialEq)]
pub(crate) struct Event<'a> {
    pub(crate) channel: Cow<'a, str>,
    pub(crate) seq: u64,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) event: Cow<'a, str>,
    pub(crate) by: Cow<'a, str>,
    pub(crate) key: Option<Cow<'a, str>>,
    /// As it stands between its quotes, escapes and all.
    pub(crate) body: Option<Cow<'a, str>>,
}

impl Event<'_> {
    /// Is the body this text? `escaped` is the text as our own encoder writes it, so that equal bytes decide most cases.
    pub(crate) fn says(&self, text: &str, escaped: &str) -> bool {
        let Some(body) = &self.body else { return false };
        body == escaped || serde_json::from_str::<String>(&format!("\"{body}\"")).is_ok_and(|body| body == text)
    }
}

/// An `ok` frame.
#[derive(Debug, PartialEq)]
pub(crate) struct Ack<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) seq: u64,
    /// The place in the whole log, for reads that must not be older.
    pub(crate) pos: Cow<'a, str>,
}

/// The text of a JSON string between its quotes, as our own encoder writes it.
pub(crate) fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The frames of one text: an object is one, an array is many.
pub(crate) fn split(text: &[u8]) -> Result<impl Iterator<Item = &[u8]>, serde_json::Error> {
    let many: Vec<&RawValue> = if text.first() == Some(&b'[') {
        serde_json::from_slice(text)?
    } else {
        Vec::new()
    };
    let one = many.is_empty().then_some(text);
    Ok(one.into_iter().chain(many.into_iter().map(|raw| raw.get().as_bytes())))
}

pub(crate) fn parse(one: &[u8]) -> Result<Frame<'_>, serde_json::Error> {
    if let Some(event) = quick_event(one) {
        return Ok(Frame::Event(event));
    }
    if let Some(ack) = quick_ack(one) {
        return Ok(Frame::Ok(ack));
    }
    slow(one)
}

/// The fields in the order in which protocol.md shows them.
fn quick_event(one: &[u8]) -> Option<Event<'_>> {
    let mut rest = Cursor(one);
    rest.skip(br#"{"t":"ev","ch":""#)?;
    let channel = rest.plain()?;
    rest.skip(br#","seq":"#)?;
    let seq = rest.number()?;
    rest.skip(br#","type":"message.sent","event":""#)?;
    let event = rest.plain()?;
    rest.skip(br#","at":""#)?;
    rest.plain()?;
    rest.skip(br#","by":""#)?;
    let by = rest.plain()?;
    let key = if rest.skip(br#","key":""#).is_some() {
        Some(rest.plain()?.into())
    } else {
        None
    };
    rest.skip(br#","d":{"message":""#)?;
    rest.plain()?;
    rest.skip(br#","body":""#)?;
    let body = rest.string()?;
    Some(Event {
        channel: channel.into(),
        seq,
        kind: "message.sent".into(),
        event: event.into(),
        by: by.into(),
        key,
        body: Some(body.into()),
    })
}

fn quick_ack(one: &[u8]) -> Option<Ack<'_>> {
    let mut rest = Cursor(one);
    rest.skip(br#"{"t":"ok","id":""#)?;
    let id = rest.plain()?;
    rest.skip(br#","ch":""#)?;
    rest.plain()?;
    rest.skip(br#","seq":"#)?;
    let seq = rest.number()?;
    rest.skip(br#","event":""#)?;
    rest.plain()?;
    rest.skip(br#","message":""#)?;
    rest.plain()?;
    rest.skip(br#","pos":""#)?;
    Some(Ack {
        id: id.into(),
        seq,
        pos: rest.plain()?.into(),
    })
}

fn slow(one: &[u8]) -> Result<Frame<'_>, serde_json::Error> {
    let any: Any<'_> = serde_json::from_slice(one)?;
    Ok(match any.t.as_ref() {
        "ev" => Frame::Event(any.into_event()),
        "ok" => Frame::Ok(Ack {
            id: any.id.unwrap_or_default(),
            seq: any.seq.unwrap_or_default(),
            pos: any.pos.unwrap_or_default(),
        }),
        "hb" => Frame::Heartbeat,
        "sub_ok" => Frame::Following {
            channel: any.ch.unwrap_or_default(),
            top: any.top.unwrap_or_default(),
        },
        "err" => Frame::Error {
            code: any.code.unwrap_or_default().into_owned(),
            detail: any.detail.unwrap_or_default().into_owned(),
        },
        kind => Frame::Other { kind: kind.to_owned() },
    })
}

/// Every field of every frame that anyone here asks for.
#[derive(Deserialize)]
struct Any<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    ch: Option<Cow<'a, str>>,
    #[serde(default)]
    seq: Option<u64>,
    #[serde(default)]
    top: Option<u64>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pos: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    by: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    d: Option<&'a RawValue>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    detail: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Data {
    body: Option<String>,
}

impl<'a> Any<'a> {
    fn into_event(self) -> Event<'a> {
        let data = self.d.and_then(|d| serde_json::from_str::<Data>(d.get()).ok());
        Event {
            channel: self.ch.unwrap_or_default(),
            seq: self.seq.unwrap_or_default(),
            kind: self.kind.unwrap_or_default(),
            event: self.event.unwrap_or_default(),
            by: self.by.unwrap_or_default(),
            key: self.key,
            body: data.and_then(|data| data.body).map(|body| escaped(&body).into()),
        }
    }
}

/// Walks over JSON text whose shape is expected; every step that meets something else ends the walk.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn skip(&mut self, expected: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        std::str::from_utf8(number).ok()?.parse().ok()
    }

    /// The rest of a string without escapes, its closing quote consumed.
    pub(crate) fn plain(&mut self) -> Option<&'a str> {
        let text = self.string()?;
        (!text.contains('\\')).then_some(text)
    }

    /// The rest of a string, escapes left as they are, its closing quote consumed.
    pub(crate) fn string(&mut self) -> Option<&'a str> {
        let mut end = 0;
        loop {
            end += memchr::memchr2(b'"', b'\\', &self.0[end..])?;
            if self.0[end] == b'"' {
                break;
            }
            // An escape is at least the backslash and the byte behind it.
            end += 2;
            if end > self.0.len() {
                return None;
            }
        }
        let text = std::str::from_utf8(&self.0[..end]).ok()?;
        self.0 = &self.0[end + 1..];
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"t":"ev","ch":"channel_1","seq":813,"type":"message.sent","event":"event_1","at":"2026-01-01T00:00:00.000000Z","by":"user_1","key":"k","d":{"message":"message_1","body":"a \"b\" \\"}}"#;
    const OK: &str = r#"{"t":"ok","id":"3","ch":"channel_1","seq":816,"event":"event_2","message":"message_2","pos":"x","at":"y","replayed":false}"#;

    #[test]
    fn both_ways_of_reading_an_event_agree() {
        let quick = quick_event(EVENT.as_bytes()).expect("the documented order");
        assert_eq!(quick.body.as_deref(), Some(r#"a \"b\" \\"#));
        assert_eq!(
            (quick.seq, quick.by.as_ref(), quick.key.as_deref()),
            (813, "user_1", Some("k"))
        );
        assert_eq!(slow(EVENT.as_bytes()).expect("JSON"), Frame::Event(quick));
        let others = EVENT.replace(r#""key":"k","#, "");
        assert_eq!(quick_event(others.as_bytes()).expect("without a key").key, None);
    }

    #[test]
    fn both_ways_of_reading_an_acknowledgement_agree() {
        let quick = quick_ack(OK.as_bytes()).expect("the documented order");
        assert_eq!((quick.id.as_ref(), quick.seq, quick.pos.as_ref()), ("3", 816, "x"));
        assert_eq!(slow(OK.as_bytes()).expect("JSON"), Frame::Ok(quick));
    }

    #[test]
    fn another_order_of_fields_is_still_read() {
        let frame = r#"{"d":{"body":"hi","message":"m"},"seq":7,"t":"ev","by":"user_1","type":"message.sent","ch":"c","event":"e","at":"x"}"#;
        let Frame::Event(event) = parse(frame.as_bytes()).expect("JSON") else {
            panic!("an event")
        };
        assert!(event.seq == 7 && event.says("hi", "hi"));
    }

    #[test]
    fn an_event_cut_anywhere_is_never_taken_for_a_whole_one() {
        for cut in 0..EVENT.len() - 3 {
            assert_eq!(quick_event(&EVENT.as_bytes()[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn other_frames_are_named() {
        assert_eq!(
            parse(br#"{"t":"hb","pos":"1","tops":{}}"#).expect("JSON"),
            Frame::Heartbeat
        );
        assert_eq!(
            parse(br#"{"t":"sub_ok","id":"1","ch":"c","mode":"hot","from":4,"top":7}"#).expect("JSON"),
            Frame::Following {
                channel: "c".into(),
                top: 7
            }
        );
        assert_eq!(
            parse(br#"{"t":"lag","ch":"c","behind":5}"#).expect("JSON"),
            Frame::Other { kind: "lag".into() }
        );
        let error = parse(br#"{"t":"err","id":"1","code":"a/b","detail":"c","retryable":false,"retry_after_ms":null}"#);
        assert_eq!(
            error.expect("JSON"),
            Frame::Error {
                code: "a/b".into(),
                detail: "c".into()
            }
        );
        assert!(parse(b"{}").is_err());
    }

    #[test]
    fn an_array_is_many_frames() {
        let text = format!("[{OK}, {EVENT}]");
        let frames: Vec<_> = split(text.as_bytes()).expect("JSON").collect();
        assert_eq!(frames, [OK.as_bytes(), EVENT.as_bytes()]);
        assert_eq!(split(OK.as_bytes()).expect("JSON").collect::<Vec<_>>(), [OK.as_bytes()]);
    }

    #[test]
    fn the_same_text_in_other_escapes_is_the_same_text() {
        let Frame::Event(mut event) = parse(EVENT.as_bytes()).expect("JSON") else {
            panic!("an event")
        };
        let (text, ours) = ("é\n", escaped("é\n"));
        for (body, same) in [
            ("é\\n", true),
            ("\\u00e9\\u000a", true),
            ("e\\n", false),
            ("é\\n ", false),
        ] {
            event.body = Some(body.into());
            assert_eq!(event.says(text, &ours), same, "{body}");
        }
    }
}
