//! What the views fold: events of the log, decoded once for all of them. What an event does to a view is the view's own affair.

use domain::{
    Actor, ChannelId, Coded, Decider, DecodeError, EventId, Meta, ReportId, SpaceId, UserId, audit::Audit,
    channel::Channel, inbox::Inbox, report::Report, space::Space, user::User,
};
use event_store::{Recorded, StreamName};
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
    #[error(transparent)]
    Payload(#[from] DecodeError),
}

/// Any event of the log at its place.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) position: u64,
    pub(crate) stream: StreamName,
    /// Size of the payload.
    pub(crate) bytes: usize,
    pub(crate) event: Result<Event, Unreadable>,
}

impl Decoded {
    pub(crate) fn of(recorded: &Recorded) -> Self {
        Self {
            position: recorded.position,
            stream: recorded.stream.clone(),
            bytes: recorded.event.payload.len(),
            event: decode(recorded),
        }
    }
}

fn decode(recorded: &Recorded) -> Result<Event, Unreadable> {
    let stream = &recorded.stream;
    let fact = match stream.category() {
        User::CATEGORY => Fact::User(owner(stream)?, payload(recorded)?),
        Space::CATEGORY => Fact::Space(owner(stream)?, payload(recorded)?),
        Channel::CATEGORY => Fact::Channel(owner(stream)?, payload(recorded)?),
        Inbox::CATEGORY => Fact::Inbox(owner(stream)?, payload(recorded)?),
        Report::CATEGORY => Fact::Report(owner(stream)?, payload(recorded)?),
        Audit::CATEGORY => Fact::Audit(owner(stream)?, payload(recorded)?),
        _ => return Err(Unreadable::Category),
    };
    let event = &recorded.event;
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

fn payload<T: Coded>(recorded: &Recorded) -> Result<T, Unreadable> {
    let event = &recorded.event;
    Ok(T::decode(&event.kind, event.version, &event.payload)?)
}
