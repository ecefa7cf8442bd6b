//! The rules of reports, as sentences.

use super::*;
use crate::given::*;

const SPACE: SpaceId = SpaceId::from_u128(0x5face);
const CHANNEL: ChannelId = ChannelId::from_u128(0xc);

/// A message of Bob's in a space.
fn words_of_bob() -> Target {
    Target {
        space: Some(SPACE),
        channel: CHANNEL,
        user: BOB,
        message: Some(Snapshot {
            message: MessageId::from_u128(0x3e55),
            seq: 4,
            event: EventId::from_u128(0x3e55),
            version: 1,
            sha256: "00".repeat(32),
        }),
    }
}

/// Bob in a conversation outside of every space.
fn bob_in_a_group() -> Target {
    Target {
        space: None,
        message: None,
        ..words_of_bob()
    }
}

fn reason() -> Reason {
    Reason::parse("sells things").expect("valid")
}

fn opened(target: Target) -> Event {
    Event::Opened(Opened {
        target,
        reason: reason(),
    })
}

fn open(target: Target) -> Command {
    Command::Open {
        target,
        reason: reason(),
    }
}

fn resolve(action: Action) -> Command {
    resolve_until(action, None)
}

fn resolve_until(action: Action, until: Option<DateTime<Utc>>) -> Command {
    Command::Resolve {
        action,
        until,
        reason: reason(),
        deed: None,
    }
}

fn resolved(action: Action, target: Target) -> Event {
    Event::Resolved(Resolved {
        action,
        until: None,
        reason: reason(),
        target,
        deed: None,
    })
}

fn undone(action: Action, target: Target) -> Event {
    Event::Undone(Undone {
        action,
        reason: reason(),
        target,
    })
}

fn undo() -> Command {
    Command::Undo { reason: reason() }
}

#[test]
fn people_report_others_and_a_second_report_of_the_same_is_already_so() {
    nothing::<Report>()
        .when(ALICE, open(words_of_bob()))
        .then([opened(words_of_bob())]);
}

#[test]
fn nobody_reports_themselves_and_the_service_reports_nobody() {
    nothing::<Report>()
        .when(BOB, open(words_of_bob()))
        .rejected(Rejection::OwnDoing);
    nothing::<Report>()
        .when(Actor::System, open(words_of_bob()))
        .rejected(Rejection::NotFound);
}

#[test]
fn moderators_of_the_space_decide() {
    for role in [SpaceRole::Moderator, SpaceRole::Admin, SpaceRole::Owner] {
        for action in [Action::None, Action::RemoveMessage, Action::Remove, Action::Ban] {
            given::<Report>([(ALICE, opened(words_of_bob()))])
                .when(CAROL, resolve(action))
                .as_role(role)
                .then([resolved(action, words_of_bob())]);
        }
    }
}

#[test]
fn to_everyone_else_there_is_no_report_to_decide_on() {
    for (actor, role) in [
        (ALICE, Some(SpaceRole::Member)),
        (CAROL, Some(SpaceRole::Guest)),
        (DAVE, None),
    ] {
        for command in [resolve(Action::None), undo()] {
            let when = given::<Report>([(ALICE, opened(words_of_bob()))]).when(actor, command);
            let when = match role {
                Some(role) => when.as_role(role),
                None => when,
            };
            when.rejected(Rejection::NotFound);
        }
    }
}

#[test]
fn nobody_decides_about_themselves_whatever_their_rank() {
    given::<Report>([(ALICE, opened(words_of_bob()))])
        .when(BOB, resolve(Action::None))
        .as_role(SpaceRole::Owner)
        .rejected(Rejection::NotFound);
    given::<Report>([(ALICE, opened(bob_in_a_group()))])
        .when(BOB, resolve(Action::None))
        .acting_as(ServiceRole::Operator)
        .rejected(Rejection::NotFound);
}

#[test]
fn what_happens_in_a_space_is_its_moderators_business_and_no_operators() {
    for command in [resolve(Action::None), undo()] {
        given::<Report>([(ALICE, opened(words_of_bob()))])
            .when(DAVE, command)
            .acting_as(ServiceRole::Operator)
            .rejected(Rejection::NotFound);
    }
}

#[test]
fn outside_of_spaces_operators_decide_and_a_role_in_some_space_does_not_count() {
    given::<Report>([(ALICE, opened(bob_in_a_group()))])
        .when(DAVE, resolve(Action::Remove))
        .acting_as(ServiceRole::Operator)
        .then([resolved(Action::Remove, bob_in_a_group())]);
    given::<Report>([(ALICE, opened(bob_in_a_group()))])
        .when(DAVE, resolve(Action::Remove))
        .as_role(SpaceRole::Owner)
        .rejected(Rejection::NotFound);
    given::<Report>([(ALICE, opened(bob_in_a_group()))])
        .when(DAVE, resolve(Action::Remove))
        .acting_as(ServiceRole::Auditor)
        .rejected(Rejection::NotFound);
}

#[test]
fn an_action_must_fit_what_was_reported() {
    for action in [Action::RemoveMessage, Action::Mute, Action::Ban] {
        given::<Report>([(ALICE, opened(bob_in_a_group()))])
            .when(DAVE, resolve_until(action, None))
            .acting_as(ServiceRole::Operator)
            .rejected(Rejection::NotApplicable);
    }
    for (action, until) in [
        (Action::Mute, None),
        (Action::Remove, Some(NOON)),
        (Action::None, Some(NOON)),
    ] {
        given::<Report>([(ALICE, opened(words_of_bob()))])
            .when(CAROL, resolve_until(action, until))
            .as_role(SpaceRole::Moderator)
            .rejected(Rejection::WrongUntil);
    }
}

#[test]
fn what_is_decided_is_decided_once() {
    let past = || {
        [
            (ALICE, opened(words_of_bob())),
            (CAROL, resolved(Action::Ban, words_of_bob())),
        ]
    };
    given::<Report>(past())
        .when(DAVE, resolve(Action::None))
        .as_role(SpaceRole::Admin)
        .rejected(Rejection::Decided);
    given::<Report>(past())
        .when(DAVE, resolve(Action::Ban))
        .as_role(SpaceRole::Admin)
        .then([]);
}

#[test]
fn a_decision_is_taken_back_once_and_not_before_it_was_made() {
    given::<Report>([
        (ALICE, opened(words_of_bob())),
        (CAROL, resolved(Action::RemoveMessage, words_of_bob())),
    ])
    .when(DAVE, undo())
    .as_role(SpaceRole::Moderator)
    .then([undone(Action::RemoveMessage, words_of_bob())]);
    given::<Report>([(ALICE, opened(words_of_bob()))])
        .when(DAVE, undo())
        .as_role(SpaceRole::Moderator)
        .rejected(Rejection::Undecided);
    given::<Report>([
        (ALICE, opened(words_of_bob())),
        (CAROL, resolved(Action::None, words_of_bob())),
        (CAROL, undone(Action::None, words_of_bob())),
    ])
    .when(CAROL, resolve(Action::Ban))
    .as_role(SpaceRole::Moderator)
    .rejected(Rejection::UndoneAlready);
}

#[test]
fn what_was_decided_can_be_reported_again() {
    let past = || {
        [
            (ALICE, opened(words_of_bob())),
            (CAROL, resolved(Action::None, words_of_bob())),
        ]
    };
    given::<Report>(past())
        .when(ALICE, open(words_of_bob()))
        .then([opened(words_of_bob())]);
    let mut state = given::<Report>(past()).state;
    assert_eq!(state.made().expect("made").round, 1);
    let meta = Meta {
        id: event_at(3),
        revision: 2,
        actor: ALICE.into(),
        at: NOON,
    };
    Report::evolve(&mut state, &opened(words_of_bob()), &meta);
    let made = state.made().expect("made");
    assert_eq!((made.round, &made.status), (2, &Status::Open));
}

#[test]
fn the_same_thing_has_the_same_id_for_each_reporter() {
    let (one, other) = (MessageId::from_u128(1), MessageId::from_u128(2));
    assert_eq!(id(ALICE, CHANNEL, one.uuid()), id(ALICE, CHANNEL, one.uuid()));
    assert_ne!(id(ALICE, CHANNEL, one.uuid()), id(ALICE, CHANNEL, other.uuid()));
    assert_ne!(id(ALICE, CHANNEL, one.uuid()), id(CAROL, CHANNEL, one.uuid()));
    assert_ne!(id(ALICE, CHANNEL, one.uuid()), id(ALICE, CHANNEL, BOB.uuid()));
}
