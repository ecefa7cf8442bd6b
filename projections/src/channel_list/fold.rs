//! How channel and inbox events change the channel list.

use std::collections::BTreeMap;

use domain::{
    ChannelId, Decider, Meta, UserId,
    channel::{Channel, Created, Event as ChannelEvent, History, Kind, MemberAdded, Role, SlowMode, Updated},
    inbox::{Event as InboxEvent, Inbox, Marks},
    user::{Event as UserEvent, User},
};
use serde::Serialize;

use crate::{
    Event, Fact, columns,
    columns::Hex,
    digest::Table,
    registry::{Projection, Schema, Statement},
};

mod messages;
mod threads;

use messages::Messages;

pub(crate) static CHANNEL_LIST: Projection = Projection {
    name: "channel_list",
    version: 4,
    categories: &[Channel::CATEGORY, Inbox::CATEGORY, User::CATEGORY],
    tables: &[
        Table::of_many("channel_list_channel", "id", ChannelId::PREFIX),
        Table::of_many("channel_list_member", "channel", ChannelId::PREFIX),
        Table::of_stream("channel_list_mark", "user", Inbox::CATEGORY),
        Table::of_stream("channel_list_message", "channel", Channel::CATEGORY),
        Table::of_many("channel_list_mention", "user", UserId::PREFIX),
        Table::of_stream("channel_list_reply", "channel", Channel::CATEGORY),
        Table::of_many("channel_list_thread_member", "channel", ChannelId::PREFIX),
        Table::of_stream("channel_list_block", "user", User::CATEGORY),
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
            Fact::Inbox(owner, fact) => pending.mark(*owner, fact),
            Fact::User(who, fact) => pending.meet(*who, fact),
            Fact::Space(..) | Fact::Report(..) | Fact::Audit(..) => {}
        }
    }
    pending.statements()
}

/// What a run of events amounts to.
#[derive(Default)]
struct Pending<'a> {
    channels: BTreeMap<ChannelId, Settings<'a>>,
    standings: BTreeMap<(ChannelId, UserId), Standing>,
    marks: BTreeMap<(UserId, ChannelId), Marks>,
    messages: Messages<'a>,
}

/// What became of a channel; what is `None` or false did not change.
#[derive(Default)]
struct Settings<'a> {
    created: Option<&'a Created>,
    name: Option<&'a str>,
    private: Option<bool>,
    history: Option<History>,
    slow_mode_s: Option<u32>,
    archived: bool,
    top: u64,
    active_at: i64,
}

/// What became of a membership.
#[derive(Default)]
struct Standing {
    /// Role and seq of the last joining in this run.
    joined: Option<(Role, u64)>,
    /// Seq of the ending, unless joined again after it.
    ended: Option<u64>,
}

impl<'a> Pending<'a> {
    fn take(&mut self, channel: ChannelId, event: &'a ChannelEvent, meta: &Meta) {
        let settings = self.channels.entry(channel).or_default();
        settings.top = meta.seq();
        settings.active_at = meta.at.timestamp_micros();
        match event {
            ChannelEvent::Created(created) => settings.create(created),
            ChannelEvent::Updated(updated) => settings.update(updated),
            ChannelEvent::Archived(_) => settings.archived = true,
            ChannelEvent::MemberAdded(MemberAdded { user, role }) => {
                self.standings.insert(
                    (channel, *user),
                    Standing {
                        joined: Some((*role, meta.seq())),
                        ended: None,
                    },
                );
            }
            ChannelEvent::MemberLeft(left) => self.end(channel, left.user, meta.seq()),
            ChannelEvent::MemberRemoved(removed) => self.end(channel, removed.user, meta.seq()),
            ChannelEvent::Sent(sent) => self.messages.send(channel, sent, meta),
            ChannelEvent::Edited(edited) => self.messages.edit(channel, edited, meta),
            ChannelEvent::Deleted(deleted) => self.messages.delete(channel, deleted.message),
            ChannelEvent::Restored(restored) => self.messages.restore(channel, restored),
            // What people think of a message is no news.
            ChannelEvent::Reacted(_)
            | ChannelEvent::Unreacted(_)
            | ChannelEvent::Voted(_)
            | ChannelEvent::Unvoted(_)
            | ChannelEvent::Pinned(_)
            | ChannelEvent::Unpinned(_) => {}
        }
    }

    /// Of what happens between people only blocks change what is news.
    fn meet(&mut self, who: UserId, event: &UserEvent) {
        match event {
            UserEvent::Blocked(blocked) => self.messages.block(who, blocked.user, true),
            UserEvent::Unblocked(unblocked) => self.messages.block(who, unblocked.user, false),
            UserEvent::Registered(_)
            | UserEvent::ProfileChanged(_)
            | UserEvent::SessionStarted(_)
            | UserEvent::SessionRevoked(_)
            | UserEvent::SessionsRevoked(_)
            | UserEvent::RoleGranted(_)
            | UserEvent::RoleRevoked(_)
            | UserEvent::Suspended(_)
            | UserEvent::Reinstated(_)
            | UserEvent::IdentityProved(_)
            | UserEvent::IdentityRemoved(_)
            | UserEvent::IdentityLapsed(_) => {}
        }
    }

    /// Who is out already stays out since then.
    fn end(&mut self, channel: ChannelId, user: UserId, seq: u64) {
        self.standings
            .entry((channel, user))
            .or_default()
            .ended
            .get_or_insert(seq);
    }

    fn mark(&mut self, owner: UserId, event: &InboxEvent) {
        let (channel, got, read) = match event {
            InboxEvent::Got(got) => (got.channel, got.seq, 0),
            // What was read has arrived.
            InboxEvent::Read(read) => (read.channel, read.seq, read.seq),
            InboxEvent::NotificationsRead(_) => return,
        };
        let marks = self.marks.entry((owner, channel)).or_default();
        *marks = Marks {
            got: marks.got.max(got),
            read: marks.read.max(read),
        };
    }

    /// Members are counted against the memberships as they were, so that statement comes before those that change them. Messages come
    /// before floors rise, since each statement finds the counters as the one before left them: equal to a recount.
    fn statements(self) -> Vec<Statement> {
        let created = self
            .channels
            .iter()
            .filter_map(|(channel, settings)| settings.created_row(*channel));
        let changed = self.channels.iter().filter(|(_, settings)| settings.created.is_none());
        let current = self.standings.iter().map(|(key, standing)| standing.row(key));
        let before = [
            Statement::over(include_str!("insert_channels.sql"), created),
            Statement::over(
                include_str!("change_channels.sql"),
                changed.map(|(channel, settings)| settings.row(*channel)),
            ),
            Statement::over(include_str!("count_members.sql"), current),
        ];
        let joined = self.standings.iter().filter(|(_, standing)| standing.joined.is_some());
        let ended = self.standings.iter().filter(|(_, standing)| standing.joined.is_none());
        let after = [
            Statement::over(
                include_str!("put_members.sql"),
                joined.map(|(key, standing)| standing.row(key)),
            ),
            Statement::over(
                include_str!("end_members.sql"),
                ended.map(|(key, standing)| standing.row(key)),
            ),
            Statement::over(include_str!("raise_marks.sql"), self.marks.iter().map(mark_row)),
            Statement::over(include_str!("settle_members.sql"), self.risen()),
            Statement::over(include_str!("raise_furthest.sql"), self.risen()),
        ];
        let messages = self.messages.statements();
        before
            .into_iter()
            .flatten()
            .chain(messages)
            .chain(after.into_iter().flatten())
            .collect()
    }

    /// Whose floor may have risen, by joining or by reading.
    fn risen(&self) -> impl Iterator<Item = RisenRow> {
        let marked = self.marks.keys().map(|(user, channel)| ((*channel, *user), false));
        let joined = self.standings.iter().filter(|(_, standing)| standing.joined.is_some());
        let risen: BTreeMap<_, _> = marked.chain(joined.map(|(key, _)| (*key, true))).collect();
        risen.into_iter().map(|((channel, user), joined)| RisenRow {
            channel: Hex(channel.uuid()),
            user: Hex(user.uuid()),
            joined,
        })
    }
}

impl<'a> Settings<'a> {
    fn create(&mut self, created: &'a Created) {
        self.created.get_or_insert(created);
    }

    fn update(&mut self, updated: &'a Updated) {
        if let Some(name) = &updated.name {
            self.name = Some(name.as_str());
        }
        self.private = updated.private.or(self.private);
        self.history = updated.history.or(self.history);
        self.slow_mode_s = updated.slow_mode_s.map(SlowMode::seconds).or(self.slow_mode_s);
    }

    fn row(&self, channel: ChannelId) -> ChannelRow<'a> {
        ChannelRow {
            id: Hex(channel.uuid()),
            space: None,
            kind: None,
            name: self.name,
            private: self.private,
            history: self.history,
            slow_mode_s: self.slow_mode_s,
            archived: self.archived,
            top: self.top,
            active_at: self.active_at,
        }
    }

    fn created_row(&self, channel: ChannelId) -> Option<ChannelRow<'a>> {
        let created = self.created?;
        Some(ChannelRow {
            space: created.space.map(|space| Hex(space.uuid())),
            kind: Some(created.kind),
            name: self.name.or(created.name.as_ref().map(|name| name.as_str())),
            private: self.private.or(Some(created.private)),
            history: self.history.or(Some(created.history)),
            slow_mode_s: self.slow_mode_s.or(Some(0)),
            ..self.row(channel)
        })
    }
}

impl Standing {
    fn row(&self, (channel, user): &(ChannelId, UserId)) -> MemberRow {
        MemberRow {
            channel: Hex(channel.uuid()),
            user: Hex(user.uuid()),
            role: self.joined.map(|(role, _)| role),
            since: self.joined.map(|(_, since)| since),
            ended: self.ended,
            current: u8::from(self.ended.is_none()),
        }
    }
}

fn mark_row(((owner, channel), marks): (&(UserId, ChannelId), &Marks)) -> MarkRow {
    let (got, read) = (columns::integer(marks.got), columns::integer(marks.read));
    MarkRow {
        user: Hex(owner.uuid()),
        channel: Hex(channel.uuid()),
        got,
        read,
    }
}

#[derive(Serialize)]
struct ChannelRow<'a> {
    id: Hex,
    space: Option<Hex>,
    kind: Option<Kind>,
    name: Option<&'a str>,
    private: Option<bool>,
    history: Option<History>,
    slow_mode_s: Option<u32>,
    archived: bool,
    top: u64,
    active_at: i64,
}

#[derive(Serialize)]
struct MemberRow {
    channel: Hex,
    user: Hex,
    role: Option<Role>,
    since: Option<u64>,
    ended: Option<u64>,
    /// 1 for a member, 0 for a former one: SQL adds them up.
    current: u8,
}

#[derive(Serialize)]
struct RisenRow {
    channel: Hex,
    user: Hex,
    joined: bool,
}

#[derive(Serialize)]
struct MarkRow {
    user: Hex,
    channel: Hex,
    got: i64,
    read: i64,
}
