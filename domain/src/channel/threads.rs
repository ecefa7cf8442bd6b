//! Threads: messages that belong to another one, their root. In a forum the roots are posts, and what belongs to them are comments,
//! each an answer to the post or to another comment of it.

use super::{Event, Kind, Open, Rejection, Sent, messages::Fact};
use crate::{Context, MessageBody, MessageId, UserId, limits};

/// Where a message stands that belongs to a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// Seq of the root.
    pub root: u32,
    /// How many answers lie between a comment and its post, itself included. 0 outside forums.
    pub depth: u8,
}

impl Open {
    pub(super) fn send(
        &self,
        ctx: &Context,
        body: MessageBody,
        reply_to: Option<MessageId>,
        thread: Option<MessageId>,
        mentions: Vec<UserId>,
    ) -> Result<Vec<Event>, Rejection> {
        self.writable_by(ctx)?;
        super::messages::heard(ctx)?;
        self.unhurried(ctx)?;
        super::messages::unblocked(ctx)?;
        let root = thread.map(|root| self.root(ctx, root)).transpose()?;
        // Whoever comments without saying on what answers the post itself.
        let reply_to = reply_to.or(thread.filter(|_| self.kind == Kind::Forum));
        let parent = reply_to
            .map(|parent| self.standing_message(ctx, parent).map(|fact| (parent, fact)))
            .transpose()?;
        let depth = self.depth(root, parent)?;
        let mentions = self.known_mentions(mentions)?;
        Ok(vec![Event::Sent(Sent {
            message: ctx.event_id.into(),
            body,
            reply_to,
            reply_to_author: parent.and_then(|(_, fact)| self.people.by_index(fact.author)),
            thread,
            depth,
            mentions,
        })])
    }

    /// The root of a thread is a message that is there, and belongs to no thread itself.
    fn root(&self, ctx: &Context, id: MessageId) -> Result<&Fact, Rejection> {
        let root = self.standing_message(ctx, id)?;
        if self.messages.place(id).is_some() {
            return Err(Rejection::ThreadInThread);
        }
        Ok(root)
    }

    fn depth(&self, root: Option<&Fact>, parent: Option<(MessageId, &Fact)>) -> Result<u8, Rejection> {
        let (root, parent) = match (root, parent) {
            (Some(root), Some(parent)) => (root, parent),
            (None, Some(_)) if self.kind == Kind::Forum => return Err(Rejection::ThreadMissing),
            (None, _) | (Some(_), None) => return Ok(0),
        };
        let (parent, fact) = parent;
        let place = self.messages.place(parent);
        if place.map_or(fact.seq, |place| place.root) != root.seq {
            return Err(Rejection::OtherThread);
        }
        if self.kind != Kind::Forum {
            return Ok(0);
        }
        let depth = place.map_or(0, |place| place.depth) + 1;
        if depth > limits::COMMENT_DEPTH_MAX {
            return Err(Rejection::TooDeep {
                max: limits::COMMENT_DEPTH_MAX,
            });
        }
        Ok(depth)
    }
}
