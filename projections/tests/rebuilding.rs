//! Generations built beside the ones that serve: what operators may do with them, and that neither readers nor crashes notice.
#![allow(clippy::unwrap_used)]

mod world;

use std::{path::Path, time::Duration};

use domain::{
    ChannelId,
    channel::{Command, History},
    space::JoinRule,
};
use projections::{ALL, Anchor, Operation, OperationError, Options, ProjectionState, ProjectionStatus, Promote, Views};
use world::{ANN, BOB, PATIENCE, World, at_once, connect, dump, fold_all, open, settle, step};

const REBUILD: Operation = Operation::Rebuild {
    promote: Promote::WhenEqual,
    events_per_s: None,
};

/// So slow that it is still at work whenever a test looks.
const SLOWLY: Operation = Operation::Rebuild {
    promote: Promote::WhenEqual,
    events_per_s: Some(8),
};

#[tokio::test]
async fn a_rebuild_takes_the_place_of_what_served_and_keeps_it_warm() {
    let (mut world, channel) = talk(40).await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(100));
    let row = views.operate("timeline", REBUILD).await.unwrap();
    assert_eq!((row.name, row.generation), ("timeline", 2));
    serves(&views, "timeline", 2).await;
    assert_eq!(
        states(&views, "timeline"),
        [(1, ProjectionState::Ready), (2, ProjectionState::Serving)]
    );
    world.say(ANN, channel, "after it").await;
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    let page = views.timeline.page(channel, 1, Anchor::Latest, 1).await.unwrap();
    assert_eq!(page.items[0].body.as_deref(), Some("after it"));
    // Warm means that it has what came after.
    let row = views.operate("timeline", Operation::RollBack).await.unwrap();
    assert_eq!((row.generation, row.state), (1, ProjectionState::Serving));
    let page = views.timeline.page(channel, 1, Anchor::Latest, 1).await.unwrap();
    assert_eq!(page.items[0].body.as_deref(), Some("after it"));
    let row = views.operate("timeline", Operation::Promote).await.unwrap();
    assert_eq!((row.generation, row.state), (2, ProjectionState::Serving));
    let row = views.operate("timeline", Operation::Retire).await.unwrap();
    assert_eq!((row.generation, row.state), (1, ProjectionState::Retired));
    assert_eq!(files(folder.path(), "timeline"), ["timeline.2.sqlite"]);
    running.stop().await.unwrap();
    same_as_cold(folder.path(), &world).await;
}

#[tokio::test]
async fn a_second_rebuild_replaces_the_warm_generation() {
    let (world, _) = talk(10).await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(100));
    for generation in [2, 3] {
        views.operate("directory", REBUILD).await.unwrap();
        serves(&views, "directory", generation).await;
    }
    assert_eq!(
        states(&views, "directory"),
        [(2, ProjectionState::Ready), (3, ProjectionState::Serving)]
    );
    running.stop().await.unwrap();
    assert_eq!(
        files(folder.path(), "directory"),
        ["directory.2.sqlite", "directory.3.sqlite"]
    );
    // Both are there after a restart, and both go on.
    let views = fold_all(folder.path(), &world.log, 7).await;
    assert_eq!(
        states(&views, "directory"),
        [(2, ProjectionState::Ready), (3, ProjectionState::Serving)]
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_by_name() {
    let (world, _) = talk(40).await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(100));
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    let refused = async |view: &str, operation| views.operate(view, operation).await.unwrap_err();
    assert!(matches!(refused("weather", REBUILD).await, OperationError::NoSuchView));
    for (operation, expected) in [
        (Operation::Pause, "no generation of this view is being built"),
        (Operation::Resume, "no generation of this view is being built"),
        (Operation::Cancel, "no generation of this view is being built"),
        (Operation::Promote, "no newer generation of this view is ready"),
        (Operation::RollBack, "no generation that served before is kept"),
        (
            Operation::Retire,
            "the view has only the generation that serves, which cannot be retired",
        ),
    ] {
        assert_eq!(refused("timeline", operation).await.to_string(), expected);
    }
    views.operate("timeline", SLOWLY).await.unwrap();
    assert!(matches!(
        refused("timeline", REBUILD).await,
        OperationError::RebuildRunning { generation: 2 }
    ));
    // Another view may be rebuilt meanwhile.
    views.operate("audit", REBUILD).await.unwrap();
    serves(&views, "audit", 2).await;
    views.operate("timeline", Operation::Cancel).await.unwrap();
    running.stop().await.unwrap();
    assert!(matches!(
        refused("timeline", REBUILD).await,
        OperationError::NobodyFolds
    ));
}

#[tokio::test]
async fn a_cancelled_rebuild_leaves_nothing() {
    let (world, _) = talk(40).await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(100));
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    views.operate("timeline", SLOWLY).await.unwrap();
    let row = views.operate("timeline", Operation::Cancel).await.unwrap();
    assert_eq!((row.generation, row.state), (2, ProjectionState::Retired));
    assert_eq!(states(&views, "timeline"), [(1, ProjectionState::Serving)]);
    soon(|| files(folder.path(), "timeline") == ["timeline.1.sqlite"]).await;
    // Its number is not given again.
    let row = views.operate("timeline", REBUILD).await.unwrap();
    assert_eq!(row.generation, 3);
    serves(&views, "timeline", 3).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_rebuild_goes_on_after_a_crash_and_one_that_is_paused_stays_paused() {
    let (world, _) = talk(60).await;
    let folder = tempfile::tempdir().unwrap();
    fold_all(folder.path(), &world.log, 100).await;
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(100));
    let fast_enough = Operation::Rebuild {
        promote: Promote::WhenEqual,
        events_per_s: Some(40),
    };
    views.operate("timeline", fast_enough).await.unwrap();
    soon(|| building(&views).is_some_and(|row| row.checkpoint > 10)).await;
    let row = views.operate("timeline", Operation::Pause).await.unwrap();
    assert!(row.progress.unwrap().paused);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let stood = building(&views).unwrap().checkpoint;
    drop(running);
    for _ in 0..3 {
        let views = open(folder.path(), &world.log).await;
        let _killed = views.start_with(world.log.clone(), at_once(100));
        assert!(views.wait_for(world.head().await, PATIENCE).await);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let row = building(&views).unwrap();
        assert!(row.checkpoint >= stood && row.progress.unwrap().paused, "{row:?}");
    }
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(100));
    assert!(building(&views).unwrap().checkpoint > 0, "it began again");
    views.operate("timeline", Operation::Resume).await.unwrap();
    serves(&views, "timeline", 2).await;
    running.stop().await.unwrap();
    same_as_cold(folder.path(), &world).await;
}

#[tokio::test]
async fn a_rebuild_that_is_never_to_be_promoted_waits_and_one_that_differs_says_so() {
    let (world, _) = talk(10).await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(100));
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    let never = Operation::Rebuild {
        promote: Promote::Never,
        events_per_s: None,
    };
    views.operate("timeline", never).await.unwrap();
    soon(|| states(&views, "timeline").contains(&(2, ProjectionState::Ready))).await;
    assert_eq!(states(&views, "timeline")[0], (1, ProjectionState::Serving));
    // The sums of the serving generation are no longer those of the log.
    let mut db = connect(folder.path(), "timeline").await;
    sqlx::query("update digest set sum_low = sum_low + 1")
        .execute(&mut db)
        .await
        .unwrap();
    views.operate("timeline", REBUILD).await.unwrap();
    soon(|| states(&views, "timeline") == [(1, ProjectionState::Serving), (3, ProjectionState::Ready)]).await;
    let row = views.status().into_iter().find(|row| row.generation == 3).unwrap();
    assert_eq!(
        row.reason.as_deref(),
        Some("differs from the generation that serves, at the same position")
    );
    // Whoever knows why promotes it all the same.
    views.operate("timeline", Operation::Promote).await.unwrap();
    assert_eq!(
        states(&views, "timeline"),
        [(1, ProjectionState::Ready), (3, ProjectionState::Serving)]
    );
    running.stop().await.unwrap();
    same_as_cold(folder.path(), &world).await;
}

#[tokio::test]
async fn a_rebuild_heals_rows_that_were_changed_by_hand() {
    let (world, channel) = talk(5).await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(100));
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    let mut db = connect(folder.path(), "timeline").await;
    sqlx::query("update timeline_message set body = 'forged'")
        .execute(&mut db)
        .await
        .unwrap();
    views.operate("timeline", REBUILD).await.unwrap();
    serves(&views, "timeline", 2).await;
    let page = views.timeline.page(channel, 1, Anchor::Latest, 1).await.unwrap();
    assert_eq!(page.items[0].body.as_deref(), Some("message 4"));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn every_view_can_be_rebuilt_while_people_write() {
    let mut world = World::new(5);
    settle(&mut world).await;
    for _ in 0..150 {
        step(&mut world).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(3));
    let slow_enough = Operation::Rebuild {
        promote: Promote::WhenEqual,
        events_per_s: Some(400),
    };
    for projection in ALL {
        views.operate(projection.name, slow_enough).await.unwrap();
    }
    while ALL.iter().any(|projection| !is_served(&views, projection.name, 2)) {
        step(&mut world).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
        let differs = views.status().into_iter().find(|row| row.reason.is_some());
        assert_eq!(differs, None);
    }
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    running.stop().await.unwrap();
    same_as_cold(folder.path(), &world).await;
}

#[tokio::test]
async fn pages_never_go_back_while_generations_change() {
    let (mut world, channel) = talk(200).await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), Options::default());
    assert!(views.wait_for(world.head().await, PATIENCE).await);
    let reading = views.clone();
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let reader = tokio::spawn(async move {
        let (mut top, mut pages) = (0, 0);
        while !*stopped.borrow_and_update() {
            let page = reading.timeline.page(channel, 1, Anchor::Latest, 10).await.unwrap();
            assert!(page.hi >= top, "from {top} back to {}", page.hi);
            (top, pages) = (page.hi, pages + 1);
            tokio::task::yield_now().await;
        }
        pages
    });
    for generation in 2..6 {
        views.operate("timeline", REBUILD).await.unwrap();
        while !is_served(&views, "timeline", generation) {
            world.say(BOB, channel, "on and on").await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        views.operate("timeline", Operation::RollBack).await.unwrap();
        views.operate("timeline", Operation::Promote).await.unwrap();
        views.operate("timeline", Operation::Retire).await.unwrap();
    }
    stop.send_replace(true);
    assert!(reader.await.unwrap() > 20);
    running.stop().await.unwrap();
}

/// Everyone, a space, and a channel with so many messages.
async fn talk(messages: usize) -> (World, ChannelId) {
    let mut world = World::new(1);
    world.register_everyone().await;
    let space = world.new_space(ANN, "Town", JoinRule::Open).await;
    world.space(BOB, space, domain::space::Command::Join).await.unwrap();
    let channel = world.new_text(ANN, space, "general", false, History::All).await;
    world.channel(BOB, channel, Command::Join).await.unwrap();
    for number in 0..messages {
        world.say(ANN, channel, &format!("message {number}")).await;
    }
    (world, channel)
}

fn states(views: &Views, name: &str) -> Vec<(u64, ProjectionState)> {
    let rows = views.status().into_iter().filter(|row| row.name == name);
    rows.map(|row| (row.generation, row.state)).collect()
}

fn building(views: &Views) -> Option<ProjectionStatus> {
    views.status().into_iter().find(|row| row.progress.is_some())
}

fn is_served(views: &Views, name: &str, generation: u64) -> bool {
    states(views, name).contains(&(generation, ProjectionState::Serving))
}

async fn serves(views: &Views, name: &str, generation: u64) {
    soon(|| is_served(views, name, generation)).await;
}

async fn soon(so: impl Fn() -> bool) {
    let waited = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited)
        .await
        .expect("it never came to that");
}

fn files(folder: &Path, projection: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with(projection) && name.ends_with(".sqlite"))
        .collect();
    names.sort();
    names
}

/// What serves holds the rows that the log comes to.
async fn same_as_cold(folder: &Path, world: &World) {
    let cold = tempfile::tempdir().unwrap();
    fold_all(cold.path(), &world.log, 1000).await;
    assert_eq!(dump(folder).await, dump(cold.path()).await);
}
