//! What the views fold: events of the log, decoded once for all of them. What an event does to a view is the view's own affair.

use std::sync::Arc;

use domain::{
    Actor, ChannelId, Coded, Decider, DecodeError, EventId, Meta, ReportId, SpaceId, UserId, audit::Audit,
    channel::Channel, inbox::Inbox, report::Report, space::Space, user::User,
};
use event_store::{Damaged, Recorded, StreamName};
use uuid::Uuid;

/// An event that could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub position: u64,
    pub meta: Meta,
    pub fact: Fact,
}

/// Whose event it is, and which.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    User(UserId, domain::user::Event),
    Space(SpaceId, domain::space::Event),
    Channel(ChannelId, domain::channel::Event),
    Inbox(UserId, domain::inbox::Event),
    Report(ReportId, domain::report::Event),
    /// By the auditor.
    Audit(UserId, domain::audit::Event),
}

/// Why an event could not be read. Never quotes what it holds.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("no stream of this category is known")]
    Category,
    #[error("the stream's name holds no id")]
    StreamName,
    #[error("the stored bytes do not match their checksum")]
    Damaged,
    #[error(transparent)]
    Payload(#[from] DecodeError),
}

/// Any event of the log at its place.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) position: u64,
    /// `None` for one that could not be read at all.
    pub(crate) id: Option<Uuid>,
    pub(crate) stream: StreamName,
    /// Size of the payload.
    pub(crate) bytes: usize,
    pub(crate) event: Result<Event, Unreadable>,
}

/// The category of what stands for a stream where nothing tells which stream a lost event was of.
const LOST: &str = "lost";

impl Decoded {
    /// The places of a batch in order, the unreadable ones among them.
    pub(crate) fn all(events: &[Arc<Recorded>], damaged: &[Damaged]) -> Vec<Self> {
        let mut all: Vec<Self> = events.iter().map(|recorded| Self::of(recorded)).collect();
        if !damaged.is_empty() {
            all.extend(damaged.iter().map(Self::damaged));
            all.sort_by_key(|decoded| decoded.position);
        }
        all
    }

    fn damaged(place: &Damaged) -> Self {
        let lost = || StreamName::from_text(&format!("{LOST}-{}", place.position));
        Self {
            position: place.position,
            id: None,
            stream: place.stream.clone().unwrap_or_else(lost),
            bytes: 0,
            event: Err(Unreadable::Damaged),
        }
    }

    /// Where and why it cannot be read.
    pub(crate) fn unreadable(&self) -> Option<(u64, String)> {
        let why = self.event.as_ref().err()?;
        Some((self.position, why.to_string()))
    }

    /// Nothing tells which stream it was of.
    pub(crate) fn is_lost(stream: &StreamName) -> bool {
        stream.category() == LOST
    }

    /// Whether a view of these categories has to do with it. Everybody has with what nobody knows.
    pub(crate) fn concerns(&self, categories: &[&str]) -> bool {
        let category = self.stream.category();
        category == LOST || categories.contains(&category)
    }

    pub(crate) fn of(recorded: &Recorded) -> Self {
        Self {
            position: recorded.position,
            id: Some(recorded.event.id),
            stream: recorded.stream.clone(),
            bytes: recorded.event.payload.len(),
            event: decode(recorded),
        }
    }
}

impl Fact {
    /// What a stored event says, lifted to the version of today.
    pub fn read(stream: &StreamName, kind: &str, version: u16, payload: &[u8]) -> Result<Self, Unreadable> {
        let stored = (kind, version, payload);
        Ok(match stream.category() {
            User::CATEGORY => Self::User(owner(stream)?, coded(stored)?),
            Space::CATEGORY => Self::Space(owner(stream)?, coded(stored)?),
            Channel::CATEGORY => Self::Channel(owner(stream)?, coded(stored)?),
            Inbox::CATEGORY => Self::Inbox(owner(stream)?, coded(stored)?),
            Report::CATEGORY => Self::Report(owner(stream)?, coded(stored)?),
            Audit::CATEGORY => Self::Audit(owner(stream)?, coded(stored)?),
            _ => return Err(Unreadable::Category),
        })
    }
}

fn decode(recorded: &Recorded) -> Result<Event, Unreadable> {
    let event = &recorded.event;
    let fact = Fact::read(&recorded.stream, &event.kind, event.version, &event.payload)?;
    let meta = Meta {
        id: EventId::from(event.id),
        revision: recorded.revision,
        actor: Actor::from_uuid(event.actor),
        at: event.recorded_at,
    };
    Ok(Event {
        position: recorded.position,
        meta,
        fact,
    })
}

fn owner<T: From<Uuid>>(stream: &StreamName) -> Result<T, Unreadable> {
    stream.id().map(T::from).ok_or(Unreadable::StreamName)
}

fn coded<T: Coded>((kind, version, payload): (&str, u16, &[u8])) -> Result<T, DecodeError> {
    T::decode(kind, version, payload)
}
