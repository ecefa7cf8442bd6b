//! The committed contract of the socket, as something to hold frames against. Schemas of the server's frames are published open, since
//! clients must ignore what they do not know; here they are closed first, so that a field nobody described is noticed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::LazyLock,
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

pub const ASYNCAPI: &str = include_str!("../../api/contracts/asyncapi.json");
const PROBLEMS: &str = include_str!("../../api/contracts/problems.md");

/// By name of schema, frames by their kind; each compiled once for all tests of a program.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(validators);
/// Kinds of frames, by who sends them.
static KINDS: LazyLock<BTreeMap<String, Sender>> = LazyLock::new(kinds);
static CODES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(codes);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    Client,
    Server,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// What is wrong with a frame.
pub fn complaints(frame: &Value, sender: Sender) -> Vec<String> {
    let kind = frame["t"].as_str().unwrap_or_default();
    if KINDS.get(kind) != Some(&sender) {
        return vec![format!("no frame of the {sender} is called {kind:?}")];
    }
    let mut complaints = of_schema(kind, frame);
    if let Some(code) = frame["code"].as_str().filter(|code| !CODES.contains(code)) {
        complaints.push(format!("no problem has the code {code}"));
    }
    complaints
}

/// Panics when a frame is not as the contract says.
#[track_caller]
pub(crate) fn check(frame: &Value, sender: Sender) {
    refuse(&complaints(frame, sender), frame);
}

/// Panics when an item of `/events` is not the `ev` frame without its kind.
#[track_caller]
pub(crate) fn check_event(item: &Value) {
    let mut frame = item.clone();
    assert_eq!(frame["t"], Value::Null, "an item of the stream has a kind: {item}");
    frame["t"] = "ev".into();
    check(&frame, Sender::Server);
}

/// Panics when an item of a timeline is not the message that `snap` has.
#[track_caller]
pub(crate) fn check_message(item: &Value) {
    refuse(&of_schema("Message", item), item);
}

#[track_caller]
fn refuse(complaints: &[String], value: &Value) {
    assert!(
        complaints.is_empty(),
        "against the contract: {}\n{value}",
        complaints.join("; ")
    );
}

fn of_schema(name: &str, value: &Value) -> Vec<String> {
    match VALIDATORS[name].validate(value) {
        Ok(()) => vec![],
        Err(errors) => errors
            .map(|error| format!("{name} at \"{}\": {error}", error.instance_path))
            .collect(),
    }
}

fn codes() -> BTreeSet<&'static str> {
    let rows = PROBLEMS.lines().filter_map(|line| line.strip_prefix("- code: `"));
    rows.filter_map(|row| row.strip_suffix('`')).collect()
}

fn document() -> Value {
    serde_json::from_str(ASYNCAPI).expect("the contract is JSON")
}

fn kinds() -> BTreeMap<String, Sender> {
    let document = document();
    let operations = document["operations"].as_object().expect("operations");
    let sender = |operation: &Value| match operation["action"].as_str() {
        Some("receive") => Sender::Client,
        _ => Sender::Server,
    };
    operations
        .iter()
        .map(|(kind, operation)| (kind.clone(), sender(operation)))
        .collect()
}

fn validators() -> BTreeMap<String, Validator> {
    let document = document();
    let mut schemas = document["components"]["schemas"].as_object().expect("schemas").clone();
    schemas.values_mut().for_each(close);
    schemas
        .keys()
        .map(|name| (name.clone(), validator(name, &schemas)))
        .collect()
}

fn validator(name: &str, schemas: &Map<String, Value>) -> Validator {
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{name}"),
        "components": { "schemas": schemas },
    });
    jsonschema::validator_for(&root).unwrap_or_else(|error| panic!("the schema {name}: {error}"))
}

/// Refuses properties that no part of the schema describes. The parts of a `oneOf` share the object around them, so only what lies
/// within their properties is closed.
fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    let open = object.get("type").is_some_and(|kind| kind == "object") && !object.contains_key("additionalProperties");
    if open {
        object.insert("unevaluatedProperties".to_owned(), false.into());
    }
    close_within(object);
}

fn close_within(object: &mut Map<String, Value>) {
    for (keyword, part) in object {
        match (keyword.as_str(), part) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(close),
            ("oneOf" | "anyOf" | "allOf", Value::Array(parts)) => {
                parts.iter_mut().filter_map(Value::as_object_mut).for_each(close_within);
            }
            ("items", items) => close(items),
            _ => {}
        }
    }
}
