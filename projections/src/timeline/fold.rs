//! How channel events change the timeline: messages and threads here, what is thought of them in `opinions`.

use std::collections::{BTreeMap, HashMap, btree_map::Entry};

use domain::{
    ChannelId, Decider, MessageId, Meta, UserId,
    channel::{Channel, Edited, Event as ChannelEvent, Restored, Sent},
};
use serde::Serialize;

use crate::{
    Event, Fact,
    columns::Hex,
    digest::Table,
    registry::{Projection, Schema, Statement},
};

mod opinions;

use opinions::Opinions;
pub use opinions::RANKING_SECONDS;

pub(crate) static TIMELINE: Projection = Projection {
    name: "timeline",
    version: 3,
    categories: &[Channel::CATEGORY],
    tables: &[
        Table::of_stream("timeline_message", "channel", Channel::CATEGORY),
        Table::of_stream("timeline_channel", "id", Channel::CATEGORY),
        Table::of_stream("timeline_thread", "channel", Channel::CATEGORY),
        Table::of_stream("timeline_reaction", "channel", Channel::CATEGORY),
        Table::of_stream("timeline_reaction_count", "channel", Channel::CATEGORY),
        Table::of_stream("timeline_vote", "channel", Channel::CATEGORY),
        Table::of_stream("timeline_score", "channel", Channel::CATEGORY),
        Table::of_stream("timeline_score_change", "channel", Channel::CATEGORY),
        Table::of_stream("timeline_horizon", "channel", Channel::CATEGORY),
        Table::of_stream("timeline_pin", "channel", Channel::CATEGORY),
        Table::of_stream("timeline_revision", "channel", Channel::CATEGORY),
    ],
    schema: Schema {
        tables: include_str!("tables.sql"),
        indexes: include_str!("indexes.sql"),
    },
    fold,
};

fn fold(events: &[&Event]) -> Vec<Statement> {
    let mut pending = Pending::default();
    for event in events {
        match &event.fact {
            Fact::Channel(channel, fact) => pending.take(*channel, fact, &event.meta),
            Fact::User(..) | Fact::Space(..) | Fact::Inbox(..) | Fact::Report(..) | Fact::Audit(..) => {}
        }
    }
    pending.statements()
}

/// What a run of events amounts to. A message sent and changed in the same run is one row, written once.
#[derive(Default)]
struct Pending<'a> {
    sent: Vec<Row<'a>>,
    /// Where in `sent` a message is.
    places: HashMap<(ChannelId, MessageId), usize>,
    /// Changes to messages of earlier runs.
    changes: BTreeMap<(ChannelId, MessageId), Words<'a>>,
    revisions: Vec<RevisionRow>,
    opinions: Opinions<'a>,
    tops: BTreeMap<ChannelId, u64>,
}

#[derive(Serialize)]
struct Row<'a> {
    channel: Hex,
    seq: u64,
    id: Hex,
    author: Hex,
    at: i64,
    reply_to: Option<Hex>,
    thread: Option<Hex>,
    depth: u8,
    #[serde(flatten)]
    words: Words<'a>,
}

/// The part of a message that changes.
#[derive(Default, Serialize)]
struct Words<'a> {
    body: Option<&'a str>,
    /// `None` leaves the stored one, as does that of `edited_at`.
    version: Option<u16>,
    edited_at: Option<i64>,
    deleted: bool,
    /// Whatever the stored row says, it is there again.
    restored: bool,
    mentions: Vec<Hex>,
}

#[derive(Serialize)]
struct Change<'a> {
    channel: Hex,
    id: Hex,
    #[serde(flatten)]
    words: Words<'a>,
}

#[derive(Serialize)]
struct RevisionRow {
    channel: Hex,
    message: Hex,
    version: u16,
    seq: u64,
    at: i64,
}

#[derive(Serialize)]
struct Top {
    id: Hex,
    top: u64,
}

impl<'a> Pending<'a> {
    fn take(&mut self, channel: ChannelId, event: &'a ChannelEvent, meta: &Meta) {
        self.tops.insert(channel, meta.seq());
        self.opinions.take(channel, event, meta);
        match event {
            ChannelEvent::Sent(sent) => self.send(channel, sent, meta),
            ChannelEvent::Edited(edited) => self.edit(channel, edited, meta),
            ChannelEvent::Deleted(deleted) => self.words_of(channel, deleted.message).delete(),
            ChannelEvent::Restored(restored) => self.words_of(channel, restored.message).restore(restored),
            ChannelEvent::Created(_)
            | ChannelEvent::Updated(_)
            | ChannelEvent::Archived(_)
            | ChannelEvent::MemberAdded(_)
            | ChannelEvent::MemberLeft(_)
            | ChannelEvent::MemberRemoved(_)
            | ChannelEvent::Reacted(_)
            | ChannelEvent::Unreacted(_)
            | ChannelEvent::Voted(_)
            | ChannelEvent::Unvoted(_)
            | ChannelEvent::Pinned(_)
            | ChannelEvent::Unpinned(_) => {}
        }
    }

    fn send(&mut self, channel: ChannelId, sent: &'a Sent, meta: &Meta) {
        self.places.insert((channel, sent.message), self.sent.len());
        self.sent.push(Row {
            channel: Hex(channel.uuid()),
            seq: meta.seq(),
            id: Hex(sent.message.uuid()),
            author: Hex(meta.actor.uuid()),
            at: meta.at.timestamp_micros(),
            reply_to: sent.reply_to.map(|parent| Hex(parent.uuid())),
            thread: sent.thread.map(|root| Hex(root.uuid())),
            depth: sent.depth,
            words: Words {
                body: Some(sent.body.as_str()),
                version: Some(1),
                edited_at: None,
                deleted: false,
                restored: false,
                mentions: hex(&sent.mentions),
            },
        });
    }

    fn edit(&mut self, channel: ChannelId, edited: &'a Edited, meta: &Meta) {
        self.words_of(channel, edited.message).edit(edited, meta);
        self.revisions.push(RevisionRow {
            channel: Hex(channel.uuid()),
            message: Hex(edited.message.uuid()),
            version: edited.version,
            seq: meta.seq(),
            at: meta.at.timestamp_micros(),
        });
    }

    fn words_of(&mut self, channel: ChannelId, message: MessageId) -> &mut Words<'a> {
        match self.places.get(&(channel, message)) {
            Some(place) => &mut self.sent[*place].words,
            None => match self.changes.entry((channel, message)) {
                Entry::Occupied(change) => change.into_mut(),
                Entry::Vacant(none) => none.insert(Words::default()),
            },
        }
    }

    /// Replies are counted against the messages as they were, and opinions against those that are there then.
    fn statements(self) -> Vec<Statement> {
        let changes: Vec<_> = self
            .changes
            .into_iter()
            .map(|((channel, message), words)| Change {
                channel: Hex(channel.uuid()),
                id: Hex(message.uuid()),
                words,
            })
            .collect();
        let tops = self.tops.into_iter().map(|(channel, top)| Top {
            id: Hex(channel.uuid()),
            top,
        });
        let in_threads = self.sent.iter().filter(|row| row.thread.is_some());
        let messages = [
            Statement::over(include_str!("count_replies.sql"), &changes),
            Statement::over(include_str!("raise_threads.sql"), in_threads),
            Statement::over(include_str!("insert_messages.sql"), &self.sent),
            Statement::over(include_str!("change_messages.sql"), &changes),
            Statement::over(include_str!("insert_revisions.sql"), self.revisions),
            Statement::over(include_str!("raise_tops.sql"), tops),
        ];
        messages
            .into_iter()
            .flatten()
            .chain(self.opinions.statements())
            .collect()
    }
}

impl<'a> Words<'a> {
    /// A deleted message takes no edits.
    fn edit(&mut self, edited: &'a Edited, meta: &Meta) {
        if self.deleted {
            return;
        }
        self.body = Some(edited.body.as_str());
        self.version = Some(edited.version);
        self.edited_at = Some(meta.at.timestamp_micros());
        self.mentions = hex(&edited.mentions);
    }

    fn delete(&mut self) {
        self.deleted = true;
        self.body = None;
        self.mentions.clear();
    }

    fn restore(&mut self, restored: &'a Restored) {
        self.deleted = false;
        self.restored = true;
        self.body = Some(restored.body.as_str());
        self.mentions = hex(&restored.mentions);
    }
}

fn hex(users: &[UserId]) -> Vec<Hex> {
    users.iter().map(|user| Hex(user.uuid())).collect()
}
