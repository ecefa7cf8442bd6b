//! An event as `inspect` shows it: what the log knows about it, and its payload only where it was asked for.

use base64::Engine as _;
use domain::{Actor, EventId, UserId};
use event_store::{RawEvent, Recorded, StreamName};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::results::{self, Results};

#[derive(Serialize)]
pub(super) struct Header<'a> {
    position: u64,
    stream: &'a str,
    /// From 1, as clients see it.
    seq: u64,
    event: EventId,
    #[serde(rename = "type")]
    kind: &'a str,
    version: u16,
    /// Null for the service itself.
    actor: Option<UserId>,
    key: &'a str,
    request_id: Uuid,
    at: String,
    bytes: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    damaged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    Json(&'a RawValue),
    Bytes { base64: String },
}

impl<'a> Header<'a> {
    pub(super) fn of(recorded: &'a Recorded, with_payload: bool) -> Self {
        let event = &recorded.event;
        Self {
            position: recorded.position,
            stream: recorded.stream.as_str(),
            seq: recorded.revision + 1,
            event: EventId::from(event.id),
            kind: &event.kind,
            version: event.version,
            actor: Actor::from_uuid(event.actor).user(),
            key: &event.key,
            request_id: event.request_id,
            at: results::time(event.recorded_at),
            bytes: event.payload.len(),
            damaged: false,
            payload: with_payload.then(|| Payload::of(&event.payload)),
        }
    }

    pub(super) fn of_raw(event: &RawEvent<'a>, with_payload: bool) -> Self {
        Self {
            position: event.position,
            stream: event.stream.map_or("", StreamName::as_str),
            seq: event.revision + 1,
            event: EventId::from(event.id),
            kind: event.kind,
            version: event.version,
            actor: Actor::from_uuid(event.actor).user(),
            key: event.key,
            request_id: event.request_id,
            at: results::time_of_micros(event.recorded_at),
            bytes: event.payload.len(),
            damaged: !event.intact,
            payload: with_payload.then(|| Payload::of(event.payload)),
        }
    }

    /// One line.
    pub(super) fn show(&self, results: &mut Results) -> anyhow::Result<()> {
        results.json(self)?;
        let actor = self.actor.map_or_else(|| "-".to_owned(), |actor| actor.to_string());
        results.say(format!(
            "{:>10}  {}  {:>6}  {:<24} {}  {}  {:>6} B{}",
            self.position,
            self.stream,
            self.seq,
            format!("{} v{}", self.kind, self.version),
            self.at,
            actor,
            self.bytes,
            if self.damaged { "  DAMAGED" } else { "" }
        ))?;
        self.say_payload(results)
    }

    /// Everything, a line a field.
    pub(super) fn show_whole(&self, results: &mut Results) -> anyhow::Result<()> {
        results.json(self)?;
        let actor = self
            .actor
            .map_or_else(|| "the service".to_owned(), |actor| actor.to_string());
        for (name, value) in [
            ("position", self.position.to_string()),
            ("stream", self.stream.to_owned()),
            ("seq", self.seq.to_string()),
            ("event", self.event.to_string()),
            ("type", format!("{} v{}", self.kind, self.version)),
            ("actor", actor),
            ("key", self.key.to_owned()),
            ("request", self.request_id.to_string()),
            ("at", self.at.clone()),
            ("bytes", self.bytes.to_string()),
        ] {
            results.say(format!("{name:<9} {value}"))?;
        }
        if self.damaged {
            results.say("damaged   its bytes do not match their checksum")?;
        }
        self.say_payload(results)
    }

    fn say_payload(&self, results: &mut Results) -> anyhow::Result<()> {
        match &self.payload {
            Some(Payload::Json(json)) => results.say(format!("            {json}"))?,
            Some(Payload::Bytes { base64 }) => results.say(format!("            base64 {base64}"))?,
            None => {}
        }
        Ok(())
    }
}

impl<'a> Payload<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match serde_json::from_slice(bytes) {
            Ok(json) => Self::Json(json),
            Err(_) => Self::Bytes {
                base64: base64::engine::general_purpose::STANDARD.encode(bytes),
            },
        }
    }
}
