//! `inspect` and `stats`: what is shown, and that words are only shown when asked for.

use domain::EventId;
use serde_json::json;

use crate::world::{ANN, BOB, CLUB, GENERAL, World};

#[tokio::test]
async fn streams_are_listed_by_category_and_prefix_with_their_counts() {
    let world = World::new().await;
    let channels = world.json(&["inspect", "streams", "--category", "channel"]);
    let told: Vec<_> = channels.iter().map(|line| (&line["id"], &line["events"])).collect();
    assert_eq!(
        told,
        [
            (&json!(GENERAL.to_string()), &json!(10)),
            (&json!(CLUB.to_string()), &json!(5))
        ]
    );
    assert_eq!(channels[1]["first_at"], "2026-03-01T12:18:00.000000Z");
    assert_eq!(world.json(&["inspect", "streams"]).len(), 8);
    assert_eq!(world.json(&["inspect", "streams", "--limit", "3"]).len(), 3);
    assert_eq!(world.json(&["inspect", "streams", "--prefix", "inbox-"]).len(), 1);
}

#[tokio::test]
async fn the_events_of_a_stream_are_found_by_its_name_and_by_its_public_id() {
    let world = World::new().await;
    let by_id = world.json(&["inspect", "events", &GENERAL.to_string()]);
    assert_eq!(
        by_id,
        world.json(&["inspect", "events", &format!("channel-{}", GENERAL.uuid())])
    );
    assert_eq!(by_id.len(), 10);
    assert_eq!(
        (&by_id[3]["seq"], &by_id[3]["type"]),
        (&json!(4), &json!("message.sent"))
    );
    assert_eq!(by_id[3]["actor"], ANN.to_string());
    let some = world.json(&["inspect", "events", &GENERAL.to_string(), "--from", "4", "--to", "5"]);
    assert_eq!(some, by_id[3..5]);
    let range = world.json(&["inspect", "events", "--from", "3", "--limit", "2"]);
    let positions: Vec<_> = range.iter().map(|line| &line["position"]).collect();
    assert_eq!(positions, [3, 4]);
}

#[tokio::test]
async fn words_are_only_shown_when_they_are_asked_for() {
    let world = World::new().await;
    for arguments in [
        vec!["inspect", "events"],
        vec!["inspect", "events", "--format", "json"],
        vec!["stats"],
        vec!["verify"],
    ] {
        let shown = world.replay(&arguments).is(0);
        assert!(!shown.out.contains("secret"), "{arguments:?}");
    }
    let shown = world
        .replay(&["inspect", "events", &GENERAL.to_string(), "--payload"])
        .is(0);
    assert!(shown.out.contains("two is a secret"));
    let line = &world.json(&["inspect", "events", &GENERAL.to_string(), "--payload", "--from", "5"])[0];
    assert_eq!(line["payload"]["body"], "two is a secret");
}

#[tokio::test]
async fn an_event_is_found_by_each_of_its_names() {
    let world = World::new().await;
    let message = world.first.to_string();
    let found = world.json(&["inspect", "event", &message]).remove(0);
    let event = EventId::from(world.first.uuid()).to_string();
    assert_eq!(found["event"], event);
    let position = found["position"].to_string();
    for name in [event, world.first.uuid().to_string(), position] {
        let again = world.json(&["inspect", "event", &name]);
        assert_eq!(again.first(), Some(&found), "{name}");
    }
    let other = EventId::from_u128(1).to_string();
    assert!(
        world
            .replay(&["inspect", "event", &other])
            .is(1)
            .err
            .contains("no such event")
    );
    assert!(world.replay(&["inspect", "event", "9999"]).is(1).out.is_empty());
    assert!(
        world
            .replay(&["inspect", "events", &BOB.to_string().replace("user", "channel")])
            .is(1)
            .err
            .contains("no stream")
    );
}

#[tokio::test]
async fn a_damaged_event_is_shown_as_one() {
    let world = World::new().await;
    world.damage("update events set payload = x'7b7d' where position = 5");
    assert_eq!(world.json(&["inspect", "event", "5"])[0]["damaged"], true);
    assert!(world.replay(&["inspect", "events"]).is(0).out.contains("DAMAGED"));
}

#[tokio::test]
async fn what_is_counted_adds_up_to_the_log() {
    let world = World::new().await;
    let stats = world.json(&["stats", "--top", "1"]).remove(0);
    assert_eq!((&stats["events"], &stats["damaged"]), (&json!(26), &json!(0)));
    assert_eq!(stats["by_type"]["message.sent"]["events"], 4);
    assert_eq!(stats["by_day"]["2026-03-01"]["events"], 26);
    assert_eq!(stats["channels"], 2);
    assert_eq!(
        stats["by_channel"][0],
        json!({"channel": GENERAL.to_string(), "events": 10, "bytes": stats["by_channel"][0]["bytes"]})
    );
    assert_eq!(stats["by_channel"].as_array().map(Vec::len), Some(1));
    let on_disk = std::fs::metadata(world.log()).expect("the log").len();
    assert!(stats["log_file_bytes"].as_u64() >= Some(on_disk));
}
