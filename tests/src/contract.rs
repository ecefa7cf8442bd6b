//! The committed contract of the socket, as something to hold frames against. Schemas of the server's frames are published open, since
//! clients must ignore what they do not know; here they are closed first, so that a field nobody described is noticed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

pub const ASYNCAPI: &str = include_str!("../../api/contracts/asyncapi.json");
const PROBLEMS: &str = include_str!("../../api/contracts/problems.md");

/// By kind of frame, both directions; compiled once for all tests of a program.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(validators);
static CODES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(codes);

/// What is wrong with a frame, in either direction.
pub fn complaints(frame: &Value) -> Vec<String> {
    let kind = frame["t"].as_str().unwrap_or_default();
    let Some(validator) = VALIDATORS.get(kind) else {
        return vec![format!("the contract has no frame {kind:?}")];
    };
    let mut complaints: Vec<_> = match validator.validate(frame) {
        Ok(()) => vec![],
        Err(errors) => errors
            .map(|error| format!("at \"{}\": {error}", error.instance_path))
            .collect(),
    };
    if let Some(code) = frame["code"].as_str().filter(|code| !CODES.contains(code)) {
        complaints.push(format!("no problem has the code {code}"));
    }
    complaints
}

/// Panics when a frame is not as the contract says; `who` sent it.
#[track_caller]
pub(crate) fn check(who: &str, frame: &Value) {
    let complaints = complaints(frame);
    assert!(
        complaints.is_empty(),
        "{who} sent {} against the contract: {}\n{frame}",
        frame["t"],
        complaints.join("; ")
    );
}

fn codes() -> BTreeSet<&'static str> {
    let rows = PROBLEMS.lines().filter_map(|line| line.strip_prefix("- code: `"));
    rows.filter_map(|row| row.strip_suffix('`')).collect()
}

fn validators() -> BTreeMap<String, Validator> {
    let document: Value = serde_json::from_str(ASYNCAPI).expect("the contract is JSON");
    let mut schemas = document["components"]["schemas"].as_object().expect("schemas").clone();
    schemas.values_mut().for_each(close);
    let messages = document["components"]["messages"].as_object().expect("messages");
    messages
        .keys()
        .map(|kind| (kind.clone(), validator(kind, &schemas)))
        .collect()
}

fn validator(kind: &str, schemas: &Map<String, Value>) -> Validator {
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{kind}"),
        "components": { "schemas": schemas },
    });
    jsonschema::validator_for(&root).unwrap_or_else(|error| panic!("the schema of {kind}: {error}"))
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
