//! The published contracts: served as they are committed, to anyone, true of their own examples, and strict where the tests use them.

use serde_json::Value;
use verbatim_tests::{Stage, contract};

#[tokio::test]
async fn the_contract_of_the_socket_is_served_as_committed() {
    let stage = Stage::shared();
    let answer = stage.get("/api/asyncapi.json").send().await.is(200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.text, contract::ASYNCAPI);
}

/// The examples of every frame.
fn examples() -> Vec<Value> {
    let document: Value = serde_json::from_str(contract::ASYNCAPI).expect("JSON");
    let messages = document["components"]["messages"].as_object().expect("messages");
    let lists = messages
        .values()
        .map(|message| message["examples"].as_array().expect("a list"));
    lists.flatten().map(|example| example["payload"].clone()).collect()
}

#[test]
fn every_example_is_as_its_schema_says() {
    for frame in examples() {
        assert_eq!(contract::complaints(&frame), Vec::<String>::new(), "{frame}");
    }
}

#[test]
fn a_field_that_nobody_described_is_noticed_wherever_it_is() {
    for frame in examples() {
        for place in objects_in(&frame) {
            let mut odd = frame.clone();
            odd.pointer_mut(&place).expect("a place in it")["colour"] = "red".into();
            assert_ne!(contract::complaints(&odd), Vec::<String>::new(), "at {place:?}: {odd}");
        }
    }
}

#[test]
fn a_field_that_is_missing_is_noticed() {
    for frame in examples()
        .into_iter()
        .filter(|frame| frame["t"] == "ev" || frame["t"] == "ok")
    {
        for field in ["ch", "seq", "event", "at"] {
            let mut partial = frame.clone();
            partial.as_object_mut().expect("an object").remove(field);
            assert_ne!(contract::complaints(&partial), Vec::<String>::new(), "{partial}");
        }
    }
}

#[test]
fn codes_that_are_no_problems_and_kinds_that_are_no_frames_are_noticed() {
    for mut frame in examples().into_iter().filter(|frame| frame["t"] == "err") {
        frame["code"] = "message/exploded".into();
        assert_eq!(
            contract::complaints(&frame),
            ["no problem has the code message/exploded"]
        );
        frame["t"] = "dance".into();
        assert_eq!(contract::complaints(&frame)[0], "the contract has no frame \"dance\"");
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
