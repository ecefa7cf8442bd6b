//! One event as a line of an export: everything that is needed to write it into a log again, byte for byte.

use std::borrow::Cow;

use anyhow::Context;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::DateTime;
use event_store::{NewEvent, RawEvent, Recorded, StreamName};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::results::time_of_micros;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line<'a> {
    pub(crate) position: u64,
    #[serde(borrow)]
    pub(crate) stream: Cow<'a, str>,
    pub(crate) revision: u64,
    /// Place in its append: the events of an append were written together, and are again.
    pub(crate) part: u32,
    pub(crate) id: Uuid,
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    pub(crate) version: u16,
    pub(crate) actor: Uuid,
    #[serde(borrow)]
    pub(crate) key: Cow<'a, str>,
    /// 32 hexadecimal digits.
    pub(crate) intent: Cow<'a, str>,
    pub(crate) request_id: Uuid,
    /// Whole microseconds.
    pub(crate) at: Cow<'a, str>,
    /// The payload itself, where its bytes are JSON on one line.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) payload_base64: Option<Cow<'a, str>>,
}

impl<'a> Line<'a> {
    pub(crate) fn of(event: &RawEvent<'a>) -> anyhow::Result<Self> {
        let json = as_json(event.payload);
        let stream = event.stream.context("an event without a stream")?;
        Ok(Self {
            position: event.position,
            stream: stream.as_str().to_owned().into(),
            revision: event.revision,
            part: event.part,
            id: event.id,
            kind: event.kind.into(),
            version: event.version,
            actor: event.actor,
            key: event.key.into(),
            intent: format!("{:032x}", u128::from_be_bytes(*event.intent)).into(),
            request_id: event.request_id,
            at: time_of_micros(event.recorded_at).into(),
            payload: json,
            payload_base64: match json {
                Some(_) => None,
                None => Some(STANDARD.encode(event.payload).into()),
            },
        })
    }

    /// The event as it stood in the log.
    pub(crate) fn recorded(&self) -> anyhow::Result<Recorded> {
        let at = DateTime::parse_from_rfc3339(&self.at).context("the time is none")?;
        let payload = match (self.payload, &self.payload_base64) {
            (Some(json), None) => json.get().as_bytes().to_vec(),
            (None, Some(text)) => STANDARD.decode(text.as_bytes()).context("the payload is not base64")?,
            _ => anyhow::bail!("the payload must be there once"),
        };
        let intent = u128::from_str_radix(&self.intent, 16).context("the intent is not hexadecimal")?;
        Ok(Recorded {
            position: self.position,
            stream: StreamName::from_text(&self.stream),
            revision: self.revision,
            event: NewEvent {
                id: self.id,
                kind: (*self.kind).into(),
                version: self.version,
                actor: self.actor,
                key: (*self.key).into(),
                intent: intent.to_be_bytes(),
                request_id: self.request_id,
                recorded_at: at.to_utc(),
                payload: payload.into(),
            },
        })
    }
}

/// The payload as a part of a line, if it comes out of one with the same bytes.
fn as_json(payload: &[u8]) -> Option<&RawValue> {
    let breaks = payload.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
    let json: &RawValue = serde_json::from_slice(payload).ok()?;
    (!breaks && json.get().len() == payload.len()).then_some(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_comes_back_with_the_same_bytes() {
        let payloads: &[&[u8]] = &[
            br#"{"body":"hello \u00e9 \"x\""}"#,
            b"{ \"spaced\" : 1.0e5 }",
            b" {\"led by a blank\":1}",
            b"{\"broken\":\n1}",
            b"no json",
            b"\xff\xfe",
            b"",
        ];
        for payload in payloads {
            let stream = StreamName::new("channel", Uuid::from_u128(1));
            let event = RawEvent {
                position: 1,
                number: 1,
                stream: Some(&stream),
                revision: 0,
                part: 0,
                id: Uuid::from_u128(2),
                kind: "message.sent",
                version: 1,
                actor: Uuid::nil(),
                key: "a \"key\"",
                intent: &[7; 16],
                request_id: Uuid::nil(),
                recorded_at: 1_700_000_000_000_001,
                payload,
                intact: true,
            };
            let text = serde_json::to_string(&Line::of(&event).expect("a line")).expect("JSON");
            assert!(!text.contains('\n'));
            let line: Line<'_> = serde_json::from_str(&text).expect("a line");
            let recorded = line.recorded().expect("an event");
            assert_eq!(&*recorded.event.payload, *payload, "{text}");
            assert_eq!((&*recorded.event.key, recorded.event.intent), ("a \"key\"", [7; 16]));
            assert_eq!(recorded.event.recorded_at.timestamp_micros(), 1_700_000_000_000_001);
        }
    }
}
