//! The rules of people, as sentences.

use super::*;
use crate::given::*;

const LAPTOP: SessionId = SessionId::from_u128(0x1a9);

fn handle(text: &str) -> Handle {
    Handle::parse(text).expect("a valid handle")
}

fn named(text: &str) -> DisplayName {
    DisplayName::parse(text).expect("a valid name")
}

fn register(text: &str) -> Command {
    Command::Register {
        handle: handle(text),
        display_name: named("Alice"),
    }
}

fn registered() -> Event {
    Event::Registered(Registered {
        handle: handle("alice"),
        display_name: named("Alice"),
    })
}

fn call_me(text: &str) -> Command {
    Command::ChangeProfile {
        display_name: named(text),
    }
}

fn called(text: &str) -> Event {
    Event::ProfileChanged(ProfileChanged {
        display_name: named(text),
    })
}

fn start_session() -> Command {
    Command::StartSession {
        session: LAPTOP,
        device: Some("laptop".to_owned()),
    }
}

fn session_started() -> Event {
    Event::SessionStarted(SessionStarted {
        session: LAPTOP,
        device: Some("laptop".to_owned()),
    })
}

fn grant() -> Command {
    Command::GrantRole {
        role: ServiceRole::Auditor,
    }
}

fn granted() -> Event {
    Event::RoleGranted(RoleGranted {
        role: ServiceRole::Auditor,
    })
}

const EACH_SIGN_IN: &str = "each sign-in is a session of its own";

#[test]
fn a_person_registers_once() {
    nothing::<User>().when(ALICE, register("alice")).then([registered()]);
    given::<User>([(ALICE, registered())])
        .when(ALICE, register("alice"))
        .then([]);
    given::<User>([(ALICE, registered())])
        .when(ALICE, register("alicia"))
        .rejected(Rejection::AlreadyRegistered);
}

#[test]
fn nobody_registers_as_someone_else() {
    given::<User>([(ALICE, registered())])
        .when(BOB, register("alice"))
        .rejected(Rejection::AlreadyRegistered);
}

#[test]
fn nothing_is_known_of_a_person_who_never_registered() {
    for command in [call_me("Al"), start_session(), grant()] {
        for actor in [Actor::User(ALICE), Actor::System] {
            nothing::<User>()
                .when(actor, command.clone())
                .rejected(Rejection::NotFound);
        }
    }
}

#[test]
fn a_person_changes_their_own_name() {
    given::<User>([(ALICE, registered())])
        .when(ALICE, call_me("Al"))
        .then([called("Al")]);
    given::<User>([(ALICE, registered())])
        .when(ALICE, call_me("Alice"))
        .then([]);
}

#[test]
fn nobody_acts_for_someone_else() {
    for command in [call_me("Mallory"), start_session()] {
        given::<User>([(ALICE, registered())])
            .when(BOB, command)
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn a_person_starts_sessions() {
    given::<User>([(ALICE, registered())])
        .when(ALICE, start_session())
        .repeatable(EACH_SIGN_IN)
        .then([session_started()]);
}

#[test]
fn a_device_without_a_proper_name_signs_in_all_the_same() {
    let endless = "x".repeat(65);
    for (device, recorded) in [
        (" laptop ", Some("laptop")),
        ("", None),
        ("two\nlines", None),
        (&endless, None),
    ] {
        let recorded = SessionStarted {
            session: LAPTOP,
            device: recorded.map(str::to_owned),
        };
        given::<User>([(ALICE, registered())])
            .when(
                ALICE,
                Command::StartSession {
                    session: LAPTOP,
                    device: Some(device.to_owned()),
                },
            )
            .repeatable(EACH_SIGN_IN)
            .then([Event::SessionStarted(recorded)]);
    }
}

#[test]
fn the_service_registers_and_signs_in_on_behalf_of_people() {
    nothing::<User>()
        .when(Actor::System, register("alice"))
        .then([registered()]);
    given::<User>([(Actor::System, registered())])
        .when(ALICE, call_me("Al"))
        .then([called("Al")]);
    given::<User>([(ALICE, registered())])
        .when(Actor::System, start_session())
        .repeatable(EACH_SIGN_IN)
        .then([session_started()]);
}

#[test]
fn service_roles_are_given_at_the_console_only() {
    given::<User>([(ALICE, registered())])
        .when(Actor::System, grant())
        .then([granted()]);
    for actor in [ALICE, BOB] {
        given::<User>([(ALICE, registered())])
            .when(actor, grant())
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn granting_a_role_twice_is_not_an_error() {
    given::<User>([(ALICE, registered()), (ALICE, granted())])
        .when(Actor::System, grant())
        .then([]);
}

#[test]
fn the_state_is_what_the_log_tells() {
    let past = [registered(), called("Al"), session_started(), granted(), granted()];
    let state = given::<User>(past.map(|event| (ALICE, event))).state;
    let account = state.account().expect("registered");
    assert_eq!(account.handle, handle("alice"));
    assert_eq!(account.display_name, named("Al"));
    assert_eq!(account.roles, [ServiceRole::Auditor]);
    assert_eq!(User::seen(&state, event_at(5)), Some(4));
    assert_eq!(User::seen(&state, event_at(6)), None);
}

#[test]
fn odd_events_do_not_break_the_fold() {
    let unregistered = given::<User>([(ALICE, called("Al")), (ALICE, granted())]).state;
    assert!(unregistered.account().is_none());
    assert_eq!(User::weight(&unregistered), 0);
    let other = Event::Registered(Registered {
        handle: handle("bob"),
        display_name: named("Bob"),
    });
    let twice = given::<User>([(ALICE, registered()), (BOB, other)]).state;
    assert_eq!(
        twice.account().map(|account| account.handle.clone()),
        Some(handle("alice"))
    );
}

#[test]
fn snapshots_come_back_whole_from_either_form() {
    let state = given::<User>([registered(), session_started(), granted()].map(|event| (ALICE, event))).state;
    let packed: State = rmp_serde::from_slice(&rmp_serde::to_vec(&state).expect("packs")).expect("unpacks");
    let read: State = serde_json::from_str(&serde_json::to_string(&state).expect("writes")).expect("reads");
    let whole = serde_json::to_value(&state).expect("a value");
    for copy in [packed, read] {
        assert_eq!(serde_json::to_value(&copy).expect("a value"), whole);
        assert_eq!(User::seen(&copy, event_at(2)), Some(1));
    }
    assert!(User::weight(&state) > 0);
}
