//! What people do to a message besides writing: reactions, votes, pins. The rules know who gave what, in a few bytes each.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize, Serializer};

use super::{Event, Kind, Open, Pinned, Reacted, Rejection, Unpinned, Unreacted, Unvoted, Voted};
use crate::{Context, Emoji, MessageId, limits, rights::Right};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    Up,
    Down,
}

/// Messages by their seq, people and emoji by small numbers, as everywhere in this state.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Reactions {
    /// Each emoji that was ever used here, with the number that stands for it.
    emoji: HashMap<Emoji, u32>,
    #[serde(serialize_with = "sorted")]
    given: HashSet<Given>,
    /// How many people gave what, for each message that has a reaction.
    kinds: HashMap<u32, Vec<(u32, u32)>>,
    #[serde(serialize_with = "sorted")]
    up: HashSet<(u32, u32)>,
    #[serde(serialize_with = "sorted")]
    down: HashSet<(u32, u32)>,
    pinned: BTreeSet<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Given {
    message: u32,
    emoji: u32,
    by: u32,
}

/// The same state is the same snapshot.
fn sorted<T: Ord + Serialize, S: Serializer>(set: &HashSet<T>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut items: Vec<_> = set.iter().collect();
    items.sort_unstable();
    items.serialize(serializer)
}

impl Reactions {
    fn has(&self, message: u32, emoji: &Emoji, by: u32) -> bool {
        let emoji = self.emoji.get(emoji).copied();
        emoji.is_some_and(|emoji| self.given.contains(&Given { message, emoji, by }))
    }

    /// Whether somebody reacted with this already, so that one more needs no room.
    fn is_counted(&self, message: u32, emoji: &Emoji) -> bool {
        let emoji = self.emoji.get(emoji);
        let counted = |emoji: &u32| self.kinds.get(&message)?.iter().find(|(known, _)| known == emoji);
        emoji.and_then(counted).is_some()
    }

    fn kinds_of(&self, message: u32) -> usize {
        self.kinds.get(&message).map_or(0, Vec::len)
    }

    fn vote(&self, message: u32, by: u32) -> Option<Vote> {
        let on = (message, by);
        match (self.up.contains(&on), self.down.contains(&on)) {
            (true, _) => Some(Vote::Up),
            (false, true) => Some(Vote::Down),
            (false, false) => None,
        }
    }

    pub(super) fn reacted(&mut self, message: u32, emoji: &Emoji, by: u32) {
        let next = super::seq_u32(self.emoji.len() as u64);
        let emoji = *self.emoji.entry(emoji.clone()).or_insert(next);
        if !self.given.insert(Given { message, emoji, by }) {
            return;
        }
        let kinds = self.kinds.entry(message).or_default();
        match kinds.iter_mut().find(|(known, _)| *known == emoji) {
            Some((_, count)) => *count += 1,
            None => kinds.push((emoji, 1)),
        }
    }

    pub(super) fn unreacted(&mut self, message: u32, emoji: &Emoji, by: u32) {
        let Some(emoji) = self.emoji.get(emoji).copied() else {
            return;
        };
        if !self.given.remove(&Given { message, emoji, by }) {
            return;
        }
        if let Some(kinds) = self.kinds.get_mut(&message) {
            kinds
                .iter_mut()
                .filter(|(known, _)| *known == emoji)
                .for_each(|(_, count)| *count -= 1);
            kinds.retain(|(_, count)| *count > 0);
            if kinds.is_empty() {
                self.kinds.remove(&message);
            }
        }
    }

    pub(super) fn voted(&mut self, message: u32, by: u32, vote: Option<Vote>) {
        let on = (message, by);
        self.up.remove(&on);
        self.down.remove(&on);
        match vote {
            Some(Vote::Up) => drop(self.up.insert(on)),
            Some(Vote::Down) => drop(self.down.insert(on)),
            None => {}
        }
    }

    pub(super) fn pinned(&mut self, message: u32) {
        self.pinned.insert(message);
    }

    /// Also by its deletion.
    pub(super) fn unpinned(&mut self, message: u32) {
        self.pinned.remove(&message);
    }

    pub(super) fn weight(&self) -> usize {
        /// Text and number, with the room of the text.
        const EMOJI_BYTES: usize = 64;
        /// Three numbers, and one of the set.
        const GIVEN_BYTES: usize = 13;
        /// A list of its own for each message with reactions; most hold few kinds.
        const KINDS_BYTES: usize = 64;
        /// Two numbers, and one of the set.
        const VOTE_BYTES: usize = 9;
        self.emoji.capacity() * EMOJI_BYTES
            + self.given.capacity() * GIVEN_BYTES
            + self.kinds.capacity() * KINDS_BYTES
            + (self.up.capacity() + self.down.capacity()) * VOTE_BYTES
            + self.pinned.len() * size_of::<u32>()
    }
}

impl Open {
    pub(super) fn react(&self, ctx: &Context, message: MessageId, emoji: Emoji) -> Result<Vec<Event>, Rejection> {
        let (seq, by) = self.opinion_on(ctx, message)?;
        super::messages::heard(ctx)?;
        super::messages::unblocked(ctx)?;
        if self.reactions.has(seq, &emoji, by) {
            return Ok(vec![]);
        }
        let full = self.reactions.kinds_of(seq) >= limits::REACTION_KINDS_MAX;
        if full && !self.reactions.is_counted(seq, &emoji) {
            return Err(Rejection::TooManyReactions {
                max: limits::REACTION_KINDS_MAX,
            });
        }
        Ok(vec![Event::Reacted(Reacted { message, emoji })])
    }

    pub(super) fn unreact(&self, ctx: &Context, message: MessageId, emoji: Emoji) -> Result<Vec<Event>, Rejection> {
        let (seq, by) = self.opinion_on(ctx, message)?;
        let given = self.reactions.has(seq, &emoji, by);
        Ok(if given {
            vec![Event::Unreacted(Unreacted { message, emoji })]
        } else {
            vec![]
        })
    }

    /// What somebody thinks of their own words they have said by writing them.
    pub(super) fn vote(&self, ctx: &Context, message: MessageId, vote: Option<Vote>) -> Result<Vec<Event>, Rejection> {
        let (seq, by) = self.opinion_on(ctx, message)?;
        let now = self.reactions.vote(seq, by);
        let Some(vote) = vote else {
            return Ok(now.map(|_| Event::Unvoted(Unvoted { message })).into_iter().collect());
        };
        super::messages::heard(ctx)?;
        super::messages::unblocked(ctx)?;
        if self
            .messages
            .get(message)
            .is_some_and(|fact| self.wrote(ctx.actor, fact))
        {
            return Err(Rejection::OwnVote);
        }
        Ok(if now == Some(vote) {
            vec![]
        } else {
            vec![Event::Voted(Voted { message, vote })]
        })
    }

    pub(super) fn pin(&self, ctx: &Context, message: MessageId) -> Result<Vec<Event>, Rejection> {
        self.writable_by(ctx)?;
        super::messages::heard(ctx)?;
        super::messages::unblocked(ctx)?;
        let seq = self.standing_message(ctx, message)?.seq;
        if !self.pins(ctx) {
            return Err(Rejection::Forbidden);
        }
        let pinned = &self.reactions.pinned;
        if pinned.contains(&seq) {
            return Ok(vec![]);
        }
        if pinned.len() >= limits::PINS_MAX {
            return Err(Rejection::TooManyPins { max: limits::PINS_MAX });
        }
        Ok(vec![Event::Pinned(Pinned { message })])
    }

    pub(super) fn unpin(&self, ctx: &Context, message: MessageId) -> Result<Vec<Event>, Rejection> {
        self.writable_by(ctx)?;
        let seq = self.visible_message(ctx, message)?.seq;
        if !self.pins(ctx) {
            return Err(Rejection::Forbidden);
        }
        Ok(if self.reactions.pinned.contains(&seq) {
            vec![Event::Unpinned(Unpinned { message })]
        } else {
            vec![]
        })
    }

    /// In a conversation of two either pins.
    fn pins(&self, ctx: &Context) -> bool {
        self.kind == Kind::Direct || self.allows(ctx, Right::PinMessages)
    }

    /// The message, by its seq, and the person, by their number, where a person says what they think of a message that is there.
    fn opinion_on(&self, ctx: &Context, message: MessageId) -> Result<(u32, u32), Rejection> {
        self.writable_by(ctx)?;
        let seq = self.standing_message(ctx, message)?.seq;
        let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
        let by = self.people.index(user).ok_or(Rejection::NotFound)?;
        Ok((seq, by))
    }

    pub fn is_pinned(&self, message: MessageId) -> bool {
        let fact = self.messages.get(message);
        fact.is_some_and(|fact| self.reactions.pinned.contains(&fact.seq))
    }

    pub(super) fn apply_opinion(&mut self, event: &Event, by: u32) {
        match event {
            Event::Reacted(reacted) => {
                if let Some(seq) = self.seq_of(reacted.message) {
                    self.reactions.reacted(seq, &reacted.emoji, by);
                }
            }
            Event::Unreacted(unreacted) => {
                if let Some(seq) = self.seq_of(unreacted.message) {
                    self.reactions.unreacted(seq, &unreacted.emoji, by);
                }
            }
            Event::Voted(voted) => {
                if let Some(seq) = self.seq_of(voted.message) {
                    self.reactions.voted(seq, by, Some(voted.vote));
                }
            }
            Event::Unvoted(unvoted) => {
                if let Some(seq) = self.seq_of(unvoted.message) {
                    self.reactions.voted(seq, by, None);
                }
            }
            Event::Pinned(pinned) => {
                if let Some(seq) = self.seq_of(pinned.message) {
                    self.reactions.pinned(seq);
                }
            }
            Event::Unpinned(unpinned) => {
                if let Some(seq) = self.seq_of(unpinned.message) {
                    self.reactions.unpinned(seq);
                }
            }
            Event::Created(_)
            | Event::Updated(_)
            | Event::Archived(_)
            | Event::MemberAdded(_)
            | Event::MemberLeft(_)
            | Event::MemberRemoved(_)
            | Event::Sent(_)
            | Event::Edited(_)
            | Event::Deleted(_)
            | Event::Restored(_) => {}
        }
    }

    fn seq_of(&self, message: MessageId) -> Option<u32> {
        self.messages.get(message).map(|fact| fact.seq)
    }
}
