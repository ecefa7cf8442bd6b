//! `verify` and `diff views`: rows that somebody changed by hand are found, and two copies of a view are compared.

use std::{path::Path, time::Duration};

use event_store::{EventLog, SqliteLog, SqliteOptions};
use projections::Views;
use rusqlite::Connection;
use serde_json::json;

use crate::world::{ANN, GENERAL, Pen, World, replay};

/// Folds the log into views, as the service does.
pub(crate) async fn fold(world: &World) {
    const PATIENCE: Duration = Duration::from_secs(60);
    let log = SqliteLog::open(SqliteOptions::new(world.log())).expect("the log");
    let head = log.head().await.expect("a head");
    let views = Views::open(&world.data().join("views"), &head).await.expect("views");
    let running = views.start(log.clone());
    assert!(views.wait_for(head.position, PATIENCE).await);
    running.stop().await.expect("stopped");
}

pub(crate) fn change(world: &World, file: &str, sql: &str) {
    let view = Connection::open(world.data().join("views").join(file)).expect("a view");
    view.execute_batch(sql).expect("a change");
}

fn views(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("views")).expect("a folder").flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[tokio::test]
async fn views_that_hold_what_was_written_are_told_with_their_digests() {
    let world = World::new().await;
    fold(&world).await;
    let report = world.json(&["verify"]).remove(0);
    let checked = report["views"].as_array().expect("views").clone();
    assert_eq!(checked.len(), projections::ALL.len());
    assert!(
        checked
            .iter()
            .all(|view| view["position"] == 26 && view["digest"].is_string()),
        "{report}"
    );
    assert!(
        checked
            .iter()
            .any(|view| view["projection"] == "timeline" && view["rows"].as_u64() >= Some(4))
    );
    assert_eq!(world.json(&["verify", "--no-views"])[0]["views"], json!([]));
}

#[tokio::test]
async fn a_row_that_was_changed_by_hand_is_found_with_its_channel() {
    let world = World::new().await;
    fold(&world).await;
    change(
        &world,
        "timeline.1.sqlite",
        "update timeline_message set body = 'never said' where body is not null",
    );
    let report = world.replay(&["verify", "--format", "json"]).is(3).json().remove(0);
    let findings = report["findings"].to_string();
    assert!(
        findings.contains("timeline") && findings.contains(&GENERAL.to_string()),
        "{findings}"
    );
    assert!(!findings.contains("never said"));
}

#[tokio::test]
async fn a_view_of_another_log_is_found() {
    let (one, other) = (World::new().await, World::new().await);
    fold(&one).await;
    let mut pen = Pen::on(one.data()).await;
    pen.say(GENERAL, ANN, "more").await;
    drop(pen);
    fold(&one).await;
    let views = one.data().join("views").to_string_lossy().into_owned();
    let told = other.replay(&["verify", "--views", &views]).is(3).out;
    assert!(
        told.contains("a view of another log") && told.contains("it stands at position 27, and the log ends at 26"),
        "{told}"
    );
    one.replay(&["verify"]).is(0);
}

#[tokio::test]
async fn two_copies_of_a_view_are_compared_by_key() {
    let (one, other) = (World::new().await, World::new().await);
    fold(&one).await;
    fold(&other).await;
    let (left, right) = (
        one.data().to_string_lossy().into_owned(),
        other.data().to_string_lossy().into_owned(),
    );
    let diff = |projection: &str| {
        let arguments = [
            "diff",
            "views",
            "--projection",
            projection,
            "--generations",
            "1",
            "--format",
            "json",
        ];
        replay(&[&arguments[..], &["--data-dir", &left, "--other-data-dir", &right]].concat())
    };
    for projection in projections::ALL {
        diff(projection.name).is(0);
    }
    change(
        &other,
        "timeline.1.sqlite",
        "delete from timeline_message where body is not null",
    );
    let report = diff("timeline").is(3).json().remove(0);
    assert_eq!(report["differing_count"], 2);
    assert!(report["differing"].to_string().contains(&GENERAL.to_string()));
    assert!(diff("no_such_view").is(1).err.contains("no view called no_such_view"));
    one.replay(&["diff", "views", "--projection", "timeline", "--generations", "1,2"])
        .is(1);
    one.replay(&["diff", "views", "--projection", "timeline", "--generations", "1"])
        .is(2);
    assert!(views(one.data()).contains(&"timeline.1.sqlite".to_owned()));
}
