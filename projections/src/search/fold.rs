//! How channel events change what can be searched.

use std::collections::{BTreeMap, HashMap};

use domain::{
    ChannelId, Decider, MessageId,
    channel::{Channel, Event as ChannelEvent, Sent},
};
use serde::Serialize;

use crate::{
    Event, Fact,
    columns::Hex,
    digest::Table,
    registry::{Projection, Schema, Statement},
};

pub(crate) static SEARCH: Projection = Projection {
    name: "search",
    version: 1,
    categories: &[Channel::CATEGORY],
    // The index of words only repeats it.
    tables: &[Table::of_stream("search_message", "channel", Channel::CATEGORY)],
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
            Fact::Channel(channel, fact) => pending.take(*channel, fact, event),
            Fact::User(..) | Fact::Space(..) | Fact::Inbox(..) | Fact::Report(..) | Fact::Audit(..) => {}
        }
    }
    pending.statements()
}

/// What a run of events amounts to. A message sent and changed in the same run is one row, written once, so that words that were taken
/// back meanwhile never reach the index.
#[derive(Default)]
struct Pending<'a> {
    sent: Vec<Row<'a>>,
    /// Where in `sent` a message is.
    places: HashMap<(ChannelId, MessageId), usize>,
    /// Changes to messages of earlier runs.
    changes: BTreeMap<(ChannelId, MessageId), Words<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    position: u64,
    channel: Hex,
    id: Hex,
    seq: u64,
    author: Hex,
    at: i64,
    #[serde(flatten)]
    words: Words<'a>,
}

#[derive(Default, Serialize)]
struct Words<'a> {
    body: Option<&'a str>,
    /// `None` leaves the stored one.
    version: Option<u16>,
    #[serde(skip)]
    deleted: bool,
    /// Whatever the stored row says, it is there again.
    restored: bool,
}

#[derive(Serialize)]
struct Change<'a> {
    channel: Hex,
    id: Hex,
    #[serde(flatten)]
    words: Words<'a>,
}

impl<'a> Pending<'a> {
    fn take(&mut self, channel: ChannelId, fact: &'a ChannelEvent, event: &Event) {
        match fact {
            ChannelEvent::Sent(sent) => self.send(channel, sent, event),
            ChannelEvent::Edited(edited) => {
                let words = self.words_of(channel, edited.message);
                // A deleted message takes no edits.
                if !words.deleted {
                    words.body = Some(edited.body.as_str());
                    words.version = Some(edited.version);
                }
            }
            ChannelEvent::Deleted(deleted) => {
                let words = self.words_of(channel, deleted.message);
                words.deleted = true;
                words.body = None;
            }
            ChannelEvent::Restored(restored) => {
                let words = self.words_of(channel, restored.message);
                words.deleted = false;
                words.restored = true;
                words.body = Some(restored.body.as_str());
            }
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

    fn send(&mut self, channel: ChannelId, sent: &'a Sent, event: &Event) {
        let meta = &event.meta;
        self.places.insert((channel, sent.message), self.sent.len());
        self.sent.push(Row {
            position: event.position,
            channel: Hex(channel.uuid()),
            id: Hex(sent.message.uuid()),
            seq: meta.seq(),
            author: Hex(meta.actor.uuid()),
            at: meta.at.timestamp_micros(),
            words: Words {
                body: Some(sent.body.as_str()),
                version: Some(1),
                ..Words::default()
            },
        });
    }

    fn words_of(&mut self, channel: ChannelId, message: MessageId) -> &mut Words<'a> {
        match self.places.get(&(channel, message)) {
            Some(place) => &mut self.sent[*place].words,
            None => self.changes.entry((channel, message)).or_default(),
        }
    }

    fn statements(self) -> Vec<Statement> {
        let changes = self.changes.into_iter().map(|((channel, message), words)| Change {
            channel: Hex(channel.uuid()),
            id: Hex(message.uuid()),
            words,
        });
        [
            Statement::over(include_str!("insert_messages.sql"), self.sent),
            Statement::over(include_str!("change_messages.sql"), changes),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
