//! Snapshots save reading, never truth: a state from a snapshot equals the one from the log, and a bad snapshot is as good as none.

use std::path::{Path, PathBuf};

use crate::world::{ANN, CHANNEL, World, caller, send, service_on};
use domain::channel;

/// More than what makes a snapshot worth its file.
const MESSAGES: usize = 1_200;

async fn world_with_snapshot(folder: &Path) -> World {
    let world = World::with(Some(folder.to_owned()), 1 << 24).await;
    for n in 0..MESSAGES {
        world
            .channel(ANN, &format!("k{n}"), send("hello"))
            .await
            .expect("committed");
    }
    world.commands.close().await;
    wait_for(&path(folder)).await;
    world
}

fn path(folder: &Path) -> PathBuf {
    folder.join(format!("{}.snapshot", channel::stream(CHANNEL)))
}

async fn wait_for(path: &Path) {
    for _ in 0..1_000 {
        if path.exists() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no snapshot was written");
}

async fn retry_and_next(world: &World, folder: &Path) -> (bool, u64) {
    let service = service_on(&world.log, Some(folder.to_owned()), 1 << 24).await;
    let retried = service
        .channels
        .execute(CHANNEL.uuid(), send("hello"), caller(ANN, "k7"))
        .await
        .expect("replayed");
    let next = service
        .channels
        .execute(CHANNEL.uuid(), send("new"), caller(ANN, "new"))
        .await
        .expect("committed");
    (retried.replayed, next.top)
}

#[tokio::test]
async fn a_state_from_a_snapshot_knows_every_key_and_the_next_seq() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = world_with_snapshot(folder.path()).await;
    assert_eq!(retry_and_next(&world, folder.path()).await, (true, MESSAGES as u64 + 4));
}

#[tokio::test]
async fn a_damaged_snapshot_is_as_good_as_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = world_with_snapshot(folder.path()).await;
    let mut content = std::fs::read(path(folder.path())).expect("readable");
    let middle = content.len() / 2;
    content[middle] ^= 1;
    std::fs::write(path(folder.path()), content).expect("writable");
    assert_eq!(retry_and_next(&world, folder.path()).await, (true, MESSAGES as u64 + 4));
}

#[tokio::test]
async fn a_snapshot_of_another_log_is_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let _other = world_with_snapshot(folder.path()).await;
    let fresh = World::with(Some(folder.path().to_owned()), 1 << 24).await;
    let first = fresh.channel(ANN, "k1", send("hello")).await.expect("committed");
    assert_eq!(first.top, 4);
}
