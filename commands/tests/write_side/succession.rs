//! Owners that are retired while they are at work: whoever comes after them begins where they ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use commands::CommandError;
use domain::{Reason, SpaceId, channel, space};
use event_store::{
    Append, AppendError, Appended, EventLog, Head, MemoryLog, Page, ReadError, StreamName, StreamPage, Tail,
};
use tokio::sync::Semaphore;

use crate::world::{ANN, BOB, CHANNEL, SPACE, World, caller, send, service_on};

/// Owners are retired as soon as another one is asked.
const NO_ROOM: usize = 1;

/// A log whose disk is slow when asked to be.
struct Slow {
    log: Arc<MemoryLog>,
    is_slow: AtomicBool,
    at_work: Semaphore,
    goes_on: Semaphore,
}

#[async_trait::async_trait]
impl EventLog for Slow {
    async fn append(&self, appends: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        if self.is_slow.swap(false, Ordering::SeqCst) {
            self.at_work.add_permits(1);
            let _turn = self.goes_on.acquire().await;
        }
        self.log.append(appends).await
    }

    async fn read_stream(&self, stream: &StreamName, from: u64, limit: usize) -> Result<StreamPage, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: u64, limit: usize) -> Result<Page, ReadError> {
        self.log.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.log.head().await
    }

    fn tail(self: Arc<Self>, after: u64) -> Tail {
        Arc::clone(&self.log).tail(after)
    }

    async fn failed(&self) -> String {
        self.log.failed().await
    }
}

#[tokio::test]
async fn who_comes_after_an_owner_waits_for_its_last_word() {
    let log = Arc::new(Slow {
        log: World::new().await.log,
        is_slow: AtomicBool::new(false),
        at_work: Semaphore::new(0),
        goes_on: Semaphore::new(0),
    });
    let commands = service_on(&log, None, NO_ROOM).await;
    log.is_slow.store(true, Ordering::SeqCst);
    let ban = space::Command::Ban {
        user: BOB,
        reason: Reason::parse("shouts").expect("valid"),
        until: None,
    };
    let banned = commands
        .spaces
        .submit(SPACE.uuid(), ban, caller(ANN, "ban"))
        .await
        .expect("submitted");
    log.at_work.acquire().await.expect("open").forget();
    // Another space takes the place in memory.
    let elsewhere = SpaceId::from_u128(0x99).uuid();
    commands.spaces.read(elsewhere, |_| ()).await.expect("read");

    let spaces = commands.spaces.clone();
    let mut asked = tokio::spawn(async move { spaces.read(SPACE.uuid(), |view| view.state.role(BOB)).await });
    let early = tokio::time::timeout(Duration::from_millis(50), &mut asked).await;
    assert!(early.is_err(), "answered beside the owner that is at work: {early:?}");
    log.goes_on.add_permits(1);
    assert_eq!(asked.await.expect("no panic").expect("read"), None);
    banned.outcome().await.expect("banned");
    let refused = commands
        .channels
        .execute(CHANNEL.uuid(), send("am I here?"), caller(BOB, "send"))
        .await;
    let not_found = CommandError::Rejected(channel::Rejection::NotFound);
    assert_eq!(refused.expect_err("he is out").to_string(), not_found.to_string());
}
