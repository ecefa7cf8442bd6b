//! Reading a stream up to a moment, and the words of a channel's messages on the way: the rules keep facts, not words, so those of the
//! messages that are wanted are remembered here.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use domain::{
    Actor, ChannelId, Coded, Decider, EventId, MessageId, Meta,
    channel::{self, Channel, Event},
};
use event_store::{EventLog, Recorded, StreamName};
use uuid::Uuid;

use super::{HistoryError, Message, Moment, Wanted, When};

/// Events a page: a page is memory, and a round trip to the log.
const PAGE_EVENTS: usize = 1_000;

/// Where a stream is left off.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    Revision(u64),
    Position(u64),
    Time(DateTime<Utc>),
}

impl Until {
    pub(super) fn of(when: When) -> Self {
        match when {
            // Seq 0 is before the first event.
            When::Seq(seq) => Self::Revision(seq),
            When::Position(position) => Self::Position(position),
            When::Time(time) => Self::Time(time),
        }
    }

    fn includes(self, recorded: &Recorded) -> bool {
        match self {
            Self::Revision(seq) => recorded.revision < seq,
            Self::Position(position) => recorded.position <= position,
            Self::Time(time) => recorded.event.recorded_at <= time,
        }
    }
}

/// Hands out the events of a stream up to there, decoded.
pub(super) async fn walk<E: Coded>(
    log: &dyn EventLog,
    category: &str,
    id: Uuid,
    until: Until,
    mut visit: impl FnMut(&Recorded, E, Meta) + Send,
) -> Result<(), HistoryError> {
    let stream = StreamName::new(category, id);
    let mut next = 0;
    loop {
        let page = log.read_stream(&stream, next, PAGE_EVENTS).await?;
        for recorded in &page.events {
            if !until.includes(recorded) {
                return Ok(());
            }
            let (event, meta) = decode(recorded)?;
            visit(recorded, event, meta);
            next = recorded.revision + 1;
        }
        if page.events.is_empty() || page.last_revision.is_none_or(|last| next > last) {
            return Ok(());
        }
    }
}

/// The state that a stream had.
pub(super) async fn state_of<D: Decider>(log: &dyn EventLog, id: Uuid, until: Until) -> Result<D::State, HistoryError> {
    let mut state = D::State::default();
    walk::<D::Event>(log, D::CATEGORY, id, until, |_, event, meta| {
        D::evolve(&mut state, &event, &meta);
    })
    .await?;
    Ok(state)
}

/// When the event at a position was recorded, if there is one.
pub(super) async fn time_of(log: &dyn EventLog, position: u64) -> Result<Option<DateTime<Utc>>, HistoryError> {
    let page = log.read_all(position.saturating_sub(1), 1).await?;
    let found = page.events.first().filter(|recorded| recorded.position == position);
    Ok(found.map(|recorded| recorded.event.recorded_at))
}

fn decode<E: Coded>(recorded: &Recorded) -> Result<(E, Meta), HistoryError> {
    let stored = &recorded.event;
    let event = E::decode(&stored.kind, stored.version, &stored.payload).map_err(|_| HistoryError::Unreadable {
        position: recorded.position,
    })?;
    let meta = Meta {
        id: EventId::from(stored.id),
        revision: recorded.revision,
        actor: Actor::from_uuid(stored.actor),
        at: stored.recorded_at,
    };
    Ok((event, meta))
}

/// A channel on its way to the moment.
pub(super) struct ChannelFold {
    channel: ChannelId,
    wanted: Wanted,
    state: channel::State,
    newest: VecDeque<Message>,
    asked_for: Option<Message>,
    messages_count: u64,
    moment: Option<Moment>,
}

impl ChannelFold {
    pub(super) fn new(channel: ChannelId, wanted: Wanted) -> Self {
        Self {
            channel,
            wanted,
            state: channel::State::default(),
            newest: VecDeque::new(),
            asked_for: None,
            messages_count: 0,
            moment: None,
        }
    }

    pub(super) async fn read(&mut self, log: &dyn EventLog, until: Until) -> Result<(), HistoryError> {
        let id = self.channel.uuid();
        walk(log, Channel::CATEGORY, id, until, |recorded, event, meta| {
            Channel::evolve(&mut self.state, &event, &meta);
            self.moment = Some(Moment {
                seq: meta.seq(),
                position: recorded.position,
                at: meta.at,
            });
            self.remember(event, &meta);
        })
        .await
    }

    pub(super) fn top(&self) -> u64 {
        self.moment.map_or(0, |moment| moment.seq)
    }

    pub(super) fn moment(&self) -> Option<Moment> {
        self.moment
    }

    pub(super) fn state(&self) -> &channel::State {
        &self.state
    }

    pub(super) fn messages_count(&self) -> u64 {
        self.messages_count
    }

    pub(super) fn message(&self, id: MessageId) -> Option<Message> {
        let found = self.asked_for.clone().filter(|message| message.message == id)?;
        Some(self.as_it_was(found))
    }

    pub(super) fn newest(&self) -> Vec<Message> {
        self.newest
            .iter()
            .map(|message| self.as_it_was(message.clone()))
            .collect()
    }

    /// Version and fate come from the rules' own state; words of a message that is gone are gone.
    fn as_it_was(&self, mut message: Message) -> Message {
        if let Some(fact) = self.state.open().and_then(|open| open.message(message.message)) {
            message.version = fact.version;
            message.gone = fact.gone;
        }
        message.pinned = self.state.open().is_some_and(|open| open.is_pinned(message.message));
        if message.gone.is_some() {
            message.body = None;
            message.mentions.clear();
            message.reactions.clear();
            message.votes.clear();
        }
        message
    }

    fn remember(&mut self, event: Event, meta: &Meta) {
        match event {
            Event::Sent(sent) => {
                self.messages_count += 1;
                let message = Message::new(sent, meta);
                if self.wanted.message == Some(message.message) {
                    self.asked_for = Some(message.clone());
                }
                self.newest.push_back(message);
                if self.newest.len() > self.wanted.messages {
                    self.newest.pop_front();
                }
            }
            Event::Edited(edited) => self.change(edited.message, |message| {
                message.body = Some(edited.body.as_str().to_owned());
                message.mentions.clone_from(&edited.mentions);
                message.edited_at = Some(meta.at);
            }),
            Event::Reacted(reacted) => self.change(reacted.message, |message| {
                let emoji = reacted.emoji.as_str().to_owned();
                message.reactions.entry(emoji).or_default().extend(meta.actor.user());
            }),
            Event::Unreacted(unreacted) => self.change(unreacted.message, |message| {
                let emoji = unreacted.emoji.as_str();
                let who = message.reactions.get_mut(emoji);
                let left = who.zip(meta.actor.user()).map(|(who, user)| {
                    who.remove(&user);
                    who.len()
                });
                if left == Some(0) {
                    message.reactions.remove(emoji);
                }
            }),
            Event::Voted(voted) => self.change(voted.message, |message| {
                message.votes.extend(meta.actor.user().map(|user| (user, voted.vote)));
            }),
            Event::Unvoted(unvoted) => self.change(unvoted.message, |message| {
                message.votes.retain(|user, _| Some(*user) != meta.actor.user());
            }),
            // Who is in it, how it is set, what is pinned and what was taken away is in the state.
            Event::Created(_)
            | Event::Updated(_)
            | Event::Archived(_)
            | Event::MemberAdded(_)
            | Event::MemberLeft(_)
            | Event::MemberRemoved(_)
            | Event::Deleted(_)
            | Event::Restored(_)
            | Event::Pinned(_)
            | Event::Unpinned(_) => {}
        }
    }

    fn change(&mut self, id: MessageId, change: impl Fn(&mut Message)) {
        self.kept(id).for_each(change);
    }

    /// The copies that are kept of a message.
    fn kept(&mut self, id: MessageId) -> impl Iterator<Item = &mut Message> {
        // They lie in the order of their seqs, which the id does not tell; the window is small beside the channel.
        let seq = self
            .state
            .open()
            .and_then(|open| open.message(id))
            .map(|fact| u64::from(fact.seq));
        let place = seq.and_then(|seq| self.newest.binary_search_by_key(&seq, |message| message.seq).ok());
        let in_window = place.and_then(|place| self.newest.get_mut(place));
        let asked_for = self.asked_for.as_mut().filter(|message| message.message == id);
        in_window.into_iter().chain(asked_for)
    }
}

impl Message {
    fn new(sent: channel::Sent, meta: &Meta) -> Self {
        Self {
            message: sent.message,
            seq: meta.seq(),
            author: meta.actor.user(),
            at: meta.at,
            version: 1,
            edited_at: None,
            gone: None,
            reply_to: sent.reply_to,
            thread: sent.thread,
            depth: sent.depth,
            pinned: false,
            body: Some(sent.body.as_str().to_owned()),
            mentions: sent.mentions,
            reactions: BTreeMap::new(),
            votes: BTreeMap::new(),
        }
    }
}
