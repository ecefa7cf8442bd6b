//! How channel and space events change the feeds.

use std::collections::BTreeMap;

use domain::{
    ChannelId, Decider, MessageId, SpaceId, UserId,
    channel::{Channel, Event as ChannelEvent, History, Sent, Vote},
    space::{Event as SpaceEvent, JoinRule, Space},
};
use serde::Serialize;

use crate::{
    Event, Fact,
    columns::Hex,
    digest::Table,
    registry::{Projection, Schema, Statement},
};

/// Changes of entries that are kept, and so how much may be voted and deleted before the pages of a walk can no longer be told from each
/// other. Each page of a walk reads those since its beginning.
const CHANGES_KEPT: usize = 50_000;

pub(crate) static FEED: Projection = Projection {
    name: "feed",
    version: 1,
    categories: &[Channel::CATEGORY, Space::CATEGORY],
    tables: &[
        Table::of_stream("feed_channel", "id", Channel::CATEGORY),
        Table::of_stream("feed_space", "id", Space::CATEGORY),
        Table::of_many("feed_member", "user", UserId::PREFIX),
        Table::of_stream("feed_entry", "channel", Channel::CATEGORY),
        Table::of_many("feed_vote", "user", UserId::PREFIX),
        Table::of_stream("feed_comment", "channel", Channel::CATEGORY),
        // Which changes are still kept depends on those of all channels.
        Table::of_many("feed_change", "channel", ChannelId::PREFIX),
        Table::of_many("feed_horizon", "id", ChannelId::PREFIX),
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
            Fact::Space(space, fact) => pending.settle(*space, fact),
            Fact::User(..) | Fact::Inbox(..) | Fact::Report(..) | Fact::Audit(..) => {}
        }
    }
    pending.statements()
}

/// What a run of events amounts to.
#[derive(Default)]
struct Pending {
    channels: BTreeMap<ChannelId, ChannelRow>,
    spaces: BTreeMap<SpaceId, SpaceRow>,
    /// Where somebody joined last in this run, or nothing for who is out.
    members: BTreeMap<(UserId, ChannelId), Option<u64>>,
    entries: Vec<EntryRow>,
    comments: Vec<CommentRow>,
    /// Each vote, deletion and restoration, in order.
    happened: Vec<HappenedRow>,
    /// The last vote of each person on each message.
    votes: BTreeMap<(MessageId, UserId), i8>,
    /// Whether messages are deleted in the end.
    fates: BTreeMap<(ChannelId, MessageId), bool>,
}

impl Pending {
    fn take(&mut self, channel: ChannelId, fact: &ChannelEvent, event: &Event) {
        match fact {
            ChannelEvent::Created(created) => {
                if let Some(space) = created.space {
                    let row = self.channels.entry(channel).or_default();
                    row.space = Some(Hex(space.uuid()));
                    row.private = Some(created.private);
                    row.history = Some(created.history);
                }
            }
            ChannelEvent::Updated(updated) => {
                let row = self.channels.entry(channel).or_default();
                row.private = updated.private.or(row.private);
                row.history = updated.history.or(row.history);
            }
            ChannelEvent::Archived(_) => self.channels.entry(channel).or_default().archived = true,
            ChannelEvent::MemberAdded(added) => {
                self.members.insert((added.user, channel), Some(event.position));
            }
            ChannelEvent::MemberLeft(left) => {
                self.members.insert((left.user, channel), None);
            }
            ChannelEvent::MemberRemoved(removed) => {
                self.members.insert((removed.user, channel), None);
            }
            ChannelEvent::Sent(sent) => self.send(channel, sent, event),
            ChannelEvent::Voted(voted) => {
                let vote = match voted.vote {
                    Vote::Up => 1,
                    Vote::Down => -1,
                };
                self.vote(voted.message, vote, event);
            }
            ChannelEvent::Unvoted(unvoted) => self.vote(unvoted.message, 0, event),
            ChannelEvent::Deleted(deleted) => self.fate(channel, deleted.message, true, event.position),
            ChannelEvent::Restored(restored) => self.fate(channel, restored.message, false, event.position),
            ChannelEvent::Edited(_)
            | ChannelEvent::Reacted(_)
            | ChannelEvent::Unreacted(_)
            | ChannelEvent::Pinned(_)
            | ChannelEvent::Unpinned(_) => {}
        }
    }

    /// What is said below an entry is counted there, and no entry itself.
    fn send(&mut self, channel: ChannelId, sent: &Sent, event: &Event) {
        let id = Hex(sent.message.uuid());
        match sent.thread {
            Some(root) => self.comments.push(CommentRow {
                id,
                root: Hex(root.uuid()),
                deleted: 0,
                place: (channel, sent.message),
            }),
            None => self.entries.push(EntryRow {
                position: event.position,
                channel: Hex(channel.uuid()),
                id,
                at: event.meta.at.timestamp_micros(),
            }),
        }
    }

    /// Votes of people; the service has no opinion.
    fn vote(&mut self, message: MessageId, vote: i8, event: &Event) {
        let Some(user) = event.meta.actor.user() else { return };
        self.votes.insert((message, user), vote);
        self.happened.push(HappenedRow {
            position: event.position,
            message: Hex(message.uuid()),
            user: Some(Hex(user.uuid())),
            vote: Some(vote),
            deleted: None,
        });
    }

    fn fate(&mut self, channel: ChannelId, message: MessageId, deleted: bool, position: u64) {
        self.fates.insert((channel, message), deleted);
        self.happened.push(HappenedRow {
            position,
            message: Hex(message.uuid()),
            user: None,
            vote: None,
            deleted: Some(deleted),
        });
    }

    fn settle(&mut self, space: SpaceId, event: &SpaceEvent) {
        match event {
            SpaceEvent::Created(created) => {
                let row = self.spaces.entry(space).or_default();
                row.join_rule = Some(created.join);
                row.created = true;
            }
            SpaceEvent::Updated(updated) => {
                let row = self.spaces.entry(space).or_default();
                row.join_rule = updated.join.or(row.join_rule);
            }
            SpaceEvent::Archived(_) => self.spaces.entry(space).or_default().archived = Some(true),
            SpaceEvent::Restored(_) => self.spaces.entry(space).or_default().archived = Some(false),
            SpaceEvent::MemberAdded(_)
            | SpaceEvent::RoleSet(_)
            | SpaceEvent::OwnershipTransferred(_)
            | SpaceEvent::MemberLeft(_)
            | SpaceEvent::MemberRemoved(_)
            | SpaceEvent::MemberBanned(_)
            | SpaceEvent::MemberUnbanned(_)
            | SpaceEvent::MemberMuted(_)
            | SpaceEvent::MemberUnmuted(_)
            | SpaceEvent::InviteCreated(_)
            | SpaceEvent::InviteRevoked(_)
            | SpaceEvent::InviteRedeemed(_)
            | SpaceEvent::CohortPaused(_)
            | SpaceEvent::CohortResumed(_) => {}
        }
    }

    /// Changes are noted before the entries and votes that they change, since a note tells what was before.
    fn statements(mut self) -> Vec<Statement> {
        for comment in &mut self.comments {
            comment.deleted = u8::from(self.fates.get(&comment.place).copied().unwrap_or(false));
        }
        for (channel, row) in &mut self.channels {
            row.id = Some(Hex(channel.uuid()));
        }
        for (space, row) in &mut self.spaces {
            row.id = Some(Hex(space.uuid()));
        }
        let (created, changed): (Vec<_>, Vec<_>) = self.channels.values().partition(|row| row.space.is_some());
        let (founded, settled): (Vec<_>, Vec<_>) = self.spaces.values().partition(|row| row.created);
        let members = self.members.iter().map(MemberRow::of);
        let (joined, gone): (Vec<_>, Vec<_>) = members.partition(|row| row.joined.is_some());
        let votes = self.votes.iter().map(VoteRow::of);
        let (cast, withdrawn): (Vec<_>, Vec<_>) = votes.partition(|row| row.vote != 0);
        let votes: Vec<_> = self.votes.iter().map(VoteRow::of).collect();
        let fates: Vec<_> = self.fates.iter().map(FateRow::of).collect();
        let kept = (!self.happened.is_empty()).then_some(Kept { kept: CHANGES_KEPT });
        [
            Statement::over(include_str!("insert_channels.sql"), created),
            Statement::over(include_str!("change_channels.sql"), changed),
            Statement::over(include_str!("put_spaces.sql"), founded),
            Statement::over(include_str!("change_spaces.sql"), settled),
            Statement::over(include_str!("put_members.sql"), joined),
            Statement::over(include_str!("delete_members.sql"), gone),
            Statement::over(include_str!("insert_entries.sql"), self.entries),
            Statement::over(include_str!("note_changes.sql"), self.happened),
            Statement::over(include_str!("count_votes.sql"), votes),
            Statement::over(include_str!("put_votes.sql"), cast),
            Statement::over(include_str!("delete_votes.sql"), withdrawn),
            Statement::over(include_str!("delete_entries.sql"), fates.iter()),
            Statement::over(include_str!("count_fated_comments.sql"), fates.iter()),
            Statement::over(include_str!("delete_comments.sql"), fates.iter()),
            Statement::over(include_str!("count_comments.sql"), self.comments.iter()),
            Statement::over(include_str!("insert_comments.sql"), self.comments.iter()),
            Statement::over(include_str!("raise_horizon.sql"), kept),
            Statement::over(include_str!("forget_changes.sql"), kept),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[derive(Default, Serialize)]
struct ChannelRow {
    id: Option<Hex>,
    space: Option<Hex>,
    private: Option<bool>,
    history: Option<History>,
    archived: bool,
}

#[derive(Default, Serialize)]
struct SpaceRow {
    id: Option<Hex>,
    join_rule: Option<JoinRule>,
    archived: Option<bool>,
    #[serde(skip)]
    created: bool,
}

#[derive(Serialize)]
struct MemberRow {
    user: Hex,
    channel: Hex,
    joined: Option<u64>,
}

impl MemberRow {
    fn of(((user, channel), joined): (&(UserId, ChannelId), &Option<u64>)) -> Self {
        Self {
            user: Hex(user.uuid()),
            channel: Hex(channel.uuid()),
            joined: *joined,
        }
    }
}

#[derive(Serialize)]
struct EntryRow {
    position: u64,
    channel: Hex,
    id: Hex,
    at: i64,
}

#[derive(Serialize)]
struct CommentRow {
    id: Hex,
    root: Hex,
    deleted: u8,
    #[serde(skip)]
    place: (ChannelId, MessageId),
}

#[derive(Serialize)]
struct HappenedRow {
    position: u64,
    message: Hex,
    user: Option<Hex>,
    /// 1 up, -1 down, 0 taken back; nothing for what is no vote.
    vote: Option<i8>,
    deleted: Option<bool>,
}

#[derive(Serialize)]
struct VoteRow {
    message: Hex,
    user: Hex,
    vote: i8,
}

impl VoteRow {
    fn of(((message, user), vote): (&(MessageId, UserId), &i8)) -> Self {
        Self {
            message: Hex(message.uuid()),
            user: Hex(user.uuid()),
            vote: *vote,
        }
    }
}

#[derive(Serialize)]
struct FateRow {
    channel: Hex,
    message: Hex,
    deleted: u8,
}

impl FateRow {
    fn of(((channel, message), deleted): (&(ChannelId, MessageId), &bool)) -> Self {
        Self {
            channel: Hex(channel.uuid()),
            message: Hex(message.uuid()),
            deleted: u8::from(*deleted),
        }
    }
}

#[derive(Clone, Copy, Serialize)]
struct Kept {
    kept: usize,
}
