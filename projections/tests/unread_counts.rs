//! Unread and mention counters against a naive recount of the log, after every single act of a chance conversation.
#![allow(clippy::unwrap_used)]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use domain::{Actor, ChannelId, Coded, Decider, MessageId, UserId, channel, inbox};
use event_store::EventLog;
use projections::ChannelOf;
use world::{PATIENCE, PEOPLE, World, at_once, open, settle, step};

#[tokio::test]
async fn counters_equal_a_recount_of_the_log_after_every_act() {
    for seed in [1, 2, 3] {
        let mut world = World::new(seed);
        settle(&mut world).await;
        let folder = tempfile::tempdir().unwrap();
        let views = open(folder.path(), &world.log).await;
        let running = views.start_with(world.log.clone(), at_once(1024));
        let mut counted = (0, 0);
        for act in 0..150 {
            step(&mut world).await;
            assert!(views.wait_for(world.head().await, PATIENCE).await);
            let recount = Recount::of(&world).await;
            for (user, ..) in PEOPLE {
                let listed = views.channel_list.channels_of(user, None, 100).await.unwrap().items;
                let seen: Vec<Counts> = listed.iter().map(Counts::shown).collect();
                assert_eq!(seen, recount.counts_of(user), "seed {seed}, act {act}, {user}");
                counted.0 += seen.iter().map(|counts| counts.unread).sum::<u64>();
                counted.1 += seen.iter().map(|counts| counts.mentions).sum::<u64>();
            }
        }
        assert!(
            counted.0 > 100 && counted.1 > 10,
            "hardly anything was there to count: {counted:?}"
        );
        running.stop().await.unwrap();
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
        }
    }
}

/// The log, folded the plain way.
#[derive(Default)]
struct Recount {
    channels: BTreeMap<ChannelId, Talk>,
    marks: BTreeMap<(UserId, ChannelId), (u64, u64)>,
}

#[derive(Default)]
struct Talk {
    top: u64,
    members: BTreeMap<UserId, u64>,
    messages: BTreeMap<MessageId, Message>,
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
                    talk.take(recorded.revision + 1, Actor::from_uuid(event.actor), fact);
                }
                inbox::Inbox::CATEGORY => {
                    let fact = inbox::Event::decode(&event.kind, event.version, &event.payload).unwrap();
                    recount.mark(UserId::from(id), fact);
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
            let members_count = talk.members.len() as u64;
            Counts {
                channel,
                top: talk.top,
                members_count,
                got,
                read,
                unread,
                mentions,
            }
        })
        .collect()
    }
}

impl Talk {
    fn take(&mut self, seq: u64, author: Actor, event: channel::Event) {
        use channel::Event::*;
        self.top = seq;
        match event {
            MemberAdded(added) => drop(self.members.insert(added.user, seq)),
            MemberLeft(left) => drop(self.members.remove(&left.user)),
            MemberRemoved(removed) => drop(self.members.remove(&removed.user)),
            Sent(sent) => {
                let mentions = sent.mentions.into_iter().collect();
                self.messages.insert(sent.message, Message { seq, author, mentions });
            }
            Edited(edited) => {
                let message = self.messages.get_mut(&edited.message).unwrap();
                message.mentions = edited.mentions.into_iter().collect();
            }
            Deleted(deleted) => drop(self.messages.remove(&deleted.message)),
            Created(_) | Updated(_) | Archived(_) => {}
        }
    }
}
