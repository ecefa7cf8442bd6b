//! The messages of a channel, as far as rules need them: who wrote which, its version, and whether it was deleted. Never the words.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Deleted, Edited, Event, Open, Rejection, Sent};
use crate::{Context, MessageBody, MessageId, UserId, limits};

/// What the rules know of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub seq: u32,
    pub version: u16,
    pub deleted: bool,
    author: u32,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Messages(HashMap<MessageId, Fact>);

impl Messages {
    pub(super) fn get(&self, id: MessageId) -> Option<&Fact> {
        self.0.get(&id)
    }

    pub(super) fn sent(&mut self, id: MessageId, author: u32, seq: u32) {
        self.0.insert(
            id,
            Fact {
                seq,
                version: 1,
                deleted: false,
                author,
            },
        );
    }

    pub(super) fn edited(&mut self, id: MessageId, version: u16) {
        if let Some(fact) = self.0.get_mut(&id) {
            fact.version = version;
        }
    }

    pub(super) fn deleted(&mut self, id: MessageId) {
        if let Some(fact) = self.0.get_mut(&id) {
            fact.deleted = true;
        }
    }

    pub(super) fn weight(&self) -> usize {
        /// 16 of the id, 12 of the fact, one of the map.
        const MESSAGE_BYTES: usize = 29;
        self.0.capacity() * MESSAGE_BYTES
    }
}

impl Open {
    pub(super) fn send(
        &self,
        ctx: &Context,
        body: MessageBody,
        reply_to: Option<MessageId>,
        mentions: Vec<UserId>,
    ) -> Result<Vec<Event>, Rejection> {
        self.writable_by(ctx)?;
        if let Some(parent) = reply_to {
            self.visible_message(ctx, parent)?;
        }
        let mentions = self.known_mentions(mentions)?;
        Ok(vec![Event::Sent(Sent {
            message: ctx.event_id.into(),
            body,
            reply_to,
            mentions,
        })])
    }

    pub(super) fn edit(
        &self,
        ctx: &Context,
        message: MessageId,
        body: MessageBody,
        mentions: Vec<UserId>,
        expected_version: Option<u16>,
    ) -> Result<Vec<Event>, Rejection> {
        self.writable_by(ctx)?;
        let fact = self.visible_message(ctx, message)?;
        if !self.wrote(ctx, fact) {
            return Err(Rejection::NotAuthor);
        }
        if fact.deleted {
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
            version,
            body,
            mentions,
        })])
    }

    pub(super) fn delete(
        &self,
        ctx: &Context,
        message: MessageId,
        expected_version: Option<u16>,
    ) -> Result<Vec<Event>, Rejection> {
        self.writable_by(ctx)?;
        let fact = self.visible_message(ctx, message)?;
        if !self.wrote(ctx, fact) && !self.moderated_by(ctx) {
            return Err(Rejection::Forbidden);
        }
        if fact.deleted {
            return Ok(vec![]);
        }
        expect_version(fact, expected_version)?;
        Ok(vec![Event::Deleted(Deleted { message })])
    }

    /// A message the actor may not see does not exist for them.
    fn visible_message(&self, ctx: &Context, id: MessageId) -> Result<&Fact, Rejection> {
        let floor = ctx.actor.user().and_then(|user| self.visible_from(user)).unwrap_or(1);
        self.messages
            .get(id)
            .filter(|fact| u64::from(fact.seq) >= floor)
            .ok_or(Rejection::NoSuchMessage)
    }

    fn wrote(&self, ctx: &Context, fact: &Fact) -> bool {
        ctx.actor.user().and_then(|user| self.people.index(user)) == Some(fact.author)
    }

    fn known_mentions(&self, mut mentions: Vec<UserId>) -> Result<Vec<UserId>, Rejection> {
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

fn expect_version(fact: &Fact, expected: Option<u16>) -> Result<(), Rejection> {
    match expected {
        Some(version) if version != fact.version => Err(Rejection::VersionMismatch { current: fact.version }),
        Some(_) | None => Ok(()),
    }
}
