//! The published contracts: served as they are committed, to anyone, true of their own examples, and strict where the tests use them.

use serde_json::Value;
use verbatim_tests::{
    Stage,
    contract::{self, Sender},
};

#[tokio::test]
async fn the_contract_of_the_socket_is_served_as_committed() {
    let stage = Stage::shared();
    let answer = stage.get("/api/asyncapi.json").send().await.is(200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.text, contract::ASYNCAPI);
}

/// The examples of every frame, with who sends it.
fn examples() -> Vec<(Value, Sender)> {
    let document: Value = serde_json::from_str(contract::ASYNCAPI).expect("JSON");
    let operations = document["operations"].as_object().expect("operations");
    let mut all = vec![];
    for (kind, operation) in operations {
        let sender = if operation["action"] == "receive" {
            Sender::Client
        } else {
            Sender::Server
        };
        let examples = document["components"]["messages"][kind]["examples"]
            .as_array()
            .expect("a list");
        all.extend(examples.iter().map(|example| (example["payload"].clone(), sender)));
    }
    all
}

/// Those of these kinds.
fn examples_of(kinds: &[&str]) -> Vec<(Value, Sender)> {
    let mut examples = examples();
    examples.retain(|(frame, _)| kinds.iter().any(|kind| frame["t"] == *kind));
    examples
}

#[test]
fn every_example_is_as_its_schema_says() {
    for (frame, sender) in examples() {
        assert_eq!(contract::complaints(&frame, sender), Vec::<String>::new(), "{frame}");
    }
}

#[test]
fn a_field_that_nobody_described_is_noticed_wherever_it_is() {
    for (frame, sender) in examples() {
        for place in objects_in(&frame) {
            let mut odd = frame.clone();
            odd.pointer_mut(&place).expect("a place in it")["colour"] = "red".into();
            assert_ne!(
                contract::complaints(&odd, sender),
                Vec::<String>::new(),
                "at {place:?}: {odd}"
            );
        }
    }
}

#[test]
fn a_field_that_is_missing_is_noticed() {
    for (frame, sender) in examples_of(&["ev", "ok"]) {
        for field in ["ch", "seq", "event", "at"] {
            let mut partial = frame.clone();
            partial.as_object_mut().expect("an object").remove(field);
            assert_ne!(
                contract::complaints(&partial, sender),
                Vec::<String>::new(),
                "{partial}"
            );
        }
    }
}

#[test]
fn codes_that_are_no_problems_and_kinds_that_are_no_frames_are_noticed() {
    for (mut frame, sender) in examples_of(&["err"]) {
        frame["code"] = "message/exploded".into();
        assert_eq!(
            contract::complaints(&frame, sender),
            ["no problem has the code message/exploded"]
        );
        frame["t"] = "dance".into();
        assert_eq!(
            contract::complaints(&frame, sender),
            ["no frame of the server is called \"dance\""]
        );
        frame["t"] = "pong".into();
        assert_eq!(
            contract::complaints(&frame, sender),
            ["no frame of the server is called \"pong\""]
        );
    }
}

/// The pointers of all objects in a frame, itself included.
fn objects_in(value: &Value) -> Vec<String> {
    let within = |step: &str, part: &Value| -> Vec<String> {
        objects_in(part)
            .into_iter()
            .map(|place| format!("/{step}{place}"))
            .collect()
    };
    match value {
        Value::Object(fields) => {
            let parts = fields.iter().flat_map(|(name, part)| within(name, part));
            parts.chain([String::new()]).collect()
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(at, part)| within(&at.to_string(), part))
            .collect(),
        _ => vec![],
    }
}
