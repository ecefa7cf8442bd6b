//! A small world for the tests of the write side: a log in memory, some people, a space and its channel.

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, TimeZone, Utc};
use commands::{Caller, CommandError, CommandMetrics, Commands, IntentKey, Options, Outcome};
use domain::{
    Actor, ChannelId, ChannelName, IdempotencyKey, MessageBody, SpaceId, SpaceName, UserId,
    channel::{self, Rejection},
    space,
};
use event_store::{EventLog, MemoryLog};
use uuid::Uuid;

pub(crate) const ANN: UserId = UserId::from_u128(0xa);
pub(crate) const BOB: UserId = UserId::from_u128(0xb);
pub(crate) const EVE: UserId = UserId::from_u128(0xe);
pub(crate) const SPACE: SpaceId = SpaceId::from_u128(0x5);
pub(crate) const CHANNEL: ChannelId = ChannelId::from_u128(0xc);

pub(crate) struct World {
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) commands: Commands,
}

pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0)
        .single()
        .expect("a valid time")
}

pub(crate) fn caller(user: UserId, key: &str) -> Caller {
    Caller {
        actor: Actor::User(user),
        acting_as: None,
        key: IdempotencyKey::parse(key).expect("a valid key"),
        request_id: Uuid::nil(),
        at: noon(),
    }
}

pub(crate) fn send(text: &str) -> channel::Command {
    channel::Command::Send {
        body: MessageBody::parse(text).expect("a valid body"),
        reply_to: None,
        thread: None,
        mentions: vec![],
    }
}

/// A second service over the same log, as on another node or after a restart.
pub(crate) async fn service_on<L: EventLog>(log: &Arc<L>, snapshots: Option<PathBuf>, memory_bytes: usize) -> Commands {
    let log: Arc<dyn EventLog> = Arc::clone(log) as Arc<dyn EventLog>;
    let identity = log.head().await.expect("head").identity;
    let intents = IntentKey::new([7; 32]);
    Commands::new(
        &log,
        identity,
        Options {
            snapshots,
            memory_bytes,
            intents,
            metrics: CommandMetrics::default(),
        },
    )
}

impl World {
    /// Ann owns a space with one channel; Bob is in both.
    pub(crate) async fn new() -> Self {
        Self::with(None, Options::MEMORY_BYTES).await
    }

    pub(crate) async fn with(snapshots: Option<PathBuf>, memory_bytes: usize) -> Self {
        let log = MemoryLog::new();
        let commands = service_on(&log, snapshots, memory_bytes).await;
        let world = Self { log, commands };
        world
            .space(
                ANN,
                "make",
                space::Command::Create {
                    name: name("home"),
                    join: space::JoinRule::Open,
                },
            )
            .await;
        world.space(BOB, "join", space::Command::Join).await;
        let create = channel::Command::CreateText {
            space: SPACE,
            name: ChannelName::parse("general").expect("a valid name"),
            private: false,
            history: None,
        };
        world
            .channel(ANN, "make", create)
            .await
            .expect("Ann may create a channel");
        world
            .channel(BOB, "join", channel::Command::Join)
            .await
            .expect("Bob may join");
        world
    }

    pub(crate) async fn space(&self, user: UserId, key: &str, command: space::Command) -> Outcome {
        self.commands
            .spaces
            .execute(SPACE.uuid(), command, caller(user, key))
            .await
            .expect("the space allows it")
    }

    pub(crate) async fn channel(
        &self,
        user: UserId,
        key: &str,
        command: channel::Command,
    ) -> Result<Outcome, CommandError<Rejection>> {
        self.commands
            .channels
            .execute(CHANNEL.uuid(), command, caller(user, key))
            .await
    }

    pub(crate) async fn count(&self) -> usize {
        self.log.read_all(0, usize::MAX).await.expect("readable").events.len()
    }
}

pub(crate) fn name(text: &str) -> SpaceName {
    SpaceName::parse(text).expect("a valid name")
}
