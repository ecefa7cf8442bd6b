//! The AsyncAPI document of the socket: every frame with its schema, its words from the docs of its type, and examples.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{events::Ev, examples, operations::Operation};
use crate::{
    limits::Limits,
    ws::{
        CloseCode, SUBPROTOCOL,
        protocol::{DEPTH_MAX, FRAMES_MAX, client, server},
    },
};

const SCHEMAS: &str = "#/components/schemas";
const CHANNEL: &str = "#/channels/socket";

/// The document in its committed form.
pub fn text() -> String {
    let text = serde_json::to_string_pretty(&sorted(document())).expect("values with text keys always serialize");
    text + "\n"
}

fn document() -> Value {
    let Frames { received, sent, shared } = frames();
    let kinds: Vec<&str> = received.iter().chain(&sent).map(|(kind, _)| *kind).collect();
    let receives = received.iter().map(|(kind, _)| (*kind, receives(kind)));
    let sends = sent.iter().map(|(kind, _)| (*kind, sends(kind)));
    let operations: Value = receives.chain(sends).collect();
    let messages: Value = received
        .iter()
        .chain(&sent)
        .map(|(kind, schema)| (*kind, message(kind, schema)))
        .collect();
    let mut schemas = shared;
    schemas.extend(
        received
            .into_iter()
            .chain(sent)
            .map(|(kind, schema)| (kind.to_owned(), schema.into())),
    );
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Verbatim socket",
            "version": "1",
            "description": introduction(&Limits::default()),
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "verbatim": server() },
        "channels": { "socket": channel(&kinds) },
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas },
        "x-close-codes": close_codes(),
    })
}

/// Frames by kind in both directions, and the schemas they refer to.
struct Frames {
    received: Vec<(&'static str, Schema)>,
    sent: Vec<(&'static str, Schema)>,
    shared: Map<String, Value>,
}

fn frames() -> Frames {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = SCHEMAS[1..].into());
    let mut reads = settings.clone().for_deserialize().into_generator();
    let mut writes = settings.for_serialize().into_generator();
    let mut received = client::schemas(&mut reads);
    received
        .iter_mut()
        .filter(|(kind, _)| *kind == "cmd")
        .for_each(|(_, schema)| with_operations(schema, &mut reads));
    let mut sent = server::schemas(&mut writes);
    sent.push(("ev", Ev::json_schema(&mut writes)));
    received
        .iter_mut()
        .chain(&mut sent)
        .for_each(|(kind, schema)| with_kind(schema, kind));
    let mut shared = reads.take_definitions(true);
    for (name, schema) in writes.take_definitions(true) {
        let other = shared.insert(name.clone(), schema.clone());
        assert!(other.is_none_or(|other| other == schema), "{name} means two things");
    }
    Frames { received, sent, shared }
}

/// Every frame says first what it is.
fn with_kind(schema: &mut Schema, kind: &str) {
    let object = schema.ensure_object();
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    properties["t"] = json!({ "type": "string", "const": kind });
    let required = object.entry("required").or_insert_with(|| json!([]));
    if let Some(required) = required.as_array_mut() {
        required.insert(0, "t".into());
    }
}

/// What `d` has to be depends on `op`.
fn with_operations(cmd: &mut Schema, generator: &mut SchemaGenerator) {
    let operations = Operation::json_schema(generator).remove("oneOf");
    let mut operations = operations.expect("operations are told apart by op");
    for operation in operations.as_array_mut().into_iter().flatten() {
        let needs_no_d = operation.pointer("/properties/d/anyOf").is_some();
        if needs_no_d {
            operation["required"] = json!(["op"]);
        }
    }
    cmd.insert("oneOf".to_owned(), operations);
}

fn server() -> Value {
    json!({
        "host": "{host}",
        "protocol": "wss",
        "variables": { "host": { "description": "Where the service is.", "default": "localhost" } },
    })
}

fn channel(kinds: &[&str]) -> Value {
    let messages: Value = kinds
        .iter()
        .map(|kind| (*kind, reference(&format!("#/components/messages/{kind}"))))
        .collect();
    json!({
        "address": "/api/v1/ws",
        "title": "The socket",
        "description": "All frames, both ways: text, one JSON object each or an array of them.",
        "servers": [reference("#/servers/verbatim")],
        "messages": messages,
        "bindings": { "ws": {
            "method": "GET",
            "headers": {
                "type": "object",
                "properties": { "Sec-WebSocket-Protocol": { "type": "string", "const": SUBPROTOCOL } },
            },
            "bindingVersion": "0.1.0",
        } },
    })
}

fn message(kind: &str, schema: &Schema) -> Value {
    let summary = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let examples: Vec<_> = examples::of(kind)
        .into_iter()
        .map(|payload| json!({ "payload": payload }))
        .collect();
    json!({
        "name": kind,
        "title": kind,
        "summary": summary.replace('\n', " "),
        "contentType": "application/json",
        "payload": reference(&format!("{SCHEMAS}/{kind}")),
        "examples": examples,
    })
}

fn receives(kind: &str) -> Value {
    let replies: Vec<_> = replies(kind).iter().map(|kind| in_channel(kind)).collect();
    let mut operation = operation("receive", kind);
    operation["reply"] = json!({ "channel": reference(CHANNEL), "messages": replies });
    operation
}

fn sends(kind: &str) -> Value {
    operation("send", kind)
}

fn operation(action: &str, kind: &str) -> Value {
    json!({ "action": action, "channel": reference(CHANNEL), "messages": [in_channel(kind)] })
}

/// What may answer a frame of a client; `err` answers them all when there are too many of them.
fn replies(kind: &str) -> &'static [&'static str] {
    match kind {
        "hello" => &["welcome", "sub_ok", "snap", "sub_end", "err"],
        "sub" => &["sub_ok", "snap", "err"],
        "cmd" => &["ok", "err"],
        "gap" => &["ev", "err"],
        "who" => &["present", "err"],
        "unsub" | "got" | "read" | "typing" | "presence" | "pong" => &["err"],
        "reauth" => &["reauth_ok", "err"],
        _ => panic!("contract/asyncapi.rs does not say what answers {kind}"),
    }
}

fn reference(to: &str) -> Value {
    json!({ "$ref": to })
}

fn in_channel(kind: &str) -> Value {
    reference(&format!("{CHANNEL}/messages/{kind}"))
}

fn close_codes() -> Value {
    let told = |code: &CloseCode| json!({ "code": code.number(), "reason": code.reason(), "then": code.advice() });
    CloseCode::ALL.iter().map(told).collect()
}

fn introduction(limits: &Limits) -> String {
    let codes: String = CloseCode::ALL
        .iter()
        .map(|code| format!("| {} | {} | {} |\n", code.number(), code.reason(), code.advice()))
        .collect();
    format!(
        "Everything live, on one connection. `POST /api/v1/ws/ticket` gives a ticket; the first frame, within {hello} ms, is a `hello` \
         with it, and the answer is `welcome`.\n\n\
         Frames are text, one JSON object each or an array of at most {FRAMES_MAX} of them, at most {bytes} bytes, nested at most {DEPTH_MAX} \
         deep. The service refuses fields that it does not know; clients must ignore fields, and types of `ev`, `feed` and `eph`, that they \
         do not know. Schemas are those of JSON Schema 2020-12.\n\n\
         The numbers here are defaults: those that hold are in `welcome.limits` and `GET /api/v1/limits`. Codes of `err` are those of \
         `/problems/{{code}}`.\n\n\
         | Closed with | Because | Then |\n|---|---|---|\n{codes}",
        hello = limits.hello_timeout_ms,
        bytes = limits.frame_bytes,
    )
}

/// The same bytes whichever order maps are kept in.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        plain => plain,
    }
}
