//! That whoever is out stays out: over restarts, over a lost table, and for as long as a token of theirs can live.

use std::path::PathBuf;

use domain::{Coded, Decider, Reason, user};
use event_store::{Append, Expected, MemoryLog, NewEvent, StreamName};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::auth::Credentials;

const LIFE: Duration = Duration::from_secs(900);
const ANN: UserId = UserId::from_u128(0xa);
const PHONE: SessionId = SessionId::from_u128(1);
const LAPTOP: SessionId = SessionId::from_u128(2);

struct World {
    log: Arc<MemoryLog>,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let world = Self {
            log: MemoryLog::new(),
            folder: tempfile::tempdir().expect("a folder"),
        };
        migrations::migrate_service(&world.path()).await.expect("migrated");
        world
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("service.sqlite")
    }

    /// Ann's stream gets one more event; the answer is its position.
    async fn happened(&self, event: user::Event, at: DateTime<Utc>) -> u64 {
        let event = NewEvent {
            id: Uuid::now_v7(),
            kind: event.kind().into(),
            version: event.version(),
            actor: Uuid::nil(),
            key: "k".into(),
            intent: [0; 16],
            request_id: Uuid::nil(),
            recorded_at: at,
            payload: event.encode().into(),
        };
        let append = Append {
            stream: StreamName::new(user::User::CATEGORY, ANN.uuid()),
            expected: Expected::Any,
            events: vec![event],
        };
        let appended = self.log.append(vec![append]).await.remove(0).expect("appended");
        appended.events[0].position
    }

    async fn ended(&self, session: SessionId, at: DateTime<Utc>) -> u64 {
        let why = user::Revocation::Logout;
        self.happened(user::Event::SessionRevoked(user::SessionRevoked { session, why }), at)
            .await
    }

    async fn suspended(&self, until: Option<DateTime<Utc>>) -> u64 {
        let reason = Reason::parse("spam").expect("a reason");
        self.happened(user::Event::Suspended(user::Suspended { until, reason }), now())
            .await
    }

    /// As a start finds them; the keeper does not run yet.
    async fn start(&self) -> (Arc<Standings>, kept::Keeper, u64) {
        let credentials = Credentials::open(&self.path()).await.expect("opened");
        let head = self.log.head().await.expect("a head");
        let (kept, keeper) = Kept::load(credentials.pool(), &head, LIFE).await.expect("loaded");
        let standings = Standings::new(&kept, LIFE);
        standings
            .catch_up(self.log.as_ref(), head.position)
            .await
            .expect("caught up");
        (standings, keeper, kept.position)
    }

    /// Lets the keeper write down everything there is.
    async fn keep(&self) {
        let (_, keeper, _) = self.start().await;
        let log: Arc<dyn EventLog> = Arc::clone(&self.log) as Arc<dyn EventLog>;
        let head = self.log.head().await.expect("a head").position;
        let keeping = tokio::spawn(keeper.run(log));
        for _ in 0..500 {
            if self.start().await.2 >= head {
                keeping.abort();
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the keeper did not come to the head");
    }
}

#[tokio::test]
async fn whoever_was_out_is_out_after_a_restart_without_reading_the_log_again() {
    let world = World::new().await;
    world.ended(PHONE, now()).await;
    let head = world.suspended(None).await;
    world.keep().await;
    let (standings, _, position) = world.start().await;
    assert_eq!(position, head);
    assert!(standings.is_out(UserId::from_u128(0xb), PHONE, now()));
    assert!(standings.is_out(ANN, LAPTOP, now()));
    assert!(!standings.is_out(UserId::from_u128(0xb), LAPTOP, now()));
}

#[tokio::test]
async fn what_was_not_written_down_is_read_from_the_log_before_anyone_is_served() {
    let world = World::new().await;
    world.keep().await;
    world.ended(PHONE, now()).await;
    let (standings, _, position) = world.start().await;
    assert_eq!(position, 0);
    assert!(standings.is_out(ANN, PHONE, now()));
}

#[tokio::test]
async fn a_lost_service_database_lets_nobody_in() {
    let world = World::new().await;
    world.ended(PHONE, now()).await;
    world.suspended(None).await;
    world.keep().await;
    for name in ["service.sqlite", "service.sqlite-wal", "service.sqlite-shm"] {
        let _may_not_exist = std::fs::remove_file(world.folder.path().join(name));
    }
    migrations::migrate_service(&world.path()).await.expect("migrated");
    let (standings, _, position) = world.start().await;
    assert_eq!(position, 0);
    assert!(standings.is_out(ANN, PHONE, now()) && standings.is_out(ANN, LAPTOP, now()));
}

#[tokio::test]
async fn what_another_log_said_is_forgotten() {
    let world = World::new().await;
    world.suspended(None).await;
    world.keep().await;
    let other = World {
        log: MemoryLog::new(),
        ..world
    };
    let (standings, ..) = other.start().await;
    assert!(!standings.is_out(ANN, LAPTOP, now()));
}

#[tokio::test]
async fn a_session_is_forgotten_when_no_token_of_it_can_live() {
    let world = World::new().await;
    world.ended(PHONE, now() - LIFE - 2 * MARGIN).await;
    world.ended(LAPTOP, now() - LIFE).await;
    let (standings, ..) = world.start().await;
    assert!(!standings.is_out(ANN, PHONE, now()));
    assert!(standings.is_out(ANN, LAPTOP, now()));
    world.keep().await;
    let (standings, ..) = world.start().await;
    assert!(!standings.is_out(ANN, PHONE, now()));
    assert!(standings.is_out(ANN, LAPTOP, now()));
}

#[tokio::test]
async fn a_suspension_ends_with_its_time_or_by_reinstatement() {
    let world = World::new().await;
    let until = now() + Duration::from_secs(60);
    world.suspended(Some(until)).await;
    let (standings, ..) = world.start().await;
    assert!(standings.is_out(ANN, PHONE, until - Duration::from_secs(1)));
    assert!(!standings.is_out(ANN, PHONE, until));
    world.suspended(None).await;
    let reason = Reason::parse("sorry").expect("a reason");
    world.keep().await;
    world
        .happened(user::Event::Reinstated(user::Reinstated { reason }), now())
        .await;
    world.keep().await;
    let (standings, ..) = world.start().await;
    assert!(!standings.is_out(ANN, PHONE, now()));
}

#[tokio::test]
async fn who_follows_the_log_is_cut_and_whoever_waits_for_it_is_told() {
    let world = World::new().await;
    let (standings, ..) = world.start().await;
    let mut cuts = standings.cuts();
    tokio::spawn(Arc::clone(&standings).run(Arc::clone(&world.log) as Arc<dyn EventLog>));
    let position = world.ended(PHONE, now()).await;
    standings.has_seen(position).await;
    assert!(standings.is_out(ANN, PHONE, now()));
    assert_eq!(cuts.recv().await, Ok(Cut::Sessions([PHONE].into())));
    world.suspended(None).await;
    assert_eq!(cuts.recv().await, Ok(Cut::Person(ANN)));
}

#[test]
fn beyond_its_bound_the_oldest_is_forgotten_and_its_time_refused() {
    let mut out = Out::default();
    let (noon, long_ago) = (now(), now() - LIFE);
    let sessions: Vec<_> = (0..=ENDED_MAX as u128).map(SessionId::from_u128).collect();
    out.end(&sessions[..1], noon, long_ago);
    out.end(&sessions[1..ENDED_MAX], noon + LIFE, long_ago);
    assert_eq!((out.sessions.len(), out.refused_before), (ENDED_MAX, None));
    out.end(&sessions[ENDED_MAX..], noon + LIFE, long_ago);
    assert_eq!((out.sessions.len(), out.order.len()), (ENDED_MAX, ENDED_MAX));
    assert_eq!(out.refused_before, Some(noon + MARGIN));
    assert!(!out.sessions.contains_key(&sessions[0]));
}
