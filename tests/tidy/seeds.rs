//! What the fuzzer of frames begins with: the examples that the contract gives of what clients send. `UPDATE_GOLDEN=1` writes them anew.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::tree;

const FOLDER: &str = "tests/fuzz/seeds/frames";

/// By name of file.
fn examples() -> BTreeMap<String, Value> {
    let contract: Value = serde_json::from_str(&tree::read("api/contracts/asyncapi.json")).expect("JSON");
    let operations = contract["operations"].as_object().expect("operations").iter();
    let received = operations.filter(|(_, operation)| operation["action"] == "receive");
    received
        .flat_map(|(kind, _)| {
            let examples = contract["components"]["messages"][kind]["examples"].as_array();
            let numbered = examples.into_iter().flatten().enumerate();
            numbered.map(move |(number, example)| (format!("{kind}-{number}.json"), example["payload"].clone()))
        })
        .collect()
}

#[test]
fn the_fuzzer_begins_with_every_example_of_the_contract() {
    let examples = examples();
    assert!(examples.len() > 10, "only {} examples were found", examples.len());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        for name in tree::names(FOLDER) {
            fs::remove_file(tree::root().join(FOLDER).join(name)).expect("removed");
        }
        for (name, frame) in &examples {
            fs::write(tree::root().join(FOLDER).join(name), frame.to_string()).expect("written");
        }
    }
    let names = tree::names(FOLDER).into_iter();
    let seeds: BTreeMap<String, Value> = names
        .map(|name| {
            let frame = serde_json::from_str(&tree::read(&format!("{FOLDER}/{name}"))).expect("JSON");
            (name, frame)
        })
        .collect();
    assert_eq!(seeds, examples, "run the tests of tidy once with UPDATE_GOLDEN=1");
}
