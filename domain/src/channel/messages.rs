//! The messages of a channel, as far as rules need them: who wrote which, its version, whether it was deleted and whose deletion it was.
//! Never the words.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Deleted, Edited, Event, Open, Rejection, Restored, seq_u32, threads::Place};
use crate::{Actor, Context, EventId, MessageBody, MessageId, Meta, Reason, UserId, limits};

/// What the rules know of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub seq: u32,
    pub version: u16,
    pub gone: Option<Gone>,
    pub(super) author: u32,
}

/// Who took a message away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// For good.
    ByAuthor,
    /// Somebody with a right to, which can be taken back.
    ByOther,
}

/// What a message said at its newest version.
#[derive(Debug, Clone, PartialEq)]
pub struct LastWords {
    pub version: u16,
    pub body: MessageBody,
    pub mentions: Vec<UserId>,
}

/// Where the newest words of a message stand in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordsAt {
    pub seq: u64,
    pub version: u16,
    /// `None` for the service itself.
    pub author: Option<UserId>,
}

impl Fact {
    pub fn is_deleted(&self) -> bool {
        self.gone.is_some()
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Messages {
    facts: HashMap<MessageId, Fact>,
    /// Seq of the newest words of those that were edited: few, so that the facts of the others stay small.
    edited: HashMap<MessageId, u32>,
    /// Revision of the deletion by somebody other than the author by which a message is gone.
    taken: HashMap<MessageId, u32>,
    /// Where those stand that belong to a thread.
    places: HashMap<MessageId, Place>,
}

impl Messages {
    pub(super) fn get(&self, id: MessageId) -> Option<&Fact> {
        self.facts.get(&id)
    }

    pub(super) fn words_at(&self, id: MessageId) -> Option<u64> {
        let edited = self.edited.get(&id).copied();
        edited.or_else(|| Some(self.get(id)?.seq)).map(u64::from)
    }

    pub(super) fn sent(&mut self, id: MessageId, author: u32, seq: u32) {
        self.facts.insert(
            id,
            Fact {
                seq,
                version: 1,
                gone: None,
                author,
            },
        );
    }

    pub(super) fn place(&self, id: MessageId) -> Option<Place> {
        self.places.get(&id).copied()
    }

    pub(super) fn placed(&mut self, id: MessageId, root: MessageId, depth: u8) {
        if let Some(root) = self.facts.get(&root).map(|fact| fact.seq) {
            self.places.insert(id, Place { root, depth });
        }
    }

    pub(super) fn edited(&mut self, id: MessageId, version: u16, seq: u32) {
        if let Some(fact) = self.facts.get_mut(&id) {
            fact.version = version;
            self.edited.insert(id, seq);
        }
    }

    pub(super) fn deleted(&mut self, id: MessageId, by: Gone, revision: u32) {
        if let Some(fact) = self.facts.get_mut(&id) {
            fact.gone = Some(by);
            match by {
                Gone::ByAuthor => self.taken.remove(&id),
                Gone::ByOther => self.taken.insert(id, revision),
            };
        }
    }

    pub(super) fn restored(&mut self, id: MessageId) {
        if let Some(fact) = self.facts.get_mut(&id) {
            fact.gone = None;
        }
        self.taken.remove(&id);
    }

    pub(super) fn weight(&self) -> usize {
        /// 16 of the id, 12 of the fact, one of the map.
        const MESSAGE_BYTES: usize = 29;
        /// 16 of the id, four of the seq or revision, one of the map.
        const EDITED_BYTES: usize = 21;
        /// 16 of the id, eight of the place, one of the map.
        const PLACED_BYTES: usize = 25;
        self.facts.capacity() * MESSAGE_BYTES
            + (self.edited.capacity() + self.taken.capacity()) * EDITED_BYTES
            + self.places.capacity() * PLACED_BYTES
    }
}

impl Open {
    pub(super) fn edit(
        &self,
        ctx: &Context,
        message: MessageId,
        body: MessageBody,
        mentions: Vec<UserId>,
        expected_version: Option<u16>,
    ) -> Result<Vec<Event>, Rejection> {
        self.writable_by(ctx)?;
        heard(ctx)?;
        unblocked(ctx)?;
        let fact = self.visible_message(ctx, message)?;
        if !self.wrote(ctx.actor, fact) {
            return Err(Rejection::NotAuthor);
        }
        if fact.is_deleted() {
            return Err(Rejection::MessageDeleted);
        }
        expect_version(fact, expected_version)?;
        let version = fact
            .version
            .checked_add(1)
            .ok_or(Rejection::VersionMismatch { current: fact.version })?;
        let mentions = self.known_mentions(mentions)?;
        Ok(vec![Event::Edited(Edited {
            message,
            seq: Some(u64::from(fact.seq)),
            version,
            body,
            mentions,
        })])
    }

    /// An author may still make final what somebody else took away.
    pub(super) fn delete(
        &self,
        ctx: &Context,
        message: MessageId,
        expected_version: Option<u16>,
        reason: Option<Reason>,
    ) -> Result<Vec<Event>, Rejection> {
        self.overseen_by(ctx)?;
        self.still_open(ctx)?;
        let fact = self.visible_message(ctx, message)?;
        let own = self.wrote(ctx.actor, fact);
        if !own && !self.moderated_by(ctx) {
            return Err(Rejection::Forbidden);
        }
        match fact.gone {
            Some(Gone::ByAuthor) => return Ok(vec![]),
            Some(Gone::ByOther) if !own => return Ok(vec![]),
            Some(Gone::ByOther) | None => {}
        }
        expect_version(fact, expected_version)?;
        let author = if own { None } else { self.people.by_index(fact.author) };
        Ok(vec![Event::Deleted(Deleted {
            message,
            author,
            reason,
        })])
    }

    pub(super) fn restore(
        &self,
        ctx: &Context,
        message: MessageId,
        reason: Reason,
        taken_by: Option<EventId>,
        words: Option<LastWords>,
    ) -> Result<Vec<Event>, Rejection> {
        self.overseen_by(ctx)?;
        self.still_open(ctx)?;
        let fact = self.visible_message(ctx, message)?;
        if !self.moderated_by(ctx) {
            return Err(Rejection::Forbidden);
        }
        match fact.gone {
            None => return Ok(vec![]),
            Some(Gone::ByAuthor) => return Err(Rejection::DeletedByAuthor),
            Some(Gone::ByOther) => {}
        }
        if taken_by.is_some_and(|deletion| !self.is_taken_by(message, deletion)) {
            return Ok(vec![]);
        }
        // They were read before the command had its turn, and are not those of another version.
        let current = fact.version;
        let words = words
            .filter(|words| words.version == current)
            .ok_or(Rejection::VersionMismatch { current })?;
        Ok(vec![Event::Restored(Restored {
            message,
            seq: u64::from(fact.seq),
            author: self.people.by_index(fact.author),
            version: current,
            body: words.body,
            mentions: words.mentions,
            reason,
        })])
    }

    fn is_taken_by(&self, message: MessageId, deletion: EventId) -> bool {
        let revision = self.messages.taken.get(&message);
        revision.is_some() && revision == self.other_events.get(&deletion)
    }

    pub(super) fn apply_deletion(&mut self, message: MessageId, meta: &Meta) {
        let fact = self.messages.get(message);
        let own = fact.is_some_and(|fact| self.wrote(meta.actor, fact));
        let by = if own { Gone::ByAuthor } else { Gone::ByOther };
        self.messages.deleted(message, by, seq_u32(meta.revision));
        if let Some(seq) = self.messages.get(message).map(|fact| fact.seq) {
            self.reactions.unpinned(seq);
        }
    }

    /// In slow mode everybody but moderators waits between two messages.
    pub(super) fn unhurried(&self, ctx: &Context) -> Result<(), Rejection> {
        let pause = TimeDelta::seconds(i64::from(self.slow_mode_s.seconds()));
        let Some(last) = ctx.actor.user().and_then(|user| self.people.last_sent(user)) else {
            return Ok(());
        };
        let wait = last + pause - ctx.now;
        if wait <= TimeDelta::zero() || self.moderated_by(ctx) {
            return Ok(());
        }
        let wait_ms = u64::try_from(wait.num_milliseconds()).unwrap_or(0).max(1);
        Err(Rejection::SlowMode { wait_ms })
    }

    /// A message the actor may not see does not exist for them. An operator who says so moderates all there is, as if they were not in the
    /// channel themselves.
    pub(super) fn visible_message(&self, ctx: &Context, id: MessageId) -> Result<&Fact, Rejection> {
        let reader = ctx.actor.user().filter(|_| !super::operates(ctx));
        let floor = reader.and_then(|user| self.visible_from(user)).unwrap_or(1);
        self.messages
            .get(id)
            .filter(|fact| u64::from(fact.seq) >= floor)
            .ok_or(Rejection::NoSuchMessage)
    }

    /// A message that can be answered and judged: seen, and not deleted.
    pub(super) fn standing_message(&self, ctx: &Context, id: MessageId) -> Result<&Fact, Rejection> {
        let fact = self.visible_message(ctx, id)?;
        if fact.is_deleted() {
            return Err(Rejection::MessageDeleted);
        }
        Ok(fact)
    }

    pub(super) fn wrote(&self, actor: Actor, fact: &Fact) -> bool {
        actor.user().and_then(|user| self.people.index(user)) == Some(fact.author)
    }

    pub(super) fn known_mentions(&self, mut mentions: Vec<UserId>) -> Result<Vec<UserId>, Rejection> {
        mentions.sort_unstable();
        mentions.dedup();
        if mentions.len() > limits::MENTIONS_MAX {
            return Err(Rejection::TooManyMentions {
                max: limits::MENTIONS_MAX,
            });
        }
        if mentions.iter().any(|user| self.people.since(*user).is_none()) {
            return Err(Rejection::UnknownMention);
        }
        Ok(mentions)
    }
}

/// Whoever is muted in the space reads, and that is all.
pub(super) fn heard(ctx: &Context) -> Result<(), Rejection> {
    if ctx.muted { Err(Rejection::Muted) } else { Ok(()) }
}

/// New words between two of whom one has blocked the other reach neither, by whichever of the two.
pub(super) fn unblocked(ctx: &Context) -> Result<(), Rejection> {
    if ctx.blocked { Err(Rejection::Blocked) } else { Ok(()) }
}

fn expect_version(fact: &Fact, expected: Option<u16>) -> Result<(), Rejection> {
    match expected {
        Some(version) if version != fact.version => Err(Rejection::VersionMismatch { current: fact.version }),
        Some(_) | None => Ok(()),
    }
}
