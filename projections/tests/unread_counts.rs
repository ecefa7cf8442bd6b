//! Unread and mention counters against a naive recount of the log, after every single act of a chance conversation.
#![allow(clippy::unwrap_used)]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use domain::{Actor, ChannelId, Coded, Decider, MessageBody, MessageId, UserId, channel, inbox, user};
use event_store::EventLog;
use projections::ChannelOf;
use sqlx::{AssertSqlSafe, Row};
use world::{PATIENCE, PEOPLE, World, at_once, connect, dump, fold_all, open, settle, step};

#[tokio::test]
async fn counters_equal_a_recount_of_the_log_after_every_act() {
    let mut counted = (0, 0, 0);
    for seed in [1, 2, 3] {
        let mut world = World::new(seed);
        settle(&mut world).await;
        let folder = tempfile::tempdir().unwrap();
        let views = open(folder.path(), &world.log).await;
        let running = views.start_with(world.log.clone(), at_once(1024));
        for act in 0..150 {
            step(&mut world).await;
            if act % 2 == 0 {
                reply(&mut world).await;
            }
            assert!(views.wait_for(world.head().await, PATIENCE).await);
            let recount = Recount::of(&world).await;
            for (user, ..) in PEOPLE {
                let listed = views.channel_list.channels_of(user, None, 100).await.unwrap().items;
                let seen: Vec<Counts> = listed.iter().map(Counts::shown).collect();
                assert_eq!(seen, recount.counts_of(user), "seed {seed}, act {act}, {user}");
                counted.0 += seen.iter().map(|counts| counts.unread).sum::<u64>();
                counted.1 += seen.iter().map(|counts| counts.mentions).sum::<u64>();
                counted.2 += seen.iter().map(|counts| counts.threads).sum::<u64>();
            }
        }
        running.stop().await.unwrap();
    }
    assert!(
        counted.0 > 100 && counted.1 > 10 && counted.2 > 100,
        "hardly anything was there to count: {counted:?}"
    );
}

#[tokio::test]
async fn counters_are_the_same_however_the_log_is_cut() {
    for seed in [4, 5] {
        let mut world = World::new(seed);
        settle(&mut world).await;
        for _ in 0..120 {
            step(&mut world).await;
            reply(&mut world).await;
        }
        let recount = Recount::of(&world).await;
        let folder = tempfile::tempdir().unwrap();
        fold_all(folder.path(), &world.log, 1).await;
        let expected = dump(folder.path()).await;
        for batch_events_max in [2, 5, 17, 1000] {
            let folder = tempfile::tempdir().unwrap();
            let views = fold_all(folder.path(), &world.log, batch_events_max).await;
            for (user, ..) in PEOPLE {
                let listed = views.channel_list.channels_of(user, None, 100).await.unwrap().items;
                let seen: Vec<Counts> = listed.iter().map(Counts::shown).collect();
                assert_eq!(
                    seen,
                    recount.counts_of(user),
                    "seed {seed}, in batches of {batch_events_max}"
                );
            }
            assert!(
                dump(folder.path()).await == expected,
                "seed {seed}, in batches of {batch_events_max}"
            );
        }
    }
}

/// Somebody answers in the thread of some message, as far as the rules allow.
async fn reply(world: &mut World) {
    if world.messages.is_empty() {
        return;
    }
    let place = world.roll(world.messages.len());
    let (channel, root, _) = world.messages[place];
    let who = PEOPLE[world.roll(PEOPLE.len())].0;
    let called = PEOPLE[world.roll(PEOPLE.len())].0;
    let command = channel::Command::Send {
        body: MessageBody::parse("well").unwrap(),
        reply_to: None,
        thread: Some(root),
        mentions: if world.roll(3) == 0 { vec![called] } else { vec![] },
    };
    if let Ok(Some(sent)) = world.channel(who, channel, command).await {
        world.messages.push((channel, MessageId::from(sent), who));
    }
}

/// What a person's list says of one channel.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    channel: ChannelId,
    top: u64,
    members_count: u64,
    got: u64,
    read: u64,
    unread: u64,
    mentions: u64,
    threads: u64,
}

impl Counts {
    fn shown(of: &ChannelOf) -> Self {
        Self {
            channel: of.channel.id,
            top: of.channel.top,
            members_count: of.channel.members_count,
            got: of.got,
            read: of.read,
            unread: of.unread,
            mentions: of.mentions,
            threads: of.threads,
        }
    }
}

/// The log, folded the plain way.
#[derive(Default)]
struct Recount {
    channels: BTreeMap<ChannelId, Talk>,
    marks: BTreeMap<(UserId, ChannelId), (u64, u64)>,
    /// Who has blocked whom.
    blocks: BTreeSet<(UserId, UserId)>,
}

#[derive(Default)]
struct Talk {
    top: u64,
    members: BTreeMap<UserId, u64>,
    messages: BTreeMap<MessageId, Message>,
    /// The root of each reply.
    roots: BTreeMap<MessageId, MessageId>,
    /// Who takes part in the thread of a root.
    threads: BTreeMap<MessageId, BTreeSet<UserId>>,
}

struct Message {
    seq: u64,
    author: Actor,
    mentions: BTreeSet<UserId>,
}

impl Recount {
    async fn of(world: &World) -> Self {
        let mut recount = Self::default();
        for recorded in world.log.read_all(0, usize::MAX).await.unwrap().events {
            let (event, id) = (&recorded.event, recorded.stream.id().unwrap());
            match recorded.stream.category() {
                channel::Channel::CATEGORY => {
                    let fact = channel::Event::decode(&event.kind, event.version, &event.payload).unwrap();
                    let talk = recount.channels.entry(ChannelId::from(id)).or_default();
                    let author = Actor::from_uuid(event.actor);
                    talk.take(recorded.revision + 1, author, fact, &recount.blocks);
                }
                inbox::Inbox::CATEGORY => {
                    let fact = inbox::Event::decode(&event.kind, event.version, &event.payload).unwrap();
                    recount.mark(UserId::from(id), fact);
                }
                user::User::CATEGORY => {
                    let fact = user::Event::decode(&event.kind, event.version, &event.payload).unwrap();
                    match fact {
                        user::Event::Blocked(blocked) => drop(recount.blocks.insert((id.into(), blocked.user))),
                        user::Event::Unblocked(free) => drop(recount.blocks.remove(&(id.into(), free.user))),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        recount
    }

    fn mark(&mut self, user: UserId, event: inbox::Event) {
        match event {
            inbox::Event::Got(got) => {
                let marks = self.marks.entry((user, got.channel)).or_default();
                marks.0 = marks.0.max(got.seq);
            }
            inbox::Event::Read(read) => {
                let marks = self.marks.entry((user, read.channel)).or_default();
                *marks = (marks.0.max(read.seq), marks.1.max(read.seq));
            }
            inbox::Event::NotificationsRead(_) => {}
        }
    }

    fn counts_of(&self, user: UserId) -> Vec<Counts> {
        let mine = self
            .channels
            .iter()
            .filter_map(|(channel, talk)| Some((*channel, talk, *talk.members.get(&user)?)));
        mine.map(|(channel, talk, since)| {
            let (got, read) = self.marks.get(&(user, channel)).copied().unwrap_or_default();
            let new = || {
                talk.messages
                    .values()
                    .filter(|message| message.seq > since && message.seq > read)
            };
            let unread = new().filter(|message| message.author != Actor::User(user)).count() as u64;
            let mentioned =
                |message: &&Message| message.mentions.contains(&user) && message.author != Actor::User(user);
            let mentions = new().filter(mentioned).count() as u64;
            let takes_part = |id: &MessageId| {
                let root = talk.roots.get(id);
                root.is_some_and(|root| talk.threads[root].contains(&user))
            };
            let threads = talk.messages.iter().filter(|(id, message)| {
                message.seq > since && message.seq > read && message.author != Actor::User(user) && takes_part(id)
            });
            let threads = threads.count() as u64;
            let members_count = talk.members.len() as u64;
            Counts {
                channel,
                top: talk.top,
                members_count,
                got,
                read,
                unread,
                mentions,
                threads,
            }
        })
        .collect()
    }
}

impl Talk {
    fn take(&mut self, seq: u64, author: Actor, event: channel::Event, blocks: &BTreeSet<(UserId, UserId)>) {
        use channel::Event::*;
        let called = |mentions: Vec<UserId>, author: Actor| -> BTreeSet<UserId> {
            let hears = |user: &UserId| author.user().is_none_or(|author| !blocks.contains(&(*user, author)));
            mentions.into_iter().filter(hears).collect()
        };
        self.top = seq;
        match event {
            MemberAdded(added) => drop(self.members.insert(added.user, seq)),
            MemberLeft(left) => drop(self.members.remove(&left.user)),
            MemberRemoved(removed) => drop(self.members.remove(&removed.user)),
            Sent(sent) => {
                let mentions = called(sent.mentions, author);
                if let Some(root) = sent.thread {
                    let part = self.threads.entry(root).or_default();
                    part.extend(self.messages.get(&root).and_then(|root| root.author.user()));
                    part.extend(author.user());
                    part.extend(&mentions);
                    self.roots.insert(sent.message, root);
                }
                self.messages.insert(sent.message, Message { seq, author, mentions });
            }
            Edited(edited) => {
                let message = self.messages.get_mut(&edited.message).unwrap();
                message.mentions = called(edited.mentions, author);
                if let Some(root) = self.roots.get(&edited.message) {
                    self.threads.entry(*root).or_default().extend(&message.mentions);
                }
            }
            Deleted(deleted) => drop(self.messages.remove(&deleted.message)),
            Restored(restored) => {
                let author = restored.author.map_or(Actor::System, Actor::User);
                let message = Message {
                    seq: restored.seq,
                    author,
                    mentions: called(restored.mentions, author),
                };
                self.messages.insert(restored.message, message);
            }
            Created(_) | Updated(_) | Archived(_) => {}
            Reacted(_) | Unreacted(_) | Voted(_) | Unvoted(_) | Pinned(_) | Unpinned(_) => {}
        }
    }
}

#[tokio::test]
async fn a_list_finds_its_rows_by_key_and_counts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(1);
    open(folder.path(), &world.log).await;
    let mut db = connect(folder.path(), "channel_list").await;
    for query in [
        include_str!("../src/channel_list/channels_of.sql"),
        include_str!("../src/channel_list/liveliest_of.sql"),
    ] {
        let plan = sqlx::query(AssertSqlSafe(format!("explain query plan {query}")))
            .fetch_all(&mut db)
            .await
            .unwrap();
        let steps: Vec<String> = plan.iter().map(|step| step.get("detail")).collect();
        let (searches, others): (Vec<_>, Vec<_>) = steps.iter().partition(|step| step.starts_with("SEARCH"));
        assert_eq!(searches.len(), 3, "a member, a channel and a mark: {steps:?}");
        assert!(
            searches
                .iter()
                .all(|step| step.contains("PRIMARY KEY") || step.contains("INDEX")),
            "{steps:?}"
        );
        assert!(
            others.iter().all(|step| *step == "USE TEMP B-TREE FOR ORDER BY"),
            "{steps:?}"
        );
    }
}

#[tokio::test]
async fn a_mark_beyond_what_there_is_makes_later_messages_no_news() {
    let mut world = World::new(1);
    settle(&mut world).await;
    let (channel, ahead, writer) = two_members(&world);
    let seq = world.top(channel) + 2;
    world
        .inbox(ahead, inbox::Command::MarkRead { channel, seq })
        .await
        .unwrap();
    for number in 0..3 {
        world
            .say_to(writer, channel, &format!("number {number}"), &[ahead])
            .await;
    }
    let recount = Recount::of(&world).await;
    for batch_events_max in [1, 1000] {
        let folder = tempfile::tempdir().unwrap();
        let views = fold_all(folder.path(), &world.log, batch_events_max).await;
        let seen = views.channel_list.channel_of(ahead, channel).await.unwrap().unwrap();
        assert_eq!((seen.unread, seen.mentions), (1, 1), "in batches of {batch_events_max}");
        assert!(recount.counts_of(ahead).contains(&Counts::shown(&seen)));
    }
}

#[tokio::test]
async fn whoever_is_blocked_mentions_in_vain_wherever_a_run_of_events_is_cut() {
    let mut world = World::new(1);
    settle(&mut world).await;
    let (channel, ann, bob) = two_members(&world);
    let before = Recount::of(&world).await;
    let before = before
        .counts_of(ann)
        .into_iter()
        .find(|counts| counts.channel == channel)
        .unwrap();
    let block = |on: bool| {
        if on {
            user::Command::Block { user: bob }
        } else {
            user::Command::Unblock { user: bob }
        }
    };
    for (number, on) in [true, false, true].into_iter().enumerate() {
        world.user(Actor::User(ann), ann, block(on)).await.unwrap();
        world.say_to(bob, channel, &format!("number {number}"), &[ann]).await;
    }
    for batch_events_max in [1, 2, 3, 5, 1000] {
        let folder = tempfile::tempdir().unwrap();
        let views = fold_all(folder.path(), &world.log, batch_events_max).await;
        let seen = views.channel_list.channel_of(ann, channel).await.unwrap().unwrap();
        assert_eq!(
            (seen.unread, seen.mentions),
            (before.unread + 3, before.mentions + 1),
            "in batches of {batch_events_max}"
        );
    }
}

/// Some channel with two people in it.
fn two_members(world: &World) -> (ChannelId, UserId, UserId) {
    let pair = |channel: &ChannelId| {
        let state = world.state::<channel::Channel>(channel.uuid());
        let mut members: Vec<UserId> = state.open()?.members().map(|(user, _)| user).collect();
        members.sort_unstable();
        Some((*channel, *members.first()?, *members.get(1)?))
    };
    world.channels.iter().find_map(pair).unwrap()
}
