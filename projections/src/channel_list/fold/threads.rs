//! How replies change what counts as unread in threads, and who takes part in them. Each statement leaves the stored counters equal to a
//! recount: replies of others, not deleted, above the floor, in threads that the person takes part in.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Actor, ChannelId, MessageId, Meta, channel::Sent};
use serde::Serialize;

use super::messages::{Key, MentionRow, Mentioned};
use crate::{columns::Hex, registry::Statement};

/// What a run of events amounts to for threads.
#[derive(Default)]
pub(super) struct Threads {
    replies: BTreeMap<(ChannelId, MessageId), ReplyRow>,
    /// Whether replies of earlier runs are deleted in the end.
    fates: BTreeMap<(ChannelId, MessageId), bool>,
    /// Roots of earlier runs whose authors take part from now on.
    roots: BTreeSet<(ChannelId, MessageId)>,
    /// Who takes part from now on; the key names the thread.
    called: Vec<MentionRow>,
    /// The same, where the key names a reply of an earlier run.
    called_by_edits: Vec<MentionRow>,
    touched: BTreeSet<Hex>,
}

/// Who wrote the root of a thread, when it is replied to.
pub(super) enum RootAuthor {
    Known(Actor),
    /// It is in the table if it is there at all.
    AsBefore,
    /// It was deleted in this run.
    Gone,
}

#[derive(Serialize)]
struct ReplyRow {
    #[serde(flatten)]
    key: Key,
    seq: u64,
    author: Hex,
    thread: Hex,
    deleted: u8,
}

#[derive(Serialize)]
struct FateRow {
    #[serde(flatten)]
    key: Key,
    deleted: u8,
}

impl Threads {
    pub(super) fn reply(
        &mut self,
        channel: ChannelId,
        sent: &Sent,
        root: MessageId,
        root_author: RootAuthor,
        meta: &Meta,
    ) {
        let thread = key(channel, root);
        match root_author {
            RootAuthor::Known(author) => self.join(thread, author),
            RootAuthor::AsBefore => drop(self.roots.insert((channel, root))),
            RootAuthor::Gone => {}
        }
        self.join(thread, meta.actor);
        self.touched.insert(thread.channel);
        self.replies.insert(
            (channel, sent.message),
            ReplyRow {
                key: key(channel, sent.message),
                seq: meta.seq(),
                author: Hex(meta.actor.uuid()),
                thread: thread.id,
                deleted: 0,
            },
        );
    }

    fn join(&mut self, thread: Key, actor: Actor) {
        self.called
            .extend(actor.user().map(|user| MentionRow::alone(thread, user)));
    }

    pub(super) fn call(&mut self, channel: ChannelId, root: MessageId, mentioned: &Mentioned<'_>) {
        self.touched.insert(Hex(channel.uuid()));
        self.called.extend(MentionRow::of(key(channel, root), mentioned));
    }

    pub(super) fn call_by_edit(&mut self, channel: ChannelId, message: MessageId, mentioned: &Mentioned<'_>) {
        if let Some(reply) = self.replies.get(&(channel, message)) {
            let thread = Key {
                id: reply.thread,
                ..reply.key
            };
            return self.called.extend(MentionRow::of(thread, mentioned));
        }
        let mut rows = MentionRow::of(key(channel, message), mentioned).peekable();
        if rows.peek().is_some() {
            self.touched.insert(Hex(channel.uuid()));
            self.called_by_edits.extend(rows);
        }
    }

    pub(super) fn fate(&mut self, channel: ChannelId, message: MessageId, deleted: bool) {
        match self.replies.get_mut(&(channel, message)) {
            Some(reply) => reply.deleted = u8::from(deleted),
            None => drop(self.fates.insert((channel, message), deleted)),
        }
    }

    /// Who takes part already is told of each change; who takes part from now on is told of everything once, last.
    pub(super) fn statements(&self) -> Vec<Statement> {
        let roots = self.roots.iter().map(|(channel, root)| key(*channel, *root));
        let fates: Vec<_> = self.fates.iter().map(FateRow::of).collect();
        [
            Statement::over(include_str!("../insert_root_authors.sql"), roots),
            Statement::over(
                include_str!("../insert_called_by_edits.sql"),
                self.called_by_edits.iter(),
            ),
            Statement::over(include_str!("../insert_thread_members.sql"), self.called.iter()),
            Statement::over(include_str!("../count_fated_replies.sql"), fates.iter()),
            Statement::over(include_str!("../count_replies.sql"), self.replies.values()),
            Statement::over(include_str!("../delete_replies.sql"), fates.iter()),
            Statement::over(include_str!("../insert_replies.sql"), self.replies.values()),
            Statement::over(include_str!("../count_fresh.sql"), self.touched.iter()),
            Statement::over(include_str!("../forget_fresh.sql"), self.touched.iter()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl FateRow {
    fn of(((channel, message), deleted): (&(ChannelId, MessageId), &bool)) -> Self {
        Self {
            key: key(*channel, *message),
            deleted: u8::from(*deleted),
        }
    }
}

fn key(channel: ChannelId, message: MessageId) -> Key {
    Key {
        channel: Hex(channel.uuid()),
        id: Hex(message.uuid()),
    }
}
