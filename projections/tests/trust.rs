//! Views are what the log says, and it is noticed when they are not: sums that agree however a log is cut, rows changed by hand that are
//! found and named, streams that were put aside and come back.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod world;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use domain::ChannelId;
use event_store::{Append, EventLog, Expected, MemoryLog, SqliteLog, SqliteOptions, StreamName};
use projections::{
    ALL, Difference, Differing, Extent, MendError, Pace, ProjectionState, Refusal, Scope, VerificationState, Views,
    digest::{self, Keys, Sum},
};
use rusqlite::Connection;

use world::{ANN, BOB, CAROL, PATIENCE, World, at_once, dump, first_week, fold_all, open};

/// The file of the generation that serves.
fn file_of(folder: &Path, view: &str) -> Connection {
    let registry = Connection::open(folder.join("registry.sqlite")).unwrap();
    let serving: i64 = registry
        .query_row(
            "select generation from generation where projection = $1 and state = 'serving'",
            [view],
            |row| row.get(0),
        )
        .unwrap();
    Connection::open(folder.join(format!("{view}.{serving}.sqlite"))).unwrap()
}

/// Whether rows of a view come from several streams, so that what is folded late may count otherwise.
fn mixes_streams(view: &str) -> bool {
    let view = ALL.iter().find(|known| known.name == view).unwrap();
    view.tables.iter().any(|table| matches!(table.scope, Scope::Many(_)))
}

/// Waits until nothing of a view is being built any more.
async fn rebuilt(views: &Views) {
    let building = |status: &projections::ProjectionStatus| {
        matches!(status.state, ProjectionState::Building | ProjectionState::CatchingUp)
    };
    until(|| !views.status().iter().any(building)).await;
}

/// What each table adds up to by key, as its writer kept it.
fn sums(folder: &Path) -> BTreeMap<(&'static str, Vec<u8>), Sum> {
    let mut sums = BTreeMap::new();
    for view in ALL {
        let file = file_of(folder, view.name);
        for table in view.tables {
            let of_table = digest::stored_sums(&file, table, Keys::default()).unwrap();
            sums.extend(of_table.into_iter().map(|(key, sum)| ((table.name, key), sum)));
        }
    }
    sums
}

async fn verified(views: &Views, log: &Arc<MemoryLog>, view: &str, extent: Extent) -> Vec<Differing> {
    let verification = views.verify(view, extent, log.clone(), PATIENCE).await.unwrap();
    assert_eq!(verification.state, VerificationState::Done, "{view}");
    verification.differing
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sums_are_the_same_however_the_log_is_cut_and_are_those_of_the_rows() {
    let log = first_week().await.log;
    let mut seen = vec![];
    for batch_events_max in [1, 3, 7, 1000] {
        let folder = tempfile::tempdir().unwrap();
        fold_all(folder.path(), &log, batch_events_max).await;
        for view in ALL {
            let file = file_of(folder.path(), view.name);
            for table in view.tables {
                let rows = digest::sums_of_rows(&file, table, Keys::default()).unwrap();
                let stored = digest::stored_sums(&file, table, Keys::default()).unwrap();
                assert_eq!(stored, rows, "{} in batches of {batch_events_max}", table.name);
                assert_ne!(rows.len(), 0, "{} has no rows", table.name);
            }
        }
        seen.push(sums(folder.path()));
    }
    assert!(seen.iter().all(|sums| *sums == seen[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_go_on_where_a_killed_runner_left_them() {
    let log = first_week().await.log;
    let head = log.head().await.unwrap().position;
    let (at_a_stretch, interrupted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fold_all(at_a_stretch.path(), &log, 1000).await;
    for kill_at in (1..head).step_by(head as usize / 8) {
        let views = open(interrupted.path(), &log).await;
        let running = views.start_with(log.clone(), at_once(1));
        assert!(views.wait_for(kill_at, PATIENCE).await);
        drop(running);
        // What it was writing when it was dropped ends on its own thread.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    fold_all(interrupted.path(), &log, 1000).await;
    assert_eq!(sums(interrupted.path()), sums(at_a_stretch.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_folded_again_is_the_view_and_so_is_each_stream_alone() {
    let log = first_week().await.log;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &log, 7).await;
    for view in ALL {
        for extent in [Extent::Sample(usize::MAX), Extent::Sample(3), Extent::All] {
            assert_eq!(
                verified(&views, &log, view.name, extent).await,
                [],
                "{} {extent:?}",
                view.name
            );
        }
    }
    let left = std::fs::read_dir(folder.path()).unwrap();
    let scratch = left.filter(|file| {
        file.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("verify")
    });
    assert_eq!(scratch.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_altered_in_any_table_of_any_view_is_found_and_its_key_named() {
    let log = first_week().await.log;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &log, 1000).await;
    for view in ALL {
        for table in view.tables {
            let file = file_of(folder.path(), view.name);
            let (name, column) = (table.name, table.key);
            let key: Vec<u8> = file
                .query_row(&format!("select max({column}) from {name}"), [], |row| row.get(0))
                .unwrap();
            let took = file
                .execute(&format!("delete from {name} where {column} = $1"), [&key])
                .unwrap();
            assert_ne!(took, 0);
            for extent in [Extent::Sample(0), Extent::All] {
                let found = verified(&views, &log, view.name, extent).await;
                let of_key =
                    |differing: &&Differing| differing.table == name && differing.key == table.public_key(&key);
                let found = found.iter().find(of_key);
                let found =
                    found.unwrap_or_else(|| panic!("{name} of {} is not found by {extent:?}", table.public_key(&key)));
                if extent == Extent::All || matches!(table.scope, Scope::Stream(_)) {
                    let row = found.row.as_ref().expect("the row can be named");
                    assert_eq!(row.kind, Difference::Missing);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_altered_row_is_named_by_its_key_and_columns_and_not_by_what_it_holds() {
    let (world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    file_of(folder.path(), "timeline")
        .execute_batch("update timeline_message set body = 'forged', version = 9")
        .unwrap();
    for extent in [Extent::Sample(1), Extent::All] {
        let found = verified(&views, &world.log, "timeline", extent).await;
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].table, &found[0].key),
            ("timeline_message", &channel.to_string())
        );
        let row = found[0].row.as_ref().unwrap();
        assert_eq!(row.columns, ["body", "version"]);
        assert!(row.row.ends_with("seq=4"), "{}", row.row);
        assert!(!format!("{found:?}").contains("forged"));
        assert!(!format!("{found:?}").contains("hello"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_whose_sums_were_altered_with_them_are_found_by_folding_again() {
    let (world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    // Who can do this can also compute the sums: the writer itself, with a fold that is wrong.
    let file = file_of(folder.path(), "timeline");
    let timeline = ALL.iter().find(|view| view.name == "timeline").unwrap();
    let recorder = digest::attach(&file, timeline).unwrap();
    file.execute_batch("begin immediate; update timeline_message set body = 'forged'")
        .unwrap();
    recorder.store(&file).unwrap();
    file.execute_batch("commit").unwrap();
    assert_eq!(verified(&views, &world.log, "timeline", Extent::Sample(0)).await, []);
    for extent in [Extent::Sample(1), Extent::All] {
        let found = verified(&views, &world.log, "timeline", extent).await;
        assert_eq!(found[0].key, channel.to_string(), "{extent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_background_verifier_names_what_it_finds_and_forgets_what_is_healed() {
    let (world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    let pace = Pace {
        interval: Duration::from_millis(20),
        rows: 1000,
        streams: 10,
    };
    let (there, log) = (views.clone(), world.log.clone());
    let verifier = tokio::spawn(async move { there.verify_in_background(log, pace).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(views.drift("timeline"), []);
    let alter = |sql: &str| file_of(folder.path(), "timeline").execute_batch(sql).unwrap();
    alter("update timeline_message set version = version + 1");
    until(|| !views.drift("timeline").is_empty()).await;
    let found = views.drift("timeline");
    assert_eq!(
        (found[0].table, &found[0].key),
        ("timeline_message", &channel.to_string())
    );
    assert_eq!(found[0].row.as_ref().unwrap().columns, ["version"]);
    assert_eq!(views.drift("directory"), []);
    assert!(metrics_of(&views).contains("projection_drift{projection=\"timeline\"} 1"));
    assert!(metrics_of(&views).contains("projection_drift_found_total{projection=\"timeline\"} 1"));
    alter("update timeline_message set version = version - 1");
    until(|| views.drift("timeline").is_empty()).await;
    assert!(metrics_of(&views).contains("projection_drift{projection=\"timeline\"} 0"));
    verifier.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_verification_runs_at_a_time_and_an_unknown_view_has_none() {
    let (world, _) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    let verify = |view| views.verify(view, Extent::All, world.log.clone(), Duration::ZERO);
    assert_eq!(verify("weather").await, Err(Refusal::NoSuchView));
    assert_eq!(views.verification("timeline"), None);
    let begun = verify("timeline").await.unwrap();
    if begun.state == VerificationState::Running {
        let again = verify("directory").await;
        let done = views.verification("timeline").unwrap().state != VerificationState::Running;
        assert!(done || again == Err(Refusal::Busy), "{again:?}");
    }
    until(|| views.verification("timeline").unwrap().state == VerificationState::Done).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_event_halts_its_stream_alone_and_comes_back_with_a_retry() {
    let (mut world, broken) = talk().await;
    let healthy = world.new_direct(BOB, CAROL).await;
    let damaged = world.log.head().await.unwrap().position + 1;
    world.say(ANN, broken, "will be damaged").await;
    world.say(BOB, healthy, "all well").await;
    world.say(ANN, broken, "behind it").await;
    world.log.damage(damaged);
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(2));
    assert!(views.wait_for(world.log.head().await.unwrap().position, PATIENCE).await);
    for view in ["timeline", "channel_list", "audit", "feed", "notifications", "search"] {
        let quarantined = views.quarantined(view).unwrap();
        assert_eq!(quarantined.len(), 1, "{view}");
        assert_eq!((quarantined[0].position, quarantined[0].events), (damaged, 2));
        assert_eq!(quarantined[0].stream, stream_of(broken).as_str());
        assert_eq!(quarantined[0].reason, "the stored bytes do not match their checksum");
    }
    assert_eq!(bodies(&views, healthy).await, ["all well"]);
    assert_eq!(bodies(&views, broken).await, ["hello"]);
    // What waits is part of the view: verifying expects the same.
    assert_eq!(verified(&views, &world.log, "timeline", Extent::All).await, []);
    assert_eq!(verified(&views, &world.log, "timeline", Extent::Sample(9)).await, []);

    let still = views.retry("timeline", None).await.unwrap();
    assert_eq!((still.streams, still.events, still.still.len()), (0, 0, 1));
    world.log.repair(damaged);
    for view in ["timeline", "channel_list", "audit", "feed", "notifications", "search"] {
        let mended = views.retry(view, Some(stream_of(broken))).await.unwrap();
        assert_eq!((mended.streams, mended.events), (1, 2), "{view}");
        assert_eq!(mended.still, []);
        assert_eq!(mended.rebuilding, mixes_streams(view), "{view}");
        assert_eq!(views.quarantined(view).unwrap(), []);
    }
    world.say(ANN, broken, "and on").await;
    assert!(views.wait_for(world.log.head().await.unwrap().position, PATIENCE).await);
    assert_eq!(
        bodies(&views, broken).await,
        ["hello", "will be damaged", "behind it", "and on"]
    );
    rebuilt(&views).await;
    running.stop().await.unwrap();
    let cold = tempfile::tempdir().unwrap();
    fold_all(cold.path(), &world.log, 1000).await;
    assert_eq!(sums(folder.path()), sums(cold.path()));
    assert_eq!(dump(folder.path()).await, dump(cold.path()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_goes_as_far_as_events_can_be_read() {
    let (mut world, broken) = talk().await;
    let first = world.log.head().await.unwrap().position + 1;
    world.say(ANN, broken, "one").await;
    world.say(ANN, broken, "two").await;
    world.say(ANN, broken, "three").await;
    world.log.damage(first);
    world.log.damage(first + 2);
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(2));
    assert!(views.wait_for(world.log.head().await.unwrap().position, PATIENCE).await);
    world.log.repair(first);
    let mended = views.retry("timeline", None).await.unwrap();
    assert_eq!((mended.streams, mended.events, mended.still.len()), (0, 2, 1));
    assert_eq!(mended.still[0].position, first + 2);
    assert_eq!(bodies(&views, broken).await, ["hello", "one", "two"]);
    assert_eq!(views.quarantined("timeline").unwrap()[0].position, first + 2);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_event_is_passed_over_by_every_later_fold_as_well() {
    let (mut world, broken) = talk().await;
    world.append_raw(&stream_of(broken), "message.exploded", 1, "{}").await;
    let poison = world.log.head().await.unwrap().position;
    world.say(ANN, broken, "behind it").await;
    let folder = tempfile::tempdir().unwrap();
    let views = open(folder.path(), &world.log).await;
    let running = views.start_with(world.log.clone(), at_once(2));
    assert!(views.wait_for(world.log.head().await.unwrap().position, PATIENCE).await);
    for refused in [poison - 1, poison + 1] {
        let refused = views.skip("timeline", refused).await;
        assert!(matches!(refused, Err(MendError::NotParked)), "{refused:?}");
    }
    let mended = views.skip("timeline", poison).await.unwrap();
    assert_eq!((mended.streams, mended.events), (1, 2));
    assert_eq!(bodies(&views, broken).await, ["hello", "behind it"]);
    // Another view makes up its own mind.
    assert_eq!(views.quarantined("channel_list").unwrap().len(), 1);
    assert_eq!(verified(&views, &world.log, "timeline", Extent::All).await, []);
    running.stop().await.unwrap();
    drop(views);

    let views = fold_all(folder.path(), &world.log, 1000).await;
    for extent in [Extent::All, Extent::Sample(9)] {
        assert_eq!(verified(&views, &world.log, "timeline", extent).await, []);
    }
    drop(views);

    // A restored log may hold something else there.
    world.log.raise_incarnation(0);
    let views = fold_all(folder.path(), &world.log, 1000).await;
    assert_eq!(views.quarantined("timeline").unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_row_is_parked_alone_and_can_be_passed_over() {
    let (world, channel) = talk().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.sqlite");
    let schema = include_str!("../../migrations/sqlite/log/0001_log.sql");
    Connection::open(&path).unwrap().execute_batch(schema).unwrap();
    let log: Arc<dyn EventLog> = SqliteLog::open(SqliteOptions::new(&path)).unwrap();
    for recorded in world.log.read_all(0, usize::MAX).await.unwrap().events {
        let append = Append {
            stream: recorded.stream.clone(),
            expected: Expected::Any,
            events: vec![recorded.event.clone()],
        };
        log.append(vec![append]).await.remove(0).unwrap();
    }
    drop(log);
    // Nobody can tell whose the third registration was: it left no hole in a stream.
    Connection::open(&path)
        .unwrap()
        .execute("delete from events where position = 3", [])
        .unwrap();
    let log: Arc<dyn EventLog> = SqliteLog::open(SqliteOptions::new(&path)).unwrap();
    let head = log.head().await.unwrap();
    let views = Views::open(&folder.path().join("views"), &head).await.unwrap();
    let running = views.start_with(log.clone(), at_once(2));
    assert!(views.wait_for(head.position, PATIENCE).await);
    assert_eq!(bodies(&views, channel).await, ["hello"]);
    for view in ALL {
        let quarantined = views.quarantined(view.name).unwrap();
        assert_eq!(quarantined.len(), 1, "{}", view.name);
        assert_eq!((&*quarantined[0].stream, quarantined[0].position), ("lost-3", 3));
        let verification = views
            .verify(view.name, Extent::All, log.clone(), PATIENCE)
            .await
            .unwrap();
        assert_eq!(
            (verification.state, verification.differing),
            (VerificationState::Done, vec![])
        );
    }
    assert_eq!(views.retry("directory", None).await.unwrap().still.len(), 1);
    assert_eq!(views.skip("directory", 3).await.unwrap().streams, 1);
    assert_eq!(views.quarantined("directory").unwrap(), []);
    running.stop().await.unwrap();
}

async fn talk() -> (World, ChannelId) {
    let mut world = World::new(1);
    world.register_everyone().await;
    let channel = world.new_direct(ANN, BOB).await;
    world.say(ANN, channel, "hello").await;
    (world, channel)
}

fn stream_of(channel: ChannelId) -> StreamName {
    StreamName::new("channel", channel.uuid())
}

async fn bodies(views: &Views, channel: ChannelId) -> Vec<String> {
    let page = views
        .timeline
        .page(channel, 1, projections::Anchor::Latest, 50)
        .await
        .unwrap();
    page.items.into_iter().filter_map(|message| message.body).collect()
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("in time");
}

fn metrics_of(views: &Views) -> String {
    let mut registry = prometheus_client::registry::Registry::default();
    views.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}
