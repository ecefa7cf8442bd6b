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

use super::threads::{RootAuthor, Threads};
use crate::{columns::Hex, registry::Statement};

/// What a run of events amounts to for messages.
#[derive(Default)]
pub(super) struct Messages<'a> {
    fates: BTreeMap<(ChannelId, MessageId), Fate<'a>>,
    /// Who has blocked whom in this run, or taken it back.
    blocks: BTreeMap<(UserId, UserId), bool>,
    threads: Threads,
}

/// What became of a message in this run.
enum Fate<'a> {
    Sent {
        seq: u64,
        author: Actor,
        mentions: Mentioned<'a>,
    },
    /// Sent earlier, and it mentions others now.
    Edited {
        mentions: Mentioned<'a>,
    },
    Deleted,
    /// Deleted before, in this run or an earlier one, and there again.
    Restored {
        seq: u64,
        author: Actor,
        mentions: Mentioned<'a>,
    },
}

/// Whom a message calls. Mentioning oneself is no news to anyone, nobody is mentioned twice, and whoever has blocked the author is not
/// called at all.
#[derive(Default)]
pub(super) struct Mentioned<'a> {
    pub(super) author: Option<UserId>,
    /// Those of whom it is not known from this run whether they have blocked the author.
    pub(super) users: BTreeSet<&'a UserId>,
    /// Those who have taken a block back in this run.
    pub(super) free: BTreeSet<&'a UserId>,
}

impl<'a> Messages<'a> {
    pub(super) fn block(&mut self, who: UserId, whom: UserId, on: bool) {
        self.blocks.insert((who, whom), on);
    }

    fn mentioned(&self, mentions: &'a [UserId], author: Actor) -> Mentioned<'a> {
        let mut mentioned = Mentioned {
            author: author.user(),
            ..Mentioned::default()
        };
        for user in mentions.iter().filter(|user| author != Actor::User(**user)) {
            match author.user().and_then(|author| self.blocks.get(&(*user, author))) {
                None => mentioned.users.insert(user),
                Some(true) => false,
                Some(false) => mentioned.free.insert(user),
            };
        }
        mentioned
    }

    pub(super) fn send(&mut self, channel: ChannelId, sent: &'a Sent, meta: &Meta) {
        let mentions = self.mentioned(&sent.mentions, meta.actor);
        if let Some(root) = sent.thread {
            let root_author = match self.fates.get(&(channel, root)) {
                Some(Fate::Sent { author, .. } | Fate::Restored { author, .. }) => RootAuthor::Known(*author),
                Some(Fate::Deleted) => RootAuthor::Gone,
                Some(Fate::Edited { .. }) | None => RootAuthor::AsBefore,
            };
            self.threads.reply(channel, sent, root, root_author, meta);
            self.threads.call(channel, root, &mentions);
        }
        self.fates.insert(
            (channel, sent.message),
            Fate::Sent {
                seq: meta.seq(),
                author: meta.actor,
                mentions,
            },
        );
    }

    pub(super) fn edit(&mut self, channel: ChannelId, edited: &'a Edited, meta: &Meta) {
        let now = self.mentioned(&edited.mentions, meta.actor);
        if !matches!(self.fates.get(&(channel, edited.message)), Some(Fate::Deleted)) {
            self.threads.call_by_edit(channel, edited.message, &now);
        }
        match self.fates.entry((channel, edited.message)).or_insert(Fate::Edited {
            mentions: Mentioned::default(),
        }) {
            Fate::Sent { mentions, .. } | Fate::Edited { mentions } | Fate::Restored { mentions, .. } => {
                *mentions = now
            }
            Fate::Deleted => {}
        }
    }

    pub(super) fn delete(&mut self, channel: ChannelId, message: MessageId) {
        self.threads.fate(channel, message, true);
        self.fates.insert((channel, message), Fate::Deleted);
    }

    pub(super) fn restore(&mut self, channel: ChannelId, restored: &'a Restored) {
        let author = restored.author.map_or(Actor::System, Actor::User);
        let mentions = self.mentioned(&restored.mentions, author);
        self.threads.fate(channel, restored.message, false);
        self.fates.insert(
            (channel, restored.message),
            Fate::Restored {
                seq: restored.seq,
                author,
                mentions,
            },
        );
    }

    /// Mentions go before the messages they are found through, and come after them.
    pub(super) fn statements(self) -> impl Iterator<Item = Statement> {
        let (mut sent, mut mentions, mut changed, mut deleted) = (vec![], vec![], vec![], vec![]);
        for ((channel, message), fate) in &self.fates {
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
        let (set, taken_back): (Vec<_>, Vec<_>) = self.blocks.iter().map(BlockRow::of).partition(|row| row.on);
        sent.sort_unstable_by_key(|row| (row.key.channel, row.seq));
        // Threads first: they look for roots and replies as they were before this run.
        let threads = self.threads.statements();
        let messages = [
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
            // Mentions ask for blocks as they were before this run.
            Statement::over(include_str!("../put_blocks.sql"), set),
            Statement::over(include_str!("../delete_blocks.sql"), taken_back),
        ];
        threads.into_iter().chain(messages.into_iter().flatten())
    }
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct Key {
    pub(super) channel: Hex,
    pub(super) id: Hex,
}

#[derive(Clone, Copy, Serialize)]
struct MessageRow {
    #[serde(flatten)]
    key: Key,
    seq: u64,
    author: Hex,
}

#[derive(Serialize)]
pub(super) struct MentionRow {
    #[serde(flatten)]
    key: Key,
    users: Vec<Hex>,
    /// Whoever of them has blocked this person is not mentioned; without one all are.
    author: Option<Hex>,
}

impl MentionRow {
    /// One person, whomever they have blocked.
    pub(super) fn alone(key: Key, user: UserId) -> Self {
        Self {
            key,
            users: vec![Hex(user.uuid())],
            author: None,
        }
    }

    pub(super) fn of(key: Key, mentioned: &Mentioned<'_>) -> impl Iterator<Item = Self> + use<> {
        let rows = [(&mentioned.users, mentioned.author), (&mentioned.free, None)];
        rows.map(|(users, author)| Self {
            key,
            users: users.iter().map(|user| Hex(user.uuid())).collect(),
            author: author.map(|author| Hex(author.uuid())),
        })
        .into_iter()
        .filter(|row| !row.users.is_empty())
    }
}

#[derive(Serialize)]
struct BlockRow {
    user: Hex,
    blocked: Hex,
    #[serde(skip)]
    on: bool,
}

impl BlockRow {
    fn of(((who, whom), on): (&(UserId, UserId), &bool)) -> Self {
        Self {
            user: Hex(who.uuid()),
            blocked: Hex(whom.uuid()),
            on: *on,
        }
    }
}
