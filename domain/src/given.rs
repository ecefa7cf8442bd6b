//! Given some events, when someone commands, then other events: the way every rule is tested.
//! Each accepted command is checked for idempotency on the way, by its event id and by a second try under another key.

use chrono::{DateTime, Utc};

use crate::{Actor, Coded, Context, Decider, EventId, Meta, UserId, space::Role, user::ServiceRole};

pub(crate) const ALICE: UserId = UserId::from_u128(0xa11ce);
pub(crate) const BOB: UserId = UserId::from_u128(0xb0b);
pub(crate) const CAROL: UserId = UserId::from_u128(0xca401);
pub(crate) const DAVE: UserId = UserId::from_u128(0xdae);

/// One of a crowd, none of the people above.
pub(crate) fn someone(number: usize) -> UserId {
    UserId::from_u128((1 << 64) + number as u128)
}

/// Id of the event at `seq` of the past; also the id of the message it sent.
pub(crate) const fn event_at(seq: u64) -> EventId {
    EventId::from_u128(0xe0000 + seq as u128)
}

/// Id of the `index`th event of the command under test.
pub(crate) const fn new_event(index: u128) -> EventId {
    EventId::from_u128(0xc0000 + index)
}

/// Id of the first event of the same command under another key.
const OTHER_KEY: EventId = EventId::from_u128(0xd0000);

pub(crate) const NOON: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).expect("a valid time");

/// A stream with these events in it, each by whom it was caused.
pub(crate) fn given<D: Decider>(past: impl IntoIterator<Item = (impl Into<Actor>, D::Event)>) -> Given<D> {
    let mut given = Given {
        state: D::State::default(),
        count: 0,
    };
    for (actor, event) in past {
        let id = event_at(given.count + 1);
        given.append(actor.into(), id, &event);
    }
    given
}

/// A stream in which nothing has happened yet.
pub(crate) fn nothing<D: Decider>() -> Given<D> {
    Given {
        state: D::State::default(),
        count: 0,
    }
}

pub(crate) struct Given<D: Decider> {
    pub(crate) state: D::State,
    count: u64,
}

impl<D: Decider> Given<D> {
    pub(crate) fn when(self, actor: impl Into<Actor>, command: D::Command) -> When<D> {
        let context = Context {
            actor: actor.into(),
            acting_as: None,
            now: NOON,
            event_id: new_event(0),
            space_role: None,
            subject_space_role: None,
            subject_banned: false,
            space_archived: false,
            muted: false,
            blocked: false,
        };
        When {
            given: self,
            command,
            context,
            repeatable: false,
        }
    }

    fn append(&mut self, actor: Actor, id: EventId, event: &D::Event) {
        D::evolve(
            &mut self.state,
            event,
            &Meta {
                id,
                revision: self.count,
                actor,
                at: NOON,
            },
        );
        self.count += 1;
    }
}

pub(crate) struct When<D: Decider> {
    given: Given<D>,
    command: D::Command,
    context: Context,
    repeatable: bool,
}

impl<D: Decider> When<D> {
    /// The actor has this role in the space.
    #[expect(clippy::wrong_self_convention, reason = "it reads: when Bob, as moderator")]
    pub(crate) fn as_role(mut self, role: Role) -> Self {
        self.context.space_role = Some(role);
        self
    }

    /// The person the command is about has this role in the space.
    pub(crate) fn subject_role(mut self, role: Role) -> Self {
        self.context.subject_space_role = Some(role);
        self
    }

    /// The actor has this role over the whole service, and says so.
    pub(crate) fn acting_as(mut self, role: ServiceRole) -> Self {
        self.context.acting_as = Some(role);
        self
    }

    /// The actor is muted in the space.
    pub(crate) fn muted(mut self) -> Self {
        self.context.muted = true;
        self
    }

    /// The moment is this long after noon.
    pub(crate) fn later(mut self, by: chrono::TimeDelta) -> Self {
        self.context.now = NOON + by;
        self
    }

    /// One of the two people has blocked the other.
    pub(crate) fn with_a_block_between(mut self) -> Self {
        self.context.blocked = true;
        self
    }

    /// The space is archived.
    pub(crate) fn in_an_archived_space(mut self) -> Self {
        self.context.space_archived = true;
        self
    }

    /// The same command under another key is meant to do it again; `reason` is for the reader.
    pub(crate) fn repeatable(mut self, reason: &'static str) -> Self {
        assert!(!reason.is_empty());
        self.repeatable = true;
        self
    }

    pub(crate) fn rejected(self, expected: D::Rejection) {
        assert_eq!(D::decide(&self.given.state, self.command, &self.context), Err(expected));
    }

    pub(crate) fn then(mut self, expected: impl IntoIterator<Item = D::Event>) {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(self.decide(), Ok(expected.clone()));
        let revision = self.given.count;
        for (index, event) in expected.iter().enumerate() {
            self.given.append(self.context.actor, new_event(index as u128), event);
            survives_storage(event);
        }
        self.a_retry_is_recognised(revision, &expected);
        self.another_try_changes_nothing();
    }

    fn decide(&self) -> Result<Vec<D::Event>, D::Rejection> {
        D::decide(&self.given.state, self.command.clone(), &self.context)
    }

    /// By its event id, or because deciding it again leads to nothing.
    fn a_retry_is_recognised(&self, revision: u64, events: &[D::Event]) {
        let seen = D::seen(&self.given.state, self.context.event_id);
        match seen {
            Some(at) => assert_eq!(at, revision, "a retry is answered with another event's place"),
            None => assert_eq!(self.decide(), Ok(vec![]), "a retry would be carried out again"),
        }
        assert!(
            seen.is_none() || !events.is_empty(),
            "an event id is known though nothing happened"
        );
    }

    fn another_try_changes_nothing(mut self) {
        self.context.event_id = OTHER_KEY;
        let again = self.decide().unwrap_or_default();
        assert_eq!(again.is_empty(), !self.repeatable, "the second try led to {again:?}");
    }
}

fn survives_storage<E: Coded + PartialEq + std::fmt::Debug>(event: &E) {
    let stored = E::decode(event.kind(), event.version(), &event.encode());
    assert_eq!(stored.as_ref(), Ok(event));
}
