//! `what-if`: what a rule would have touched, told without touching anything.

use serde_json::{Value, json};

use crate::world::{CLUB, GENERAL, TOWN, World};

fn what_if(world: &World, rule: &[&str]) -> Value {
    let before = std::fs::read(world.log()).expect("the log");
    let report = world.json(&[&["what-if"], rule].concat()).remove(0);
    assert!(
        before == std::fs::read(world.log()).expect("the log"),
        "the log was changed"
    );
    report
}

#[tokio::test]
async fn retention_counts_old_messages_that_are_still_there() {
    let world = World::new().await;
    let rule = |age: &'static str| ["retention", "--older-than", age, "--now", "2026-03-01T12:30:00Z"];
    let all = what_if(&world, &rule("1m"));
    // The first one with its edited words, the secret, and hello; bob's are gone already.
    assert_eq!(
        (&all["looked_at"], &all["messages"], &all["already_deleted"]),
        (&json!(4), &json!(3), &json!(1))
    );
    assert_eq!(all["by_type"]["message.edited"]["events"], 1);
    assert_eq!(all["by_channel"][CLUB.to_string()]["events"], 2);
    assert_eq!(what_if(&world, &rule("90d"))["messages"], 0);
    let of_space = what_if(&world, &[&rule("1m")[..], &["--space", &TOWN.to_string()]].concat());
    assert_eq!(of_space["messages"], 1);
    let of_channel = what_if(&world, &[&rule("1m")[..], &["--channel", &CLUB.to_string()]].concat());
    assert_eq!(of_channel["messages"], 2);
}

#[tokio::test]
async fn content_rules_count_what_they_would_have_refused_and_hide_the_words() {
    let world = World::new().await;
    let links = what_if(&world, &["content", "--no-links"]);
    assert_eq!(
        (&links["messages"], &links["examples"][0]["seq"]),
        (&json!(1), &json!(4))
    );
    assert_eq!(links["examples"][0]["channel"], GENERAL.to_string());
    assert!(!links.to_string().contains("a.example"));
    let secrets = what_if(&world, &["content", "--matches", "secret$", "--show-bodies"]);
    assert_eq!(
        (&secrets["messages"], &secrets["already_deleted"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(secrets["examples"][0]["body"], "the secret");
    let long = what_if(&world, &["content", "--max-chars", "14", "--examples", "1"]);
    // Both versions of the first message are too long, and it is one message.
    assert_eq!(
        (&long["messages"], &long["by_type"]["message.edited"]["events"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(long["examples"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_damaged_event_does_not_stop_a_dry_run() {
    let world = World::new().await;
    world.damage("update events set payload = x'00' where position = 13");
    let report = what_if(&world, &["content", "--no-links"]);
    assert_eq!((&report["damaged"], &report["messages"]), (&json!(1), &json!(0)));
}
