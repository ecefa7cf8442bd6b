//! How events become what calls people.
//!
//! Whether a person has blocked the author is known from this run of events, or from the table as it was before. A fold sees no table, so
//! what is not known here becomes two rows, one for either case, and the statement takes the one that holds.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Actor, ChannelId, Decider, MessageId, SpaceId, UserId,
    channel::{Channel, Event as ChannelEvent, Kind as ChannelKind, MemberAdded, Sent},
    inbox::{Event as InboxEvent, Inbox},
    space::{Event as SpaceEvent, Space},
    user::{Event as UserEvent, User},
};
use serde::Serialize;

use super::Kind;
use crate::{
    Event, Fact, columns,
    columns::Hex,
    digest::Table,
    registry::{Projection, Schema, Statement},
};

pub(crate) static NOTIFICATIONS: Projection = Projection {
    name: "notifications",
    version: 1,
    categories: &[Channel::CATEGORY, Space::CATEGORY, User::CATEGORY, Inbox::CATEGORY],
    tables: &[
        Table::of_many("notification", "user", UserId::PREFIX),
        Table::of_stream("notification_channel", "id", Channel::CATEGORY),
        Table::of_stream("notification_peer", "channel", Channel::CATEGORY),
        Table::of_stream("notification_block", "user", User::CATEGORY),
        Table::of_stream("notification_mark", "user", Inbox::CATEGORY),
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
            Fact::Channel(channel, fact) => pending.take(*channel, fact, event),
            Fact::Space(space, fact) => pending.add(*space, fact, event),
            Fact::User(who, fact) => pending.meet(*who, fact),
            Fact::Inbox(owner, fact) => pending.mark(*owner, fact),
            Fact::Report(..) | Fact::Audit(..) => {}
        }
    }
    pending.statements()
}

/// What a run of events amounts to.
#[derive(Default)]
struct Pending {
    channels: Vec<ChannelRow>,
    joined: Vec<PeerRow>,
    calls: Vec<CallRow>,
    direct: Vec<CallRow>,
    mentions: BTreeMap<MessageId, Mentions>,
    /// Whether messages are deleted in the end.
    fates: BTreeMap<MessageId, bool>,
    /// Who has blocked whom in this run, or taken it back.
    blocks: BTreeMap<(UserId, UserId), bool>,
    marks: BTreeMap<UserId, u64>,
}

/// Whom a message mentions, after each of its events in this run.
struct Mentions {
    place: CallRow,
    /// Sent in an earlier run, so that some may be called already.
    stored: bool,
    said: Vec<Said>,
}

/// One sending or edit.
struct Said {
    position: u64,
    at: i64,
    /// Those who have not blocked the author, as far as this run knows, and whether it does.
    users: BTreeMap<UserId, Known>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The author is not blocked.
    Free,
    /// It is as it was before this run.
    AsBefore,
}

impl Known {
    /// Whether it holds where the author was blocked before this run, or was not.
    fn holds(self, blocked: bool) -> bool {
        match self {
            Self::Free => true,
            Self::AsBefore => !blocked,
        }
    }
}

impl Pending {
    fn take(&mut self, channel: ChannelId, fact: &ChannelEvent, event: &Event) {
        match fact {
            ChannelEvent::Created(created) => self.channels.push(ChannelRow {
                id: Hex(channel.uuid()),
                space: created.space.map(|space| Hex(space.uuid())),
                kind: created.kind,
            }),
            ChannelEvent::MemberAdded(added) => self.join(channel, added, event),
            ChannelEvent::Sent(sent) => self.send(channel, sent, event),
            ChannelEvent::Edited(edited) => {
                if let Some(author) = event.meta.actor.user() {
                    let said = self.said(&edited.mentions, author, event);
                    let place = CallRow::of(event, Kind::Mention, author).at_message(channel, edited.message);
                    let mentions = self.mentions.entry(edited.message).or_insert(Mentions {
                        place,
                        stored: true,
                        said: vec![],
                    });
                    mentions.said.push(said);
                }
            }
            ChannelEvent::Deleted(deleted) => drop(self.fates.insert(deleted.message, true)),
            ChannelEvent::Restored(restored) => drop(self.fates.insert(restored.message, false)),
            ChannelEvent::Updated(_)
            | ChannelEvent::Archived(_)
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

    fn join(&mut self, channel: ChannelId, added: &MemberAdded, event: &Event) {
        self.joined.push(PeerRow {
            channel: Hex(channel.uuid()),
            user: Hex(added.user.uuid()),
        });
        let Some(by) = event.meta.actor.user() else { return };
        let call = CallRow {
            channel: Some(Hex(channel.uuid())),
            ..CallRow::of(event, Kind::Invite, by)
        };
        self.call(added.user, call, by);
    }

    fn send(&mut self, channel: ChannelId, sent: &Sent, event: &Event) {
        let Some(author) = event.meta.actor.user() else { return };
        let call = |kind| CallRow::of(event, kind, author).at_message(channel, sent.message);
        if let Some(answered) = sent.reply_to_author {
            self.call(answered, call(Kind::Reply), author);
        }
        self.direct.push(call(Kind::Direct));
        let said = self.said(&sent.mentions, author, event);
        self.mentions.insert(
            sent.message,
            Mentions {
                place: call(Kind::Mention),
                stored: false,
                said: vec![said],
            },
        );
    }

    fn add(&mut self, space: SpaceId, fact: &SpaceEvent, event: &Event) {
        let (SpaceEvent::MemberAdded(added), Some(by)) = (fact, event.meta.actor.user()) else {
            return;
        };
        let call = CallRow {
            space: Some(Hex(space.uuid())),
            ..CallRow::of(event, Kind::Invite, by)
        };
        self.call(added.user, call, by);
    }

    /// Of what happens between people only blocks change what calls them.
    fn meet(&mut self, who: UserId, event: &UserEvent) {
        match event {
            UserEvent::Blocked(blocked) => drop(self.blocks.insert((who, blocked.user), true)),
            UserEvent::Unblocked(unblocked) => drop(self.blocks.insert((who, unblocked.user), false)),
            _ => {}
        }
    }

    fn mark(&mut self, owner: UserId, event: &InboxEvent) {
        if let InboxEvent::NotificationsRead(read) = event {
            let mark = self.marks.entry(owner).or_default();
            *mark = (*mark).max(read.up_to);
        }
    }

    /// Nobody is called by what they do themselves, nor by whom they have blocked.
    fn call(&mut self, user: UserId, call: CallRow, by: UserId) {
        if let Some(known) = self.known(user, by) {
            self.calls.extend(call.to(user, |blocked| known.holds(blocked)));
        }
    }

    fn known(&self, user: UserId, by: UserId) -> Option<Known> {
        match self.blocks.get(&(user, by)) {
            _ if user == by => None,
            None => Some(Known::AsBefore),
            Some(true) => None,
            Some(false) => Some(Known::Free),
        }
    }

    fn said(&self, mentions: &[UserId], author: UserId, event: &Event) -> Said {
        let known = |user: &UserId| Some((*user, self.known(*user, author)?));
        Said {
            position: event.position,
            at: event.meta.at.timestamp_micros(),
            users: mentions.iter().filter_map(known).collect(),
        }
    }

    /// A reply and a direct message come before a mention in the same words: who is called already is not called again.
    fn statements(self) -> Vec<Statement> {
        let edits = self.mentions.iter().filter(|(_, mentions)| mentions.stored);
        let edits = edits.map(|(message, mentions)| EditRow {
            message: Hex(message.uuid()),
            kept: mentions.kept(),
        });
        let mentions = self.mentions.values().flat_map(Mentions::calls);
        let fates = self.fates.iter().map(|(message, hidden)| FateRow {
            message: Hex(message.uuid()),
            hidden: u8::from(*hidden),
        });
        let blocks = self.blocks.iter().map(|((user, blocked), on)| BlockRow {
            user: Hex(user.uuid()),
            blocked: Hex(blocked.uuid()),
            on: *on,
        });
        let (set, taken_back): (Vec<_>, Vec<_>) = blocks.partition(|row| row.on);
        let marks = self.marks.iter().map(|(user, up_to)| MarkRow {
            user: Hex(user.uuid()),
            up_to: columns::integer(*up_to),
        });
        [
            Statement::over(include_str!("insert_channels.sql"), self.channels),
            Statement::over(include_str!("insert_peers.sql"), self.joined),
            Statement::over(include_str!("withdraw_mentions.sql"), edits),
            Statement::over(include_str!("insert_calls.sql"), self.calls),
            Statement::over(include_str!("insert_direct.sql"), self.direct),
            Statement::over(include_str!("insert_calls.sql"), mentions),
            Statement::over(include_str!("hide.sql"), fates),
            // What was said in this run asked for blocks as they were before it.
            Statement::over(include_str!("put_blocks.sql"), set),
            Statement::over(include_str!("delete_blocks.sql"), taken_back),
            Statement::over(include_str!("raise_marks.sql"), marks),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Mentions {
    /// Who is mentioned in the end, each called by the event since which they always were.
    fn calls(&self) -> Vec<CallRow> {
        let cases = [false, true].into_iter().flat_map(|blocked| {
            let users = self.said.last().map(|said| said.users.keys()).into_iter().flatten();
            users.filter_map(move |user| Some((*user, blocked, self.since(*user, blocked)?)))
        });
        cases
            .map(|(user, blocked, said)| CallRow {
                user: Some(Hex(user.uuid())),
                if_blocked: u8::from(blocked),
                position: said.position,
                at: said.at,
                ..self.place.clone()
            })
            .collect()
    }

    /// The first of the last unbroken run of sayings that mention them.
    fn since(&self, user: UserId, blocked: bool) -> Option<&Said> {
        let mentioned = |said: &&Said| said.users.get(&user).is_some_and(|known| known.holds(blocked));
        self.said.iter().rev().take_while(mentioned).last()
    }

    /// Who was mentioned all the time, so that an earlier call stands.
    fn kept(&self) -> Vec<KeptRow> {
        let users: BTreeSet<&UserId> = self.said.iter().flat_map(|said| said.users.keys()).collect();
        let all = |user: UserId, blocked| {
            let mut said = self.said.iter();
            said.all(|said| said.users.get(&user).is_some_and(|known| known.holds(blocked)))
        };
        let cases = users.into_iter().flat_map(|user| [(*user, false), (*user, true)]);
        cases
            .filter(|(user, blocked)| all(*user, *blocked))
            .map(|(user, blocked)| KeptRow {
                user: Hex(user.uuid()),
                if_blocked: u8::from(blocked),
            })
            .collect()
    }
}

#[derive(Serialize)]
struct ChannelRow {
    id: Hex,
    space: Option<Hex>,
    kind: ChannelKind,
}

#[derive(Serialize)]
struct PeerRow {
    channel: Hex,
    user: Hex,
}

#[derive(Clone, Serialize)]
struct CallRow {
    user: Option<Hex>,
    position: u64,
    kind: Kind,
    at: i64,
    by: Hex,
    space: Option<Hex>,
    channel: Option<Hex>,
    message: Option<Hex>,
    /// The row holds only where this is so.
    if_blocked: u8,
}

impl CallRow {
    fn of(event: &Event, kind: Kind, by: UserId) -> Self {
        Self {
            user: None,
            position: event.position,
            kind,
            at: event.meta.at.timestamp_micros(),
            by: Hex(Actor::User(by).uuid()),
            space: None,
            channel: None,
            message: None,
            if_blocked: 0,
        }
    }

    fn at_message(self, channel: ChannelId, message: MessageId) -> Self {
        Self {
            channel: Some(Hex(channel.uuid())),
            message: Some(Hex(message.uuid())),
            ..self
        }
    }

    /// A row for each case in which it holds.
    fn to(self, user: UserId, holds: impl Fn(bool) -> bool) -> impl Iterator<Item = Self> {
        let cases = [false, true].into_iter().filter(move |blocked| holds(*blocked));
        cases.map(move |blocked| Self {
            user: Some(Hex(user.uuid())),
            if_blocked: u8::from(blocked),
            ..self.clone()
        })
    }
}

#[derive(Serialize)]
struct EditRow {
    message: Hex,
    kept: Vec<KeptRow>,
}

#[derive(Serialize)]
struct KeptRow {
    user: Hex,
    if_blocked: u8,
}

#[derive(Serialize)]
struct FateRow {
    message: Hex,
    hidden: u8,
}

#[derive(Serialize)]
struct BlockRow {
    user: Hex,
    blocked: Hex,
    #[serde(skip)]
    on: bool,
}

#[derive(Serialize)]
struct MarkRow {
    user: Hex,
    up_to: i64,
}
