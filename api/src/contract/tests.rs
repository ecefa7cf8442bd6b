//! The committed contract is current, and it agrees with what the parser takes and with the domain's list of events. That frames agree
//! with it is checked where they are sent: in the black-box tests.

use std::{collections::BTreeSet, path::Path};

use domain::Coded;
use serde_json::Value;

use super::*;
use crate::ws::protocol;

fn document() -> Value {
    serde_json::from_str(&asyncapi::text()).expect("JSON")
}

/// The examples of all frames of one direction, by kind.
fn examples(document: &Value, action: &str) -> Vec<(String, Vec<Value>)> {
    let operations = document["operations"].as_object().expect("operations");
    let kinds = operations.iter().filter(|(_, operation)| operation["action"] == action);
    let payloads = |kind: &String| {
        let examples = document["components"]["messages"][kind]["examples"]
            .as_array()
            .expect("a list");
        (
            kind.clone(),
            examples.iter().map(|example| example["payload"].clone()).collect(),
        )
    };
    kinds.map(|(kind, _)| payloads(kind)).collect()
}

#[test]
fn the_committed_contract_of_the_socket_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts/asyncapi.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, asyncapi::text()).expect("written");
    }
    let committed = std::fs::read_to_string(&path).expect("contracts/asyncapi.json is committed");
    assert!(
        committed == asyncapi::text(),
        "run UPDATE_GOLDEN=1 cargo test -p api --lib contract"
    );
}

#[test]
fn every_frame_has_words_and_an_example() {
    let document = document();
    for (kind, message) in document["components"]["messages"].as_object().expect("messages") {
        assert_ne!(message["summary"], "", "{kind}");
        assert_ne!(
            message["examples"],
            serde_json::json!([]),
            "{kind} has no example in contract/examples.rs"
        );
    }
}

#[test]
fn the_parser_takes_every_example_of_a_client() {
    for (kind, payloads) in examples(&document(), "receive") {
        for payload in payloads {
            let parsed = protocol::parse(&payload.to_string());
            assert!(matches!(parsed[..], [Ok(_)]), "{kind}: {parsed:?}");
        }
    }
}

#[test]
fn every_event_of_a_channel_is_described() {
    let document = document();
    let described = document["components"]["schemas"]["ev"]["oneOf"]
        .as_array()
        .expect("one form for each");
    let described: BTreeSet<_> = described
        .iter()
        .map(|form| form["properties"]["type"]["const"].as_str().expect("a type"))
        .collect();
    let known: BTreeSet<_> = domain::channel::Event::KINDS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(described, known);
}

#[test]
fn what_is_no_command_is_not_described_as_one() {
    let document = document();
    assert_eq!(document["components"]["schemas"]["cmd"]["additionalProperties"], false);
    assert!(
        document["components"]["schemas"]["lag"]
            .get("additionalProperties")
            .is_none()
    );
}
