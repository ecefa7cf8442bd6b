//! Acknowledgements by members, coalesced: the highest mark per person and channel waits here until the next flush, so that a reader of
//! a busy channel costs one event per interval and not one per message.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use chrono::{DateTime, Utc};
use domain::{
    Actor, ChannelId, IdempotencyKey, UserId,
    inbox::{self, Inbox},
};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{Caller, Pending, Sequencers};

/// At most one event per person, channel and kind of mark in this time.
const FLUSH_EVERY: Duration = Duration::from_secs(2);
/// Marks that may wait; one more flushes at once.
const WAITING_MAX: usize = 100_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Everything up to this seq has arrived.
    Got(u64),
    /// Everything up to this seq was read.
    Read(u64),
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    got: u64,
    read: u64,
    at: DateTime<Utc>,
}

type Marks = HashMap<ChannelId, Waiting>;

pub struct Acknowledgements {
    waiting: Mutex<HashMap<UserId, Marks>>,
    inboxes: Sequencers<Inbox>,
}

impl Acknowledgements {
    pub(crate) fn start(inboxes: Sequencers<Inbox>) -> Arc<Self> {
        let this = Arc::new(Self {
            waiting: Mutex::default(),
            inboxes,
        });
        tokio::spawn(flush_regularly(Arc::downgrade(&this)));
        this
    }

    /// Notes a mark; it becomes an event at the next flush if it is above what the inbox already holds.
    pub fn note(&self, user: UserId, channel: ChannelId, mark: Mark, at: DateTime<Utc>) {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= WAITING_MAX && !waiting.contains_key(&user) {
            // Dropping is safe: marks are cumulative, so the next one says it all again.
            return;
        }
        let entry = waiting
            .entry(user)
            .or_default()
            .entry(channel)
            .or_insert(Waiting { got: 0, read: 0, at });
        match mark {
            Mark::Got(seq) => entry.got = entry.got.max(seq),
            Mark::Read(seq) => entry.read = entry.read.max(seq),
        }
        entry.at = at;
    }

    /// Makes one person's marks events now, as when their socket closes.
    pub async fn flush(&self, user: UserId) {
        let marks = self.waiting.lock().remove(&user);
        for pending in self.submit(user, marks.unwrap_or_default()).await {
            let _already_counted_by_the_metrics = pending.outcome().await;
        }
    }

    pub async fn flush_all(&self) {
        let all = std::mem::take(&mut *self.waiting.lock());
        let mut pending = Vec::new();
        for (user, marks) in all {
            pending.extend(self.submit(user, marks).await);
        }
        for pending in pending {
            let _already_counted_by_the_metrics = pending.outcome().await;
        }
    }

    async fn submit(&self, user: UserId, marks: Marks) -> Vec<Pending<Inbox>> {
        let mut pending = Vec::with_capacity(marks.len());
        for (channel, waiting) in marks {
            for (kind, seq) in [("got", waiting.got), ("read", waiting.read)] {
                if seq > 0 && (kind == "read" || seq > waiting.read) {
                    let caller = caller(user, kind, channel, seq, waiting.at);
                    pending.extend(
                        self.inboxes
                            .submit(user.uuid(), command(kind, channel, seq), caller)
                            .await,
                    );
                }
            }
        }
        pending
    }
}

async fn flush_regularly(acknowledgements: Weak<Acknowledgements>) {
    loop {
        tokio::time::sleep(FLUSH_EVERY).await;
        let Some(acknowledgements) = acknowledgements.upgrade() else {
            return;
        };
        acknowledgements.flush_all().await;
    }
}

fn command(kind: &str, channel: ChannelId, seq: u64) -> inbox::Command {
    if kind == "read" {
        inbox::Command::MarkRead { channel, seq }
    } else {
        inbox::Command::MarkGot { channel, seq }
    }
}

/// The mark itself is the key: noting the same one again is the same command.
fn caller(user: UserId, kind: &str, channel: ChannelId, seq: u64, at: DateTime<Utc>) -> Caller {
    let key = IdempotencyKey::parse(&format!("{kind}:{}:{seq}", channel.uuid().simple()))
        .expect("a word, a UUID and a number of at most 20 digits are 57 visible ASCII characters or fewer");
    Caller {
        actor: Actor::User(user),
        acting_as: None,
        key,
        request_id: Uuid::nil(),
        at,
    }
}
