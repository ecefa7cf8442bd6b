//! What is thought of messages: reactions, votes, pins. Each is the last word of one person (or, of pins, of anybody) in a run; numbers
//! follow from the difference to what the tables had before, so that they are the same however a log is cut into runs.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::{
    ChannelId, MessageId, Meta,
    channel::{Event as ChannelEvent, Vote},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{columns::Hex, registry::Statement};

/// How long changes of scores are kept, counted back from the channel's newest vote: as long as somebody takes to walk through the
/// pages of a ranking.
pub const RANKING_SECONDS: u32 = 3_600;
const SCORE_CHANGES_KEPT: TimeDelta = TimeDelta::seconds(RANKING_SECONDS as i64);

#[derive(Default)]
pub(super) struct Opinions<'a> {
    /// Whether it is given at the end.
    reactions: BTreeMap<(ChannelId, MessageId, &'a str, Uuid), bool>,
    /// Every vote in order.
    changes: Vec<VoteRow>,
    /// The last vote of each.
    votes: BTreeMap<(ChannelId, MessageId, Uuid), i8>,
    /// When somebody voted last.
    voted_at: BTreeMap<ChannelId, i64>,
    /// Seq of the pinning, unless it is pinned no longer.
    pins: BTreeMap<(ChannelId, MessageId), Option<u64>>,
}

impl<'a> Opinions<'a> {
    pub(super) fn take(&mut self, channel: ChannelId, event: &'a ChannelEvent, meta: &Meta) {
        let by = meta.actor.uuid();
        match event {
            ChannelEvent::Reacted(reacted) => {
                let key = (channel, reacted.message, reacted.emoji.as_str(), by);
                self.reactions.insert(key, true);
            }
            ChannelEvent::Unreacted(unreacted) => {
                let key = (channel, unreacted.message, unreacted.emoji.as_str(), by);
                self.reactions.insert(key, false);
            }
            ChannelEvent::Voted(voted) => {
                let vote = match voted.vote {
                    Vote::Up => 1,
                    Vote::Down => -1,
                };
                self.vote(channel, voted.message, vote, meta);
            }
            ChannelEvent::Unvoted(unvoted) => self.vote(channel, unvoted.message, 0, meta),
            ChannelEvent::Pinned(pinned) => drop(self.pins.insert((channel, pinned.message), Some(meta.seq()))),
            ChannelEvent::Unpinned(unpinned) => self.unpin(channel, unpinned.message),
            // What is deleted is pinned no longer, also once it is given back.
            ChannelEvent::Deleted(deleted) => self.unpin(channel, deleted.message),
            ChannelEvent::Created(_)
            | ChannelEvent::Updated(_)
            | ChannelEvent::Archived(_)
            | ChannelEvent::MemberAdded(_)
            | ChannelEvent::MemberLeft(_)
            | ChannelEvent::MemberRemoved(_)
            | ChannelEvent::Sent(_)
            | ChannelEvent::Edited(_)
            | ChannelEvent::Restored(_) => {}
        }
    }

    fn unpin(&mut self, channel: ChannelId, message: MessageId) {
        self.pins.insert((channel, message), None);
    }

    fn vote(&mut self, channel: ChannelId, message: MessageId, vote: i8, meta: &Meta) {
        let (by, at) = (meta.actor.uuid(), meta.at.timestamp_micros());
        let before = self.votes.insert((channel, message, by), vote);
        self.voted_at.insert(channel, at);
        self.changes.push(VoteRow {
            channel: Hex(channel.uuid()),
            message: Hex(message.uuid()),
            user: Hex(by),
            vote,
            before,
            seq: meta.seq(),
            at,
        });
    }

    /// They come after the messages of the run are there.
    pub(super) fn statements(self) -> Vec<Statement> {
        let reactions = |only: Option<bool>| {
            let rows = self.reactions.iter();
            let wanted = rows.filter(move |(_, given)| only.is_none_or(|only| **given == only));
            wanted.map(|((channel, message, emoji, user), given)| ReactionRow {
                channel: Hex(channel.uuid()),
                message: Hex(message.uuid()),
                emoji,
                user: Hex(*user),
                given: *given,
            })
        };
        let votes = |given: bool| {
            let rows = self.votes.iter().filter(move |(_, vote)| (**vote != 0) == given);
            rows.map(|((channel, message, user), vote)| OwnVoteRow {
                channel: Hex(channel.uuid()),
                message: Hex(message.uuid()),
                user: Hex(*user),
                vote: *vote,
            })
        };
        let pins = |pinned: bool| {
            let rows = self.pins.iter().filter(move |(_, seq)| seq.is_some() == pinned);
            rows.map(|((channel, message), seq)| PinRow {
                channel: Hex(channel.uuid()),
                message: Hex(message.uuid()),
                seq: *seq,
            })
        };
        let old = || {
            self.voted_at.iter().map(|(channel, at)| OldRow {
                channel: Hex(channel.uuid()),
                before: at - SCORE_CHANGES_KEPT.num_microseconds().unwrap_or(i64::MAX),
            })
        };
        [
            Statement::over(include_str!("../count_reactions.sql"), reactions(None)),
            Statement::over(include_str!("../put_reactions.sql"), reactions(Some(true))),
            Statement::over(include_str!("../delete_reactions.sql"), reactions(Some(false))),
            Statement::over(include_str!("../drop_reaction_counts.sql"), reactions(Some(false))),
            Statement::over(include_str!("../insert_score_changes.sql"), &self.changes),
            Statement::over(include_str!("../add_scores.sql"), &self.changes),
            Statement::over(include_str!("../put_votes.sql"), votes(true)),
            Statement::over(include_str!("../delete_votes.sql"), votes(false)),
            Statement::over(include_str!("../raise_horizons.sql"), old()),
            Statement::over(include_str!("../forget_score_changes.sql"), old()),
            Statement::over(include_str!("../put_pins.sql"), pins(true)),
            Statement::over(include_str!("../delete_pins.sql"), pins(false)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[derive(Serialize)]
struct ReactionRow<'a> {
    channel: Hex,
    message: Hex,
    emoji: &'a str,
    user: Hex,
    given: bool,
}

#[derive(Serialize)]
struct VoteRow {
    channel: Hex,
    message: Hex,
    user: Hex,
    vote: i8,
    /// The same person's earlier vote in this run; without one, the stored vote counts.
    before: Option<i8>,
    seq: u64,
    at: i64,
}

#[derive(Serialize)]
struct OwnVoteRow {
    channel: Hex,
    message: Hex,
    user: Hex,
    vote: i8,
}

#[derive(Serialize)]
struct PinRow {
    channel: Hex,
    message: Hex,
    seq: Option<u64>,
}

#[derive(Serialize)]
struct OldRow {
    channel: Hex,
    before: i64,
}
