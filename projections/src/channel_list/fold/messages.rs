//! How messages change what counts as unread, and who is mentioned.
//!
//! Each statement that changes messages or mentions has one beside it that keeps the stored counters equal to a recount: what a member
//! has `passed` is every message up to their floor and every one of their own, `mentions` are those above the floor.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Actor, ChannelId, MessageId, Meta, UserId,
    channel::{Edited, Restored, Sent},
};
use serde::Serialize;

use crate::{columns::Hex, registry::Statement};

/// What a run of events amounts to for messages.
#[derive(Default)]
pub(super) struct Messages<'a>(BTreeMap<(ChannelId, MessageId), Fate<'a>>);

/// What became of a message in this run.
enum Fate<'a> {
    Sent {
        seq: u64,
        author: Actor,
        mentions: BTreeSet<&'a UserId>,
    },
    /// Sent earlier, and it mentions others now.
    Edited {
        mentions: BTreeSet<&'a UserId>,
    },
    Deleted,
    /// Deleted before, in this run or an earlier one, and there again.
    Restored {
        seq: u64,
        author: Actor,
        mentions: BTreeSet<&'a UserId>,
    },
}

impl<'a> Messages<'a> {
    pub(super) fn send(&mut self, channel: ChannelId, sent: &'a Sent, meta: &Meta) {
        let mentions = others(&sent.mentions, meta.actor);
        self.0.insert(
            (channel, sent.message),
            Fate::Sent {
                seq: meta.seq(),
                author: meta.actor,
                mentions,
            },
        );
    }

    pub(super) fn edit(&mut self, channel: ChannelId, edited: &'a Edited, meta: &Meta) {
        let now = others(&edited.mentions, meta.actor);
        match self.0.entry((channel, edited.message)).or_insert(Fate::Edited {
            mentions: BTreeSet::new(),
        }) {
            Fate::Sent { mentions, .. } | Fate::Edited { mentions } | Fate::Restored { mentions, .. } => {
                *mentions = now
            }
            Fate::Deleted => {}
        }
    }

    pub(super) fn delete(&mut self, channel: ChannelId, message: MessageId) {
        self.0.insert((channel, message), Fate::Deleted);
    }

    pub(super) fn restore(&mut self, channel: ChannelId, restored: &'a Restored) {
        let author = restored.author.map_or(Actor::System, Actor::User);
        self.0.insert(
            (channel, restored.message),
            Fate::Restored {
                seq: restored.seq,
                author,
                mentions: others(&restored.mentions, author),
            },
        );
    }

    /// Mentions go before the messages they are found through, and come after them.
    pub(super) fn statements(self) -> impl Iterator<Item = Statement> {
        let (mut sent, mut mentions, mut changed, mut deleted) = (vec![], vec![], vec![], vec![]);
        for ((channel, message), fate) in &self.0 {
            let key = Key {
                channel: Hex(channel.uuid()),
                id: Hex(message.uuid()),
            };
            match fate {
                Fate::Sent {
                    seq,
                    author,
                    mentions: users,
                } => {
                    sent.push(MessageRow {
                        key,
                        seq: *seq,
                        author: Hex(author.uuid()),
                    });
                    mentions.extend(MentionRow::of(key, users));
                }
                Fate::Edited { mentions: users } => {
                    changed.push(key);
                    mentions.extend(MentionRow::of(key, users));
                }
                Fate::Deleted => {
                    changed.push(key);
                    deleted.push(key);
                }
                // Where its deletion is in this run as well, the old row is still there to be uncounted.
                Fate::Restored {
                    seq,
                    author,
                    mentions: users,
                } => {
                    changed.push(key);
                    deleted.push(key);
                    sent.push(MessageRow {
                        key,
                        seq: *seq,
                        author: Hex(author.uuid()),
                    });
                    mentions.extend(MentionRow::of(key, users));
                }
            }
        }
        sent.sort_unstable_by_key(|row| (row.key.channel, row.seq));
        [
            Statement::over(include_str!("../uncount_mentions.sql"), changed.iter().copied()),
            Statement::over(include_str!("../clear_mentions.sql"), changed),
            Statement::over(include_str!("../uncount_messages.sql"), deleted.iter().copied()),
            Statement::over(include_str!("../unpass_messages.sql"), deleted.iter().copied()),
            Statement::over(include_str!("../delete_messages.sql"), deleted),
            Statement::over(include_str!("../count_messages.sql"), sent.iter().copied()),
            Statement::over(include_str!("../pass_messages.sql"), sent.iter().copied()),
            Statement::over(include_str!("../insert_messages.sql"), sent),
            Statement::over(include_str!("../count_mentions.sql"), mentions.iter()),
            Statement::over(include_str!("../insert_mentions.sql"), mentions.iter()),
        ]
        .into_iter()
        .flatten()
    }
}

/// Mentioning oneself is no news to anyone, and nobody is mentioned twice.
fn others(mentions: &[UserId], author: Actor) -> BTreeSet<&UserId> {
    mentions.iter().filter(|user| author != Actor::User(**user)).collect()
}

#[derive(Clone, Copy, Serialize)]
struct Key {
    channel: Hex,
    id: Hex,
}

#[derive(Clone, Copy, Serialize)]
struct MessageRow {
    #[serde(flatten)]
    key: Key,
    seq: u64,
    author: Hex,
}

#[derive(Serialize)]
struct MentionRow {
    #[serde(flatten)]
    key: Key,
    users: Vec<Hex>,
}

impl MentionRow {
    fn of(key: Key, users: &BTreeSet<&UserId>) -> Option<Self> {
        let users: Vec<_> = users.iter().map(|user| Hex(user.uuid())).collect();
        if users.is_empty() {
            None
        } else {
            Some(Self { key, users })
        }
    }
}
