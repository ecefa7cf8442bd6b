//! `diff`: where two histories part, and what changed in a channel between two moments.

use serde_json::{Value, json};

use crate::world::{BOB, CAROL, GENERAL, Pen, World, replay};

fn diff(left: &World, right: &World, more: &[&str]) -> crate::world::Ended {
    let (left, right) = (left.data().to_string_lossy(), right.data().to_string_lossy());
    replay(&[&["diff", "logs", &left, &right, "--format", "json"], more].concat())
}

#[tokio::test]
async fn equal_logs_are_equal_and_a_longer_one_goes_on() {
    let (one, other) = (World::new().await, World::new().await);
    let report = diff(&one, &other, &[]).is(0).json().remove(0);
    assert_eq!((&report["same"], &report["first"]), (&json!(26), &Value::Null));
    let mut pen = Pen::on(other.data()).await;
    pen.say(GENERAL, BOB, "more").await;
    drop(pen);
    let report = diff(&one, &other, &[]).is(3).json().remove(0);
    assert_eq!(
        (
            &report["same"],
            &report["only_right"],
            &report["prefix"],
            &report["first"]["position"]
        ),
        (&json!(26), &json!(1), &json!(true), &json!(27))
    );
    diff(&one, &other, &["--prefix"]).is(0);
    diff(&other, &one, &["--prefix"]).is(0);
}

#[tokio::test]
async fn the_first_event_that_differs_is_named_with_what_differs_in_it() {
    let (one, other) = (World::new().await, World::new().await);
    for (world, words, at) in [(&one, "here", 1), (&other, "there", 2)] {
        let mut pen = Pen::on(world.data()).await;
        for _ in 0..at {
            pen.say(GENERAL, BOB, words).await;
        }
    }
    let report = diff(&one, &other, &["--prefix"]).is(3).json().remove(0);
    assert_eq!(
        (&report["first"]["position"], &report["first"]["fields"]),
        (&json!(27), &json!(["payload"]))
    );
    assert_eq!((&report["different"], &report["only_right"]), (&json!(1), &json!(1)));
    assert!(!report.to_string().contains("here"));
}

#[tokio::test]
async fn an_export_is_compared_with_the_log_it_came_from() {
    let world = World::new().await;
    let out = world.scratch("all").to_string_lossy().into_owned();
    world.replay(&["export", "--out", &out, "--part-events", "10"]).is(0);
    let (data, log) = (
        world.data().to_string_lossy().into_owned(),
        world.log().to_string_lossy().into_owned(),
    );
    replay(&["diff", "logs", &out, &data]).is(0);
    replay(&["diff", "logs", &log, &out]).is(0);
    let channel = world.scratch("channel").to_string_lossy().into_owned();
    world
        .replay(&["export", "--out", &channel, "--channel", &GENERAL.to_string()])
        .is(0);
    let told = replay(&["diff", "logs", &data, &channel, "--format", "json"])
        .is(3)
        .json()
        .remove(0);
    assert_eq!(
        (&told["same"], &told["only_left"], &told["prefix"]),
        (&json!(10), &json!(16), &json!(false))
    );
}

#[tokio::test]
async fn two_moments_of_a_channel_differ_by_what_happened_between_them() {
    let world = World::new().await;
    let id = GENERAL.to_string();
    let between = |at: &str, and: &str| {
        world.replay(&[
            "diff",
            "channel",
            "--channel",
            &id,
            "--at",
            at,
            "--and",
            and,
            "--format",
            "json",
        ])
    };
    let report = between("5", "10").is(3).json().remove(0);
    assert_eq!(
        (&report["sent"], &report["edited"], &report["deleted"]),
        (&json!([]), &json!([4]), &json!([5]))
    );
    assert_eq!(
        (&report["came"], &report["went"]),
        (&json!([CAROL.to_string()]), &json!([BOB.to_string()]))
    );
    assert_eq!(between("3", "@14").is(3).json()[0]["sent"], json!([4, 5]));
    between("10", "2026-03-01T12:20:00Z").is(0);
    // Carol was muted after everything that happened here.
    assert_eq!(
        between("10", "2026-03-01T23:00:00Z").is(3).json()[0]["rights_changed"],
        json!([CAROL.to_string()])
    );
    between("10", "5").is(2);
}
