//! A small data folder with a history worth looking at, written through the store, and the real binary to look at it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ChannelId, ChannelName, Coded, DisplayName, EventId, Handle, MessageBody, MessageId, Reason, SpaceId, SpaceName,
    UserId, channel, event_id, inbox, space, user,
};
use event_store::{Append, EventLog, Expected, NewEvent, SqliteLog, SqliteOptions, StreamName};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const ANN: UserId = UserId::from_u128(0xa11);
pub(crate) const BOB: UserId = UserId::from_u128(0xb0b);
pub(crate) const CAROL: UserId = UserId::from_u128(0xca401);
pub(crate) const DAVE: UserId = UserId::from_u128(0xdae);
pub(crate) const TOWN: SpaceId = SpaceId::from_u128(0x70);
/// Shows its whole past.
pub(crate) const GENERAL: ChannelId = ChannelId::from_u128(0xc1);
/// Shows what follows one's coming.
pub(crate) const CLUB: ChannelId = ChannelId::from_u128(0xc2);

pub(crate) struct World {
    folder: TempDir,
    /// Seqs of the channel `GENERAL`, with what the tests call them.
    pub(crate) first: MessageId,
    pub(crate) removed: MessageId,
    pub(crate) secret: MessageId,
}

/// Writes events, one minute after the other.
pub(crate) struct Pen {
    log: Arc<SqliteLog>,
    at: DateTime<Utc>,
    keys: u64,
}

impl Pen {
    pub(crate) async fn on(data: &Path) -> Self {
        std::fs::create_dir_all(data).expect("a folder");
        let path = data.join("log.sqlite");
        migrations::migrate_log(&path).await.expect("a migrated log");
        Self {
            log: SqliteLog::open(SqliteOptions::new(path)).expect("a log"),
            at: "2026-03-01T12:00:00Z".parse().expect("a time"),
            keys: 0,
        }
    }

    /// One append: the first event's id is told to whoever makes the events.
    pub(crate) async fn write<E: Coded>(
        &mut self,
        category: &str,
        id: Uuid,
        actor: UserId,
        events: impl FnOnce(EventId) -> Vec<E>,
    ) -> EventId {
        self.keys += 1;
        let stream = StreamName::new(category, id);
        let key = format!("key {}", self.keys);
        let named = |index| event_id(stream.as_str(), actor.uuid(), &key, index);
        let events = events(named(0));
        let stored = events.iter().enumerate().map(|(index, event)| {
            let payload = event.encode();
            (named(index), event.kind(), event.version(), payload)
        });
        let stored: Vec<_> = stored.collect();
        let first = stored[0].0;
        self.write_raw(&stream, actor, &key, stored).await;
        first
    }

    pub(crate) async fn write_raw(
        &mut self,
        stream: &StreamName,
        actor: UserId,
        key: &str,
        events: Vec<(EventId, &str, u16, Vec<u8>)>,
    ) {
        self.at += TimeDelta::minutes(1);
        let events = events.into_iter().map(|(id, kind, version, payload)| NewEvent {
            id: id.uuid(),
            kind: kind.into(),
            version,
            actor: actor.uuid(),
            key: key.into(),
            intent: id.uuid().into_bytes(),
            request_id: Uuid::from_u128(self.keys.into()),
            recorded_at: self.at,
            payload: payload.into(),
        });
        let append = Append {
            stream: stream.clone(),
            expected: Expected::Any,
            events: events.collect(),
        };
        self.log.append(vec![append]).await.remove(0).expect("appended");
    }

    pub(crate) async fn channel(&mut self, channel: ChannelId, actor: UserId, event: channel::Event) -> EventId {
        self.write("channel", channel.uuid(), actor, |_| vec![event]).await
    }

    pub(crate) async fn say(&mut self, channel: ChannelId, actor: UserId, words: &str) -> MessageId {
        let body = MessageBody::parse(words).expect("words");
        let id = self
            .write("channel", channel.uuid(), actor, |id| {
                vec![channel::Event::Sent(channel::Sent {
                    message: id.into(),
                    body,
                    reply_to: None,
                    reply_to_author: None,
                    thread: None,
                    depth: 0,
                    mentions: vec![],
                })]
            })
            .await;
        id.into()
    }

    async fn add(&mut self, channel: ChannelId, by: UserId, user: UserId) {
        let role = channel::Role::Member;
        let added = channel::Event::MemberAdded(channel::MemberAdded { user, role });
        self.channel(channel, by, added).await;
    }

    async fn in_space(&mut self, by: UserId, event: space::Event) {
        self.write("space", TOWN.uuid(), by, |_| vec![event]).await;
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut pen = Pen::on(folder.path()).await;
        people(&mut pen).await;
        town(&mut pen).await;
        let (first, removed) = general(&mut pen).await;
        let secret = club(&mut pen).await;
        pen.in_space(
            ANN,
            space::Event::MemberMuted(space::MemberMuted {
                user: CAROL,
                reason: reason("too loud"),
                until: "2026-03-02T00:00:00Z".parse().expect("a time"),
            }),
        )
        .await;
        let read = inbox::Event::Read(inbox::Read {
            channel: GENERAL,
            seq: 9,
        });
        pen.write("inbox", BOB.uuid(), BOB, |_| vec![read]).await;
        drop(pen);
        Self {
            folder,
            first,
            removed,
            secret,
        }
    }

    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.data().join("log.sqlite")
    }

    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.data().join("scratch").join(name)
    }

    /// Changes the log by hand, as nobody should.
    pub(crate) fn damage(&self, sql: &str) {
        let log = Connection::open(self.log()).expect("the log");
        log.execute_batch("pragma ignore_check_constraints = on")
            .expect("a setting");
        log.execute_batch(sql).expect("a change");
    }

    /// The tool on this folder.
    pub(crate) fn replay(&self, arguments: &[&str]) -> Ended {
        let mut all = arguments.to_vec();
        let data = self.data().to_string_lossy().into_owned();
        all.extend(["--data-dir", &data]);
        replay(&all)
    }

    /// The same, with its results as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json"]);
        self.replay(&all).json()
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn replay(arguments: &[&str]) -> Ended {
    Ended::of(
        Command::new(env!("CARGO_BIN_EXE_replay"))
            .args(arguments)
            .output()
            .expect("started"),
    )
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }

    #[track_caller]
    pub(crate) fn is(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    /// Every line of the results.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}

pub(crate) fn reason(text: &str) -> Reason {
    Reason::parse(text).expect("a reason")
}

async fn people(pen: &mut Pen) {
    for (id, name) in [(ANN, "ann"), (BOB, "bob"), (CAROL, "carol"), (DAVE, "dave")] {
        let registered = user::Event::Registered(user::Registered {
            handle: Handle::parse(name).expect("a handle"),
            display_name: DisplayName::parse(name).expect("a name"),
        });
        pen.write("user", id.uuid(), id, |_| vec![registered]).await;
    }
}

/// Dave never comes into a channel.
async fn town(pen: &mut Pen) {
    use space::{Event, JoinRule, MemberAdded, Role};
    let added = |user, role| Event::MemberAdded(MemberAdded { user, role });
    let created = Event::Created(space::Created {
        name: SpaceName::parse("Town").expect("a name"),
        join: JoinRule::Closed,
    });
    pen.write("space", TOWN.uuid(), ANN, |_| vec![created, added(ANN, Role::Owner)])
        .await;
    for (user, role) in [(BOB, Role::Member), (CAROL, Role::Moderator), (DAVE, Role::Member)] {
        pen.in_space(ANN, added(user, role)).await;
    }
}

/// Ten events: bob's words are taken away by carol, who came after them; then bob leaves.
async fn general(pen: &mut Pen) -> (MessageId, MessageId) {
    use channel::{Created, Deleted, Edited, Event, History, Kind, MemberAdded, MemberLeft, Reacted, Role};
    let created = Event::Created(Created {
        kind: Kind::Text,
        space: Some(TOWN),
        name: Some(ChannelName::parse("general").expect("a name")),
        private: false,
        history: History::All,
    });
    let owner = Event::MemberAdded(MemberAdded {
        user: ANN,
        role: Role::Owner,
    });
    pen.write("channel", GENERAL.uuid(), ANN, |_| vec![created, owner])
        .await;
    pen.add(GENERAL, ANN, BOB).await;
    let first = pen.say(GENERAL, ANN, "one, see https://a.example/").await;
    let removed = pen.say(GENERAL, BOB, "two is a secret").await;
    pen.add(GENERAL, ANN, CAROL).await;
    let edited = Event::Edited(Edited {
        message: first,
        seq: None,
        version: 2,
        body: MessageBody::parse("one, and better").expect("words"),
        mentions: vec![],
    });
    pen.channel(GENERAL, ANN, edited).await;
    let reacted = Event::Reacted(Reacted {
        message: first,
        emoji: domain::Emoji::parse("👍").expect("an emoji"),
    });
    pen.channel(GENERAL, CAROL, reacted).await;
    let deleted = Event::Deleted(Deleted {
        message: removed,
        author: Some(BOB),
        reason: Some(reason("against the rules")),
    });
    pen.channel(GENERAL, CAROL, deleted).await;
    pen.channel(GENERAL, BOB, Event::MemberLeft(MemberLeft { user: BOB }))
        .await;
    (first, removed)
}

/// Five events: carol comes after the secret.
async fn club(pen: &mut Pen) -> MessageId {
    use channel::{Created, Event, History, Kind, MemberAdded, Role};
    let created = Event::Created(Created {
        kind: Kind::Group,
        space: None,
        name: None,
        private: true,
        history: History::SinceJoin,
    });
    let owner = Event::MemberAdded(MemberAdded {
        user: ANN,
        role: Role::Owner,
    });
    pen.write("channel", CLUB.uuid(), ANN, |_| vec![created, owner]).await;
    let secret = pen.say(CLUB, ANN, "the secret").await;
    pen.add(CLUB, ANN, CAROL).await;
    pen.say(CLUB, CAROL, "hello").await;
    secret
}
