//! Random conversations: whatever several people try in whatever order, each accepted event was somebody's right, and the state is
//! what its log tells. The witness below keeps its own books, more simply than the rules do.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{
    Actor, Context, Decider, EventId, Meta,
    channel::{Open, State},
    space::Role as SpaceRole,
};

mod witness;

use witness::Witness;

const PEOPLE: [UserId; 4] = [ALICE, BOB, CAROL, DAVE];

/// One step of a conversation. What `pick` points at is settled when its turn comes.
#[derive(Debug, Clone)]
enum Step {
    SpaceRole { user: usize, role: Option<SpaceRole> },
    ArchiveSpace,
    Try { actor: Option<usize>, what: What },
    Restore,
}

#[derive(Debug, Clone)]
enum What {
    Say {
        reply: Option<usize>,
        thread: Option<usize>,
        mentions: Vec<usize>,
    },
    Edit {
        pick: usize,
        expected: Option<u16>,
    },
    Delete {
        pick: usize,
        expected: Option<u16>,
    },
    Restore {
        pick: usize,
    },
    React {
        pick: usize,
        take_back: bool,
    },
    Vote {
        pick: usize,
        vote: Option<Vote>,
    },
    Pin {
        pick: usize,
        take_back: bool,
    },
    Join,
    Leave,
    Add(usize),
    Remove(usize),
    Update {
        private: Option<bool>,
        history: Option<History>,
    },
    Archive,
}

fn person() -> impl Strategy<Value = usize> {
    0..PEOPLE.len()
}

fn space_role() -> impl Strategy<Value = Option<SpaceRole>> {
    use SpaceRole::*;
    prop_oneof![
        Just(None),
        Just(Some(Guest)),
        Just(Some(Member)),
        Just(Some(Moderator)),
        Just(Some(Admin)),
        Just(Some(Owner))
    ]
}

fn what() -> impl Strategy<Value = What> {
    let pick = || 0..40usize;
    let expected = || proptest::option::of(1..3u16);
    let history = || proptest::option::of(prop_oneof![Just(History::All), Just(History::SinceJoin)]);
    prop_oneof![
        9 => (
            proptest::option::weighted(0.3, pick()),
            proptest::option::weighted(0.2, pick()), proptest::collection::vec(person(), 0..3))
            .prop_map(|(reply, thread, mentions)| What::Say { reply, thread, mentions }),
        6 => (pick(), any::<bool>()).prop_map(|(pick, take_back)| What::React { pick, take_back }),
        6 => (pick(), proptest::option::of(prop_oneof![Just(Vote::Up), Just(Vote::Down)]))
            .prop_map(|(pick, vote)| What::Vote { pick, vote }),
        6 => (pick(), any::<bool>()).prop_map(|(pick, take_back)| What::Pin { pick, take_back }),
        4 => (pick(), expected()).prop_map(|(pick, expected)| What::Edit { pick, expected }),
        3 => (pick(), expected()).prop_map(|(pick, expected)| What::Delete { pick, expected }),
        4 => pick().prop_map(|pick| What::Restore { pick }),
        3 => Just(What::Join),
        2 => Just(What::Leave),
        4 => person().prop_map(What::Add),
        2 => person().prop_map(What::Remove),
        1 => (proptest::option::of(any::<bool>()), history()).prop_map(|(private, history)| What::Update { private, history }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (person(), space_role()).prop_map(|(user, role)| Step::SpaceRole { user, role }),
        20 => (person(), what()).prop_map(|(actor, what)| Step::Try { actor: Some(actor), what }),
        1 => what().prop_map(|what| Step::Try { actor: None, what }),
        1 => Just(Step::Restore),
    ]
}

/// Archiving ends the conversation, so it comes once, late, or never.
fn conversation() -> impl Strategy<Value = (usize, Vec<Step>)> {
    let archive_channel = Step::Try {
        actor: None,
        what: What::Archive,
    };
    let archive = proptest::option::of(prop_oneof![2 => Just(archive_channel), 1 => Just(Step::ArchiveSpace)]);
    let steps = (
        proptest::collection::vec(step(), 1..80),
        archive,
        proptest::collection::vec(step(), 0..8),
    );
    (0..5usize, steps).prop_map(|(kind, (mut steps, archive, after))| {
        steps.extend(archive);
        steps.extend(after);
        (kind, steps)
    })
}

fn beginning(kind: usize) -> Past {
    [text_channel, private_channel, group, direct, forum][kind]()
}

/// The channel under test beside its log, the roles in the space, and the witness.
struct Run {
    state: State,
    log: Vec<(Event, Meta)>,
    space: BTreeMap<UserId, SpaceRole>,
    space_archived: bool,
    witness: Witness,
}

impl Run {
    fn start(kind: usize) -> Self {
        let space = BTreeMap::from([(ALICE, SpaceRole::Admin), (BOB, SpaceRole::Member)]);
        let mut run = Self {
            state: State::default(),
            log: vec![],
            space,
            space_archived: false,
            witness: Witness::default(),
        };
        for (actor, event) in beginning(kind) {
            run.append(actor.into(), event_at(run.log.len() as u64 + 1), event);
        }
        run
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::SpaceRole { user, role: Some(role) } => drop(self.space.insert(PEOPLE[user], role)),
            Step::SpaceRole { user, role: None } => drop(self.space.remove(&PEOPLE[user])),
            Step::ArchiveSpace => self.space_archived = true,
            Step::Try { actor, what } => self.attempt(actor.map_or(Actor::System, |user| PEOPLE[user].into()), what),
            Step::Restore => self.state = restored(&self.state),
        }
    }

    fn attempt(&mut self, actor: Actor, what: What) {
        let command = self.command(actor, what);
        let context = self.context(actor, command.subject());
        let before = self.log.len();
        let answer = Channel::decide(&self.state, command.clone(), &context);
        let from_snapshot = Channel::decide(&restored(&self.state), command.clone(), &context);
        assert_eq!(answer, from_snapshot, "a snapshot decides {command:?} differently");
        let Ok(events) = answer else { return };
        for event in &events {
            self.witness.allows(event, &context, &self.space);
            self.append(actor, self.next_id(), event.clone());
        }
        if !events.is_empty() {
            assert_eq!(
                Channel::seen(&self.state, context.event_id),
                Some(before as u64),
                "a retry of {command:?}"
            );
        }
    }

    /// Each event's id is that of its place, whoever caused it: as good as any, and easy to point at.
    fn next_id(&self) -> EventId {
        event_at(self.log.len() as u64 + 1)
    }

    fn context(&self, actor: Actor, subject: Option<UserId>) -> Context {
        let role = |user: Option<UserId>| {
            user.and_then(|user| self.space.get(&user).copied())
                .filter(|_| self.witness.in_space)
        };
        Context {
            actor,
            acting_as: None,
            now: NOON,
            event_id: self.next_id(),
            space_role: role(actor.user()),
            subject_space_role: role(subject),
            subject_banned: false,
            space_archived: self.space_archived && self.witness.in_space,
            muted: false,
            blocked: false,
        }
    }

    fn command(&self, actor: Actor, what: What) -> Command {
        let at = |pick: usize| self.pick(pick);
        let own = |given: &mut dyn Iterator<Item = (MessageId, uuid::Uuid)>| {
            let own = given.filter(|(_, by)| *by == actor.uuid());
            own.map(|(message, _)| message).collect::<Vec<_>>().into_iter()
        };
        match what {
            What::Say {
                reply,
                thread,
                mentions,
            } => Command::Send {
                body: body("hello"),
                reply_to: reply.map(at),
                thread: thread.map(at),
                mentions: mentions.into_iter().map(|user| PEOPLE[user]).collect(),
            },
            What::Edit { pick, expected } => Command::Edit {
                message: at(pick),
                body: body("better"),
                mentions: vec![],
                expected_version: expected,
            },
            What::Delete { pick, expected } => Command::Delete {
                message: at(pick),
                expected_version: expected,
                reason: None,
            },
            What::Restore { pick } => Command::Restore {
                message: self.pick_gone(pick),
                reason: reason(),
                taken_by: None,
                words: self
                    .witness
                    .messages
                    .get(&self.pick_gone(pick))
                    .map(|written| LastWords {
                        version: written.version,
                        body: body("hello"),
                        mentions: vec![],
                    }),
            },
            What::React { pick, take_back: false } => Command::React {
                message: at(pick),
                emoji: emoji(),
            },
            What::React { pick, take_back: true } => Command::Unreact {
                message: self.pick_of(own(&mut self.witness.reacted.iter().copied()), pick),
                emoji: emoji(),
            },
            What::Vote { pick, vote: None } => Command::Vote {
                message: self.pick_of(own(&mut self.witness.votes.keys().copied()), pick),
                vote: None,
            },
            What::Vote { pick, vote } => Command::Vote {
                message: at(pick),
                vote,
            },
            What::Pin { pick, take_back: false } => Command::Pin { message: at(pick) },
            What::Pin { pick, take_back: true } => Command::Unpin {
                message: self.pick_of(self.witness.pinned.iter().copied(), pick),
            },
            What::Join => Command::Join,
            What::Leave => Command::Leave,
            What::Add(user) => Command::AddMember { user: PEOPLE[user] },
            What::Remove(user) => Command::RemoveMember {
                user: PEOPLE[user],
                reason: None,
            },
            What::Update { private, history } => Command::Update {
                name: None,
                private,
                history,
                slow_mode_s: None,
            },
            What::Archive => Command::Archive,
        }
    }

    /// Mostly a message, sometimes any other event, which is none, or one still to come.
    fn pick(&self, pick: usize) -> MessageId {
        match self.witness.messages.len() {
            sent if sent > 0 && !pick.is_multiple_of(5) => {
                let nth = self.witness.messages.keys().nth(pick % sent);
                *nth.expect("within the count")
            }
            _ => message(1 + (pick % (self.log.len() + 1)) as u64),
        }
    }

    /// One of these, if there are any.
    fn pick_of(&self, of: impl Iterator<Item = MessageId>, pick: usize) -> MessageId {
        let of: Vec<_> = of.collect();
        of.get(pick % of.len().max(1))
            .copied()
            .unwrap_or_else(|| self.pick(pick))
    }

    /// One that is deleted, if there is one.
    fn pick_gone(&self, pick: usize) -> MessageId {
        let gone: Vec<_> = self
            .witness
            .messages
            .iter()
            .filter(|(_, written)| written.deleted)
            .collect();
        gone.get(pick % gone.len().max(1))
            .map_or_else(|| self.pick(pick), |(id, _)| **id)
    }

    fn append(&mut self, actor: Actor, id: EventId, event: Event) {
        let meta = Meta {
            id,
            revision: self.log.len() as u64,
            actor,
            at: NOON,
        };
        Channel::evolve(&mut self.state, &event, &meta);
        self.witness.saw(&event, &meta);
        self.log.push((event, meta));
    }

    fn open(&self) -> &Open {
        self.state.open().expect("every conversation begins with its creation")
    }

    fn the_state_is_what_the_log_tells(&self) {
        let mut cold = State::default();
        for (event, meta) in &self.log {
            Channel::evolve(&mut cold, event, meta);
        }
        assert_eq!(value(&cold), value(&self.state));
        assert_eq!(self.open().top, self.log.len() as u64);
        for (place, (_, meta)) in self.log.iter().enumerate() {
            assert_eq!(Channel::seen(&self.state, meta.id), Some(place as u64));
        }
        assert_eq!(Channel::seen(&self.state, self.next_id()), None);
        let members: BTreeSet<_> = self.open().members().map(|(user, _)| user).collect();
        assert_eq!(members, self.witness.members.keys().copied().collect());
        assert_eq!(self.open().members_count(), self.open().members().count());
        for id in self.witness.messages.keys() {
            assert_eq!(self.open().is_pinned(*id), self.witness.pinned.contains(id));
        }
    }
}

fn value(state: &State) -> serde_json::Value {
    serde_json::to_value(state).expect("a value")
}

/// A copy that went through the snapshot's form.
fn restored(state: &State) -> State {
    rmp_serde::from_slice(&rmp_serde::to_vec(state).expect("packs")).expect("unpacks")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_try_every_accepted_event_was_their_right_and_the_state_is_what_the_log_tells(
        (kind, steps) in conversation()
    ) {
        let mut run = Run::start(kind);
        for step in steps {
            run.take(step);
        }
        run.the_state_is_what_the_log_tells();
    }
}

/// Were nearly all tries refused, the property above would say little.
#[test]
fn random_conversations_get_somewhere() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut kinds = BTreeMap::<&str, usize>::new();
    for _ in 0..700 {
        let (kind, steps) = conversation().new_tree(&mut runner).expect("a conversation").current();
        let mut run = Run::start(kind);
        let begun = run.log.len();
        steps.into_iter().for_each(|step| run.take(step));
        for (event, _) in &run.log[begun..] {
            *kinds.entry(crate::Coded::kind(event)).or_default() += 1;
        }
    }
    assert_eq!(
        kinds.len(),
        <Event as crate::Coded>::KINDS.len() - 1,
        "all but the creation: {kinds:?}"
    );
    assert!(kinds.values().all(|count| *count >= 5), "{kinds:?}");
}
