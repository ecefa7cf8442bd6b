//! `at`: a channel as it was, checked against a second fold that is written here from exported lines and shares nothing with the first.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ChannelId, UserId};
use serde_json::{Value, json};

use crate::world::{ANN, BOB, CAROL, CLUB, DAVE, GENERAL, World};

fn at(world: &World, channel: ChannelId, moment: &[&str]) -> Value {
    let id = channel.to_string();
    let arguments = [&["at", "--channel", &id, "--messages", "100"], moment].concat();
    world
        .replay(&[&arguments[..], &["--format", "json"]].concat())
        .is(0)
        .json()
        .remove(0)
}

fn member(at: &Value, user: UserId) -> &Value {
    let members = at["members"].as_array().expect("members");
    members
        .iter()
        .find(|member| member["user"] == user.to_string())
        .unwrap_or(&Value::Null)
}

/// A channel as a few lines of code make it of an export.
#[derive(Debug, Default, PartialEq)]
struct Folded {
    members: BTreeSet<String>,
    /// By seq: the words, or nothing once they were taken away; the version; the number of reactions.
    messages: BTreeMap<u64, (Option<String>, u64, usize)>,
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn folded(lines: &[Value], top: u64) -> Folded {
    let mut folded = Folded::default();
    let mut seqs: BTreeMap<String, u64> = BTreeMap::new();
    for line in lines {
        let seq = line["revision"].as_u64().expect("a number") + 1;
        if seq > top {
            break;
        }
        let d = &line["payload"];
        let of = |seqs: &BTreeMap<String, u64>| seqs[d["message"].as_str().expect("an id")];
        match line["type"].as_str().expect("text") {
            "member.added" => drop(folded.members.insert(text(&d["user"]))),
            "member.left" | "member.removed" => drop(folded.members.remove(&text(&d["user"]))),
            "message.sent" => {
                seqs.insert(text(&d["message"]), seq);
                folded.messages.insert(seq, (Some(text(&d["body"])), 1, 0));
            }
            "message.edited" => {
                let message = folded.messages.get_mut(&of(&seqs)).expect("sent before");
                message.0 = Some(text(&d["body"]));
                message.1 = d["version"].as_u64().expect("a number");
            }
            "message.deleted" => {
                let message = folded.messages.get_mut(&of(&seqs)).expect("sent before");
                message.0 = None;
                message.2 = 0;
            }
            "message.reacted" => folded.messages.get_mut(&of(&seqs)).expect("sent before").2 += 1,
            _ => {}
        }
    }
    folded
}

fn shown(at: &Value) -> Folded {
    let list = |name: &str| at[name].as_array().expect("a list").clone();
    let reactions = |message: &Value| -> usize {
        let kinds = message["reactions"].as_object().expect("an object");
        kinds.values().map(|people| people.as_array().map_or(0, Vec::len)).sum()
    };
    Folded {
        members: list("members").iter().map(|member| text(&member["user"])).collect(),
        messages: list("messages")
            .iter()
            .map(|message| {
                let body = message["body"].as_str().map(str::to_owned);
                let version = message["version"].as_u64().expect("a number");
                (
                    message["seq"].as_u64().expect("a seq"),
                    (body, version, reactions(message)),
                )
            })
            .collect(),
    }
}

#[tokio::test]
async fn at_every_seq_it_is_what_a_second_fold_of_the_export_makes() {
    let world = World::new().await;
    for (channel, top) in [(GENERAL, 10), (CLUB, 5)] {
        let out = world.scratch(&channel.to_string()).to_string_lossy().into_owned();
        world
            .replay(&["export", "--out", &out, "--channel", &channel.to_string()])
            .is(0);
        let part = std::fs::read_to_string(format!("{out}/events-000001.jsonl")).expect("a part");
        let lines: Vec<Value> = part
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len() as u64, top);
        for line in &lines {
            let seq = line["revision"].as_u64().expect("a number") + 1;
            let expected = folded(&lines, seq);
            let by_seq = at(&world, channel, &["--seq", &seq.to_string()]);
            assert_eq!(shown(&by_seq), expected, "{channel} at {seq}");
            assert_eq!(by_seq["moment"]["position"], line["position"]);
            let by_position = at(&world, channel, &["--position", &line["position"].to_string()]);
            assert_eq!(by_position, by_seq, "{channel} at {seq}");
            let time = text(&line["at"]);
            // Two events of one append have one time, at which both have happened.
            if lines.iter().all(|other| other == line || other["at"] != line["at"]) {
                assert_eq!(at(&world, channel, &["--time", &time]), by_seq, "{channel} at {time}");
            }
        }
    }
}

#[tokio::test]
async fn rights_are_those_of_the_moment_not_of_today() {
    let world = World::new().await;
    let then = at(&world, GENERAL, &["--seq", "9"]);
    assert_eq!(then["settings"]["kind"], "text");
    assert_eq!(then["space"]["name"], "Town");
    let ann = member(&then, ANN);
    assert_eq!(
        (&ann["space_role"], &ann["writes"], &ann["moderates"], &ann["governs"]),
        (&json!("owner"), &json!(true), &json!(true), &json!(true))
    );
    let bob = member(&then, BOB);
    assert_eq!((&bob["writes"], &bob["moderates"]), (&json!(true), &json!(false)));
    let carol = member(&then, CAROL);
    assert_eq!(
        (&carol["writes"], &carol["moderates"], &carol["governs"]),
        (&json!(true), &json!(true), &json!(false))
    );
    assert_eq!(then["could_join"], json!([DAVE.to_string()]));
    // Then carol was muted for half a day, and bob had left.
    let muted = at(&world, GENERAL, &["--time", "2026-03-01T23:00:00Z"]);
    assert_eq!(member(&muted, CAROL)["writes"], false);
    assert_eq!(member(&muted, BOB), &Value::Null);
    assert_eq!(muted["could_join"], json!([BOB.to_string(), DAVE.to_string()]));
    let over = at(&world, GENERAL, &["--time", "2026-03-02T00:00:01Z"]);
    assert_eq!(member(&over, CAROL)["writes"], true);
    assert_eq!(at(&world, GENERAL, &[])["moment"]["seq"], 10);
}

fn readers(world: &World, channel: ChannelId, message: &str, moment: &[&str]) -> Vec<(String, bool, String)> {
    let asked = at(world, channel, &[&["--message", message], moment].concat());
    let members = asked["readers"]["members"].as_array().expect("readers").clone();
    members
        .iter()
        .map(|reader| {
            (
                text(&reader["user"]),
                reader["could_read"] == true,
                text(&reader["why"]),
            )
        })
        .collect()
}

#[tokio::test]
async fn who_could_read_a_message_follows_from_history_and_membership() {
    let world = World::new().await;
    let told = |user: UserId, could: bool, why: &str| (user.to_string(), could, why.to_owned());
    let first = world.first.to_string();
    assert_eq!(
        readers(&world, GENERAL, &first, &["--seq", "6"]),
        [
            told(ANN, true, "was_there"),
            told(BOB, true, "was_there"),
            told(CAROL, true, "open_history")
        ]
    );
    assert_eq!(
        readers(&world, GENERAL, &first, &["--seq", "10"]),
        [told(ANN, true, "was_there"), told(CAROL, true, "open_history")]
    );
    assert_eq!(
        readers(&world, CLUB, &world.secret.to_string(), &["--seq", "5"]),
        [told(ANN, true, "was_there"), told(CAROL, false, "came_later")]
    );
    let removed = world.removed.to_string();
    assert_eq!(
        readers(&world, GENERAL, &removed, &["--seq", "8"])[1],
        told(BOB, true, "was_there")
    );
    assert!(
        readers(&world, GENERAL, &removed, &["--seq", "9"])
            .iter()
            .all(|reader| !reader.1 && reader.2 == "gone")
    );
}

#[tokio::test]
async fn moments_that_never_were_are_refused() {
    let world = World::new().await;
    let (general, first) = (GENERAL.to_string(), world.first.to_string());
    let refused = |arguments: &[&str], why: &str| {
        let told = world.replay(arguments).is(1).err;
        assert!(told.contains(why), "{told}");
    };
    refused(&["at", "--channel", &general, "--seq", "11"], "newest event has seq 10");
    refused(
        &["at", "--channel", &general, "--position", "9"],
        "no such channel at that moment",
    );
    refused(
        &["at", "--channel", &general, "--time", "2020-01-01"],
        "no such channel at that moment",
    );
    refused(
        &["at", "--channel", &ChannelId::from_u128(9).to_string()],
        "no such channel",
    );
    refused(
        &["at", "--channel", &general, "--seq", "3", "--message", &first],
        "no such message at that moment",
    );
    refused(
        &["at", "--channel", &CLUB.to_string(), "--message", &first],
        "no such message",
    );
    world.damage("update events set payload = x'00' where position = 13");
    refused(&["at", "--channel", &general, "--seq", "9"], "position 13 is damaged");
}

#[tokio::test]
async fn words_are_shown_as_they_read_then_and_not_once_they_were_taken_away() {
    let world = World::new().await;
    let id = GENERAL.to_string();
    let show = |seq: &str| {
        world
            .replay(&["at", "--channel", &id, "--seq", seq, "--messages", "10"])
            .is(0)
            .out
    };
    assert!(show("6").contains("one, see") && show("6").contains("two is a secret"));
    let later = show("9");
    assert!(
        later.contains("one, and better") && !later.contains("secret") && later.contains("(deleted)"),
        "{later}"
    );
    let bare = world.replay(&["at", "--channel", &id]).is(0).out;
    assert!(!bare.contains("one, and better"), "{bare}");
}
