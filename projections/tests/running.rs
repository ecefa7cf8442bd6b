//! The runner against everything that goes wrong around it: other owners, other logs, other versions, events nobody can read.
#![allow(clippy::unwrap_used)]

mod world;

use std::{path::Path, sync::Arc, time::Duration};

use domain::{
    ChannelId, Decider,
    channel::{Channel, Command, History},
    space::JoinRule,
};
use event_store::{EventLog, Head, Identity, MemoryLog, StreamName};
use projections::{ALL, Anchor, Mismatch, OnMismatch, OpenError, RunnerError, Views};
use prometheus_client::{encoding::text::encode, registry::Registry};
use world::{ANN, BOB, CAROL, PATIENCE, World, at_once, connect, dump, fold_all, open};

#[tokio::test]
async fn a_stale_runner_cannot_commit_and_says_so() {
    let (mut world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    let stale = open(folder.path(), &world.log).await;
    let mut second = stale.start(world.log.clone());
    // The second runner has taken note of the checkpoint once it has folded something itself.
    world.say(ANN, channel, "for the second").await;
    assert!(stale.wait_for(world.head().await, PATIENCE).await);
    // Meanwhile another process moves on, as after a long pause of the second.
    let mut db = connect(folder.path(), "timeline").await;
    sqlx::query("update checkpoint set epoch = epoch + 1")
        .execute(&mut db)
        .await
        .unwrap();
    let before = dump(folder.path()).await;
    world.say(ANN, channel, "not for the second").await;
    let ended = second.ended().await;
    assert!(
        matches!(ended, Err(RunnerError::Stale { projection: "timeline" })),
        "{ended:?}"
    );
    assert_eq!(dump(folder.path()).await, before);
    drop(views);
}

#[tokio::test]
async fn of_two_runners_on_the_same_views_one_goes_on_and_the_tables_are_right() {
    let (mut world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (
        open(folder.path(), &world.log).await,
        open(folder.path(), &world.log).await,
    );
    let options = at_once(1);
    let mut racing = [
        one.start_with(world.log.clone(), options),
        other.start_with(world.log.clone(), options),
    ];
    let [first, second] = &mut racing;
    for number in 0..200 {
        world.say(ANN, channel, &format!("race {number}")).await;
    }
    let (lost, winner) = tokio::select! {
        lost = first.ended() => (lost, &other),
        lost = second.ended() => (lost, &one),
    };
    assert!(matches!(lost, Err(RunnerError::Stale { .. })), "{lost:?}");
    assert!(winner.wait_for(world.head().await, PATIENCE).await);
    drop(racing);
    let alone = tempfile::tempdir().unwrap();
    fold_all(alone.path(), &world.log, 1000).await;
    fold_all(folder.path(), &world.log, 1000).await;
    assert_eq!(dump(folder.path()).await, dump(alone.path()).await);
}

#[tokio::test]
async fn views_of_another_log_are_folded_again() {
    let (world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    fold_all(folder.path(), &world.log, 1000).await;
    let empty = MemoryLog::new();
    let views = open(folder.path(), &empty).await;
    assert_eq!(views.position(), 0);
    assert_eq!(
        views.timeline.page(channel, 1, Anchor::Latest, 10).await.unwrap().items,
        []
    );
    assert_eq!(views.status()[0].generation, 2);
}

#[tokio::test]
async fn each_mismatch_is_named_to_whoever_refuses_it() {
    let (world, _) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    fold_all(folder.path(), &world.log, 1000).await;
    let head = world.log.head().await.unwrap();
    let refuse = async |head: Head| match Views::open_with(folder.path(), &head, OnMismatch::Refuse).await {
        Err(OpenError::Mismatch(mismatch)) => mismatch,
        other => panic!("{other:?}"),
    };
    let other = Identity {
        id: uuid::Uuid::from_u128(1),
        ..head.identity
    };
    let restored = Identity {
        incarnation: head.identity.incarnation + 1,
        ..head.identity
    };
    let projection = "timeline";
    assert_eq!(
        refuse(Head {
            identity: other,
            ..head
        })
        .await,
        Mismatch::AnotherLog {
            projection,
            stored: head.identity,
            actual: other
        }
    );
    assert_eq!(
        refuse(Head {
            identity: restored,
            ..head
        })
        .await,
        Mismatch::AnotherIncarnation {
            projection,
            stored: head.identity.incarnation,
            actual: restored.incarnation
        }
    );
    assert_eq!(
        refuse(Head {
            position: head.position - 1,
            ..head
        })
        .await,
        Mismatch::AheadOfLog {
            projection,
            checkpoint: head.position,
            head: head.position - 1
        }
    );
}

#[tokio::test]
async fn a_view_of_another_version_is_emptied_and_folded_again_while_others_stay() {
    let (world, _) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    fold_all(folder.path(), &world.log, 1000).await;
    let right = dump(folder.path()).await;
    let mut db = connect(folder.path(), "timeline").await;
    for wrong in [
        "update checkpoint set version = 0",
        "update timeline_message set body = 'old'",
    ] {
        sqlx::query(wrong).execute(&mut db).await.unwrap();
    }
    let views = fold_all(folder.path(), &world.log, 1000).await;
    assert_eq!(dump(folder.path()).await, right);
    let generations: Vec<_> = views
        .status()
        .iter()
        .map(|status| (status.name, status.generation))
        .collect();
    assert_eq!(
        generations,
        [
            ("timeline", 2),
            ("channel_list", 1),
            ("directory", 1),
            ("reports", 1),
            ("audit", 1),
            ("feed", 1),
            ("notifications", 1),
            ("search", 1)
        ]
    );
}

#[tokio::test]
async fn views_at_different_positions_catch_up_to_the_same_head() {
    let (mut world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    fold_all(folder.path(), &world.log, 1000).await;
    let mut db = connect(folder.path(), "channel_list").await;
    sqlx::query("update checkpoint set version = 0")
        .execute(&mut db)
        .await
        .unwrap();
    world.say(ANN, channel, "later").await;
    let views = open(folder.path(), &world.log).await;
    assert_eq!(views.position(), 0);
    fold_all(folder.path(), &world.log, 2).await;
    let alone = tempfile::tempdir().unwrap();
    fold_all(alone.path(), &world.log, 1000).await;
    assert_eq!(dump(folder.path()).await, dump(alone.path()).await);
}

#[tokio::test]
async fn an_unknown_event_parks_its_stream_and_lets_all_others_go_on() {
    let (mut world, broken) = talk().await;
    let healthy = world.new_direct(BOB, CAROL).await;
    world
        .append_raw(&channel_stream(broken), "message.exploded", 1, r#"{"secret":"words"}"#)
        .await;
    world.say(ANN, broken, "behind it").await;
    let healthy_message = world.say(BOB, healthy, "all well").await;
    world
        .append_raw(&channel_stream(broken), "message.sent", 99, "{}")
        .await;
    let mut dumps = vec![];
    for batch_events_max in [1, 2, 1000] {
        let folder = tempfile::tempdir().unwrap();
        let views = fold_all(folder.path(), &world.log, batch_events_max).await;
        let page = views.timeline.page(broken, 1, Anchor::Latest, 10).await.unwrap();
        assert_eq!(
            page.items
                .iter()
                .map(|message| message.body.as_deref())
                .collect::<Vec<_>>(),
            [Some("hello")]
        );
        assert!(
            views
                .timeline
                .message(healthy, healthy_message)
                .await
                .unwrap()
                .is_some()
        );
        let parked: Vec<_> = views
            .status()
            .iter()
            .map(|status| (status.name, status.parked, status.lag_events))
            .collect();
        assert_eq!(
            parked,
            [
                ("timeline", 3, 0),
                ("channel_list", 3, 0),
                ("directory", 0, 0),
                ("reports", 0, 0),
                ("audit", 3, 0),
                ("feed", 3, 0),
                ("notifications", 3, 0),
                ("search", 3, 0)
            ]
        );
        dumps.push(dump(folder.path()).await);
        assert_eq!(dumps[0], *dumps.last().unwrap());
    }
    assert!(dumps[0].contains("waits behind"));
    assert!(!dumps[0].contains("secret"), "a reason quotes the payload");
}

#[tokio::test]
async fn a_parked_stream_stays_parked_after_a_restart() {
    let (mut world, broken) = talk().await;
    world
        .append_raw(&channel_stream(broken), "message.sent", 1, r#"{"message":"#)
        .await;
    let folder = tempfile::tempdir().unwrap();
    fold_all(folder.path(), &world.log, 1000).await;
    world.say(ANN, broken, "behind it").await;
    let views = fold_all(folder.path(), &world.log, 1000).await;
    assert_eq!(
        views
            .timeline
            .page(broken, 1, Anchor::Latest, 10)
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    assert_eq!(views.status()[0].parked, 2);
}

#[tokio::test]
async fn events_of_an_unknown_category_concern_no_view() {
    let (mut world, channel) = talk().await;
    world
        .append_raw(
            &StreamName::new("weather", uuid::Uuid::from_u128(1)),
            "rain.fell",
            1,
            "{}",
        )
        .await;
    world.say(ANN, channel, "wet").await;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    assert_eq!(views.status().iter().map(|status| status.parked).sum::<u64>(), 0);
    assert_eq!(
        views
            .timeline
            .page(channel, 1, Anchor::Latest, 10)
            .await
            .unwrap()
            .items
            .len(),
        2
    );
}

#[tokio::test]
async fn waiting_ends_at_the_position_or_at_the_time_limit() {
    let (mut world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    assert!(!views.wait_for(1, Duration::from_millis(20)).await, "nothing folds yet");
    let running = views.start(world.log.clone());
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    assert!(!views.wait_for(world.head().await + 1, Duration::from_millis(20)).await);
    world.say(ANN, channel, "one more").await;
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    assert_eq!((views.position(), views.lag()), (world.head().await, 0));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_stopped_runner_leaves_every_checkpoint_at_the_head() {
    let (mut world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    world.say(ANN, channel, "nothing for the directory").await;
    fold_all(folder.path(), &world.log, 1).await;
    let views = open(folder.path(), &world.log).await;
    let head = world.head().await;
    assert_eq!(
        views
            .status()
            .iter()
            .map(|status| status.checkpoint)
            .collect::<Vec<_>>(),
        vec![head; ALL.len()]
    );
}

#[tokio::test]
async fn a_locked_database_delays_the_views_and_loses_nothing() {
    let (mut world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start(world.log.clone());
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    let mut db = connect(folder.path(), "timeline").await;
    sqlx::query("begin immediate").execute(&mut db).await.unwrap();
    world.say(ANN, channel, "patience").await;
    assert!(!views.wait_for(world.head().await, Duration::from_millis(50)).await);
    shows(&views, "projection_lag_events{projection=\"timeline\"} 1").await;
    sqlx::query("rollback").execute(&mut db).await.unwrap();
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn more_than_fits_ahead_of_the_writer_is_folded_all_the_same() {
    let (mut world, channel) = talk().await;
    let longest = "\u{1f600}".repeat(8_000);
    for _ in 0..600 {
        world.say(ANN, channel, &longest).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 8192).await;
    let page = views.timeline.page(channel, 1, Anchor::Latest, 1000).await.unwrap();
    assert_eq!(page.items.len(), 601);
    assert!(
        page.items[1..]
            .iter()
            .all(|message| message.body.as_deref() == Some(&longest))
    );
}

#[tokio::test]
async fn metrics_count_what_was_folded_and_what_was_parked() {
    let (mut world, broken) = talk().await;
    world
        .append_raw(&channel_stream(broken), "message.exploded", 1, "{}")
        .await;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    let text = metrics_of(&views);
    for line in [
        "projection_lag_events{projection=\"timeline\"} 0",
        "projection_applied_events_total{projection=\"directory\"} 8",
        "projection_parked_events{projection=\"timeline\"} 1",
        "projection_apply_duration_seconds_count{projection=\"channel_list\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    // What was put aside before is still aside, though this runner put nothing there.
    let restarted = open(folder.path(), &world.log).await;
    let running = restarted.start(world.log.clone());
    shows(&restarted, "projection_parked_events{projection=\"timeline\"} 1").await;
    running.stop().await.unwrap();
}

/// Waits until the metrics say so.
async fn shows(views: &Views, line: &str) {
    let shown = async {
        while !metrics_of(views).lines().any(|shown| shown == line) {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, shown).await.is_ok(),
        "{line} is not in\n{}",
        metrics_of(views)
    );
}

fn metrics_of(views: &Views) -> String {
    let mut registry = Registry::default();
    views.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

#[tokio::test]
async fn deleted_words_are_in_no_file_of_the_views() {
    let (mut world, channel) = talk().await;
    let secret = "the words that must be gone";
    let message = world.say(ANN, channel, secret).await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start(world.log.clone());
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    assert!(holds(folder.path(), secret), "the words were never there");
    world.delete(ANN, channel, message).await;
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    // The write-ahead log is emptied once it has been quiet for a while.
    let gone = async {
        while holds(folder.path(), secret) {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    };
    assert!(tokio::time::timeout(PATIENCE, gone).await.is_ok());
    running.stop().await.unwrap();
}

fn holds(folder: &Path, words: &str) -> bool {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files
        .into_iter()
        .any(|bytes| bytes.windows(words.len()).any(|window| window == words.as_bytes()))
}

/// Everyone, a space, and a channel in which Ann said hello.
async fn talk() -> (World, ChannelId) {
    let mut world = World::new(1);
    world.register_everyone().await;
    let space = world.new_space(ANN, "Town", JoinRule::Open).await;
    world.space(BOB, space, domain::space::Command::Join).await.unwrap();
    let channel = world.new_text(ANN, space, "general", false, History::All).await;
    world.channel(BOB, channel, Command::Join).await.unwrap();
    world.say(ANN, channel, "hello").await;
    (world, channel)
}

fn channel_stream(id: ChannelId) -> StreamName {
    StreamName::new(Channel::CATEGORY, id.uuid())
}

/// The log trait object is what the service uses; keep it possible.
#[allow(dead_code, reason = "compiles or not")]
fn a_log_behind_a_pointer_will_do(views: &Views, log: Arc<dyn EventLog>) -> projections::Running {
    views.start(log)
}
