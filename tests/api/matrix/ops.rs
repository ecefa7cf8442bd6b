//! The same for the socket: each operation of a `cmd` frame and each frame that asks for something of a channel, by everyone who can
//! open a socket at all.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};
use verbatim_tests::{Socket, fresh_key};

use super::{
    Answers,
    cast::{Cast, Room, Who},
    samples::{self, Filling},
};

/// A frame that is answered, with places for what is new in each room, and whether it leaves nothing to do for others.
const FRAMES: &[(&str, &str, bool)] = &[
    (
        "cmd channel.create",
        r#"{"t":"cmd","op":"channel.create","d":{"kind":"text","space":"{space}","name":"more"}}"#,
        false,
    ),
    (
        "cmd channel.update",
        r#"{"t":"cmd","op":"channel.update","ch":"{channel}","d":{"name":"renamed"}}"#,
        false,
    ),
    (
        "cmd channel.archive",
        r#"{"t":"cmd","op":"channel.archive","ch":"{channel}"}"#,
        true,
    ),
    (
        "cmd channel.join",
        r#"{"t":"cmd","op":"channel.join","ch":"{channel}"}"#,
        false,
    ),
    (
        "cmd channel.leave",
        r#"{"t":"cmd","op":"channel.leave","ch":"{channel}"}"#,
        false,
    ),
    (
        "cmd channel.add_member",
        r#"{"t":"cmd","op":"channel.add_member","ch":"{channel}","d":{"user":"{user}"}}"#,
        false,
    ),
    (
        "cmd channel.remove_member",
        r#"{"t":"cmd","op":"channel.remove_member","ch":"{channel}","d":{"user":"{user}"}}"#,
        false,
    ),
    (
        "cmd message.send",
        r#"{"t":"cmd","op":"message.send","ch":"{channel}","d":{"body":"hello"}}"#,
        false,
    ),
    (
        "cmd message.edit",
        r#"{"t":"cmd","op":"message.edit","ch":"{channel}","d":{"message":"{message}","body":"changed"}}"#,
        false,
    ),
    (
        "cmd message.delete",
        r#"{"t":"cmd","op":"message.delete","ch":"{channel}","d":{"message":"{message}"}}"#,
        false,
    ),
    (
        "cmd message.restore",
        r#"{"t":"cmd","op":"message.restore","ch":"{channel}","d":{"message":"{message}","reason":"a mistake"}}"#,
        false,
    ),
    (
        "cmd message.react",
        r#"{"t":"cmd","op":"message.react","ch":"{channel}","d":{"message":"{message}","emoji":":tea:"}}"#,
        false,
    ),
    (
        "cmd message.unreact",
        r#"{"t":"cmd","op":"message.unreact","ch":"{channel}","d":{"message":"{message}","emoji":":tea:"}}"#,
        false,
    ),
    (
        "cmd message.vote",
        r#"{"t":"cmd","op":"message.vote","ch":"{channel}","d":{"message":"{message}","vote":"down"}}"#,
        false,
    ),
    (
        "cmd message.pin",
        r#"{"t":"cmd","op":"message.pin","ch":"{channel}","d":{"message":"{message}"}}"#,
        false,
    ),
    (
        "cmd message.unpin",
        r#"{"t":"cmd","op":"message.unpin","ch":"{channel}","d":{"message":"{message}"}}"#,
        false,
    ),
    ("sub", r#"{"t":"sub","ch":"{channel}"}"#, false),
    ("gap", r#"{"t":"gap","ch":"{channel}","from":1,"to":1}"#, false),
];

pub(super) async fn answers(cast: &Cast, after: usize) -> Answers {
    let mut sockets = vec![];
    for who in Who::ALL {
        let socket = match cast.person(*who) {
            Some(person) if *who != Who::Suspended => Some(Socket::of(person).await),
            Some(_) | None => None,
        };
        sockets.push((*who, socket));
    }
    let mut answers = Answers::new();
    for (place, (name, frame, uses_up)) in FRAMES.iter().enumerate() {
        let mut room = cast.room().await;
        let mut statuses = vec![];
        for (who, socket) in &mut sockets {
            let status = match socket {
                Some(socket) => ask(cast, &room, *who, socket, frame).await,
                None => 401,
            };
            if *uses_up && status == 200 {
                room = cast.room().await;
            }
            statuses.push(status);
        }
        answers.insert((after + place, name), statuses);
    }
    answers
}

async fn ask(cast: &Cast, room: &Room, who: Who, socket: &mut Socket, frame: &str) -> u16 {
    let mut filled = Filling::of(frame, cast, room, who).await;
    if frame.contains("message.restore") {
        filled.put("{message}", cast.removed_message(room).await);
    }
    let mut frame = samples::json(&filled.fill(frame));
    let id = socket.next_id();
    frame["id"] = json!(id);
    if frame["t"] == "cmd" {
        frame["key"] = json!(fresh_key());
    }
    socket.send(&frame).await;
    // A gap is answered with what it asks for.
    let filled_gap = |got: &Value| frame["t"] == "gap" && got["t"] == "ev" && got["ch"] == frame["ch"];
    let is_answer = |got: &Value| got["id"] == id.as_str() || filled_gap(got);
    let answer = socket.take("an answer", is_answer).await;
    match answer["code"].as_str() {
        None => 200,
        Some(code) => status_of(code),
    }
}

/// As the page of problems has it.
fn status_of(code: &str) -> u16 {
    let page = page();
    let line = format!("- code: `{code}`");
    let mut lines = page.lines().skip_while(|other| *other != line);
    let status = lines.nth(1).and_then(|status| status.strip_prefix("- status: "));
    status
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("{code} is not on the page of problems"))
}

fn contract(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../api/contracts")
        .join(name);
    std::fs::read_to_string(path).expect("a committed contract")
}

fn page() -> String {
    contract("problems.md")
}

#[test]
fn every_operation_of_the_contract_is_asked() {
    let contract: Value = serde_json::from_str(&contract("asyncapi.json")).expect("JSON");
    let mut named = BTreeSet::new();
    collect_ops(&contract, &mut named);
    assert!(named.len() >= 10, "the operations were not found in the contract");
    let asked: BTreeSet<String> = FRAMES
        .iter()
        .filter_map(|(name, ..)| name.strip_prefix("cmd "))
        .map(str::to_owned)
        .collect();
    assert_eq!(named, asked);
}

/// An operation is the one value that `op` may have.
fn collect_ops(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let op = fields.get("op").and_then(|op| op["const"].as_str());
            named.extend(op.map(str::to_owned));
            fields.values().for_each(|field| collect_ops(field, named));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_ops(item, named)),
        _ => {}
    }
}
