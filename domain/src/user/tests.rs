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
    for actor in [ALICE, BOB] {
        given::<User>([(Actor::System, registered())])
            .when(actor, call_me("Al"))
            .rejected(Rejection::Forbidden);
    }
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

const PHONE: SessionId = SessionId::from_u128(0x1b0);

fn reason() -> Reason {
    Reason::parse("floods every channel").expect("a reason")
}

fn start(session: SessionId) -> Event {
    Event::SessionStarted(SessionStarted { session, device: None })
}

fn logout(session: SessionId) -> Command {
    let why = Revocation::Logout;
    Command::RevokeSession { session, why }
}

fn ended(sessions: &[SessionId], why: Revocation) -> Event {
    let sessions = sessions.to_vec();
    Event::SessionsRevoked(SessionsRevoked { sessions, why })
}

fn two_sessions() -> [(UserId, Event); 3] {
    [(ALICE, registered()), (ALICE, start(LAPTOP)), (ALICE, start(PHONE))]
}

fn suspend(until: Option<DateTime<Utc>>) -> Command {
    let reason = reason();
    Command::Suspend { until, reason }
}

fn suspended(until: Option<DateTime<Utc>>) -> Event {
    let reason = reason();
    Event::Suspended(Suspended { until, reason })
}

#[test]
fn a_person_ends_a_session_of_theirs() {
    let ended = Event::SessionRevoked(SessionRevoked {
        session: LAPTOP,
        why: Revocation::Logout,
    });
    given::<User>(two_sessions()).when(ALICE, logout(LAPTOP)).then([ended]);
    given::<User>(two_sessions())
        .when(BOB, logout(LAPTOP))
        .rejected(Rejection::Forbidden);
    given::<User>(two_sessions())
        .when(ALICE, logout(SessionId::from_u128(7)))
        .rejected(Rejection::NoSuchSession);
}

#[test]
fn a_person_ends_all_sessions_but_the_one_they_are_in() {
    let why = Revocation::PasswordChanged;
    let others = Command::RevokeSessions {
        except: Some(PHONE),
        why,
    };
    given::<User>(two_sessions())
        .when(ALICE, others.clone())
        .then([ended(&[LAPTOP], why)]);
    given::<User>(two_sessions())
        .when(BOB, others)
        .rejected(Rejection::Forbidden);
    let all = Command::RevokeSessions { except: None, why };
    given::<User>(two_sessions())
        .when(ALICE, all.clone())
        .then([ended(&[LAPTOP, PHONE], why)]);
    given::<User>([(ALICE, registered())]).when(ALICE, all).then([]);
}

#[test]
fn the_oldest_session_makes_room() {
    let id = |number: usize| SessionId::from_u128(number as u128 + 1);
    let mut past = vec![(ALICE, registered())];
    past.extend((0..limits::SESSIONS_MAX).map(|number| (ALICE, start(id(number)))));
    let crowded = Event::SessionRevoked(SessionRevoked {
        session: id(0),
        why: Revocation::Crowded,
    });
    given::<User>(past)
        .when(ALICE, start_session())
        .repeatable(EACH_SIGN_IN)
        .then([session_started(), crowded]);
}

#[test]
fn operators_suspend_and_reinstate() {
    for actor in [Actor::System, Actor::User(BOB)] {
        given::<User>(two_sessions())
            .when(actor, suspend(None))
            .acting_as(ServiceRole::Operator)
            .then([suspended(None), ended(&[LAPTOP, PHONE], Revocation::Suspended)]);
        let reinstate = Command::Reinstate { reason: reason() };
        given::<User>([(ALICE, registered()), (BOB, suspended(None))])
            .when(actor, reinstate.clone())
            .acting_as(ServiceRole::Operator)
            .then([Event::Reinstated(Reinstated { reason: reason() })]);
        given::<User>([(ALICE, registered())])
            .when(actor, reinstate)
            .acting_as(ServiceRole::Operator)
            .then([]);
    }
}

#[test]
fn nobody_else_suspends_anyone() {
    for actor in [ALICE, BOB] {
        given::<User>([(ALICE, registered())])
            .when(actor, suspend(None))
            .rejected(Rejection::Forbidden);
        given::<User>([(ALICE, registered())])
            .when(actor, suspend(None))
            .acting_as(ServiceRole::Auditor)
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn operators_are_suspended_at_the_console_only() {
    let operator = Event::RoleGranted(RoleGranted {
        role: ServiceRole::Operator,
    });
    let past = [(ALICE, registered()), (ALICE, operator)];
    given::<User>(past.clone())
        .when(BOB, suspend(None))
        .acting_as(ServiceRole::Operator)
        .rejected(Rejection::Forbidden);
    given::<User>(past)
        .when(Actor::System, suspend(None))
        .then([suspended(None)]);
}

#[test]
fn a_suspended_person_starts_no_session_until_it_is_over() {
    let until = NOON + chrono::TimeDelta::hours(1);
    let past = [(ALICE, registered()), (BOB, suspended(Some(until)))];
    given::<User>(past.clone())
        .when(ALICE, start_session())
        .rejected(Rejection::Suspended);
    given::<User>(past)
        .when(ALICE, start_session())
        .later(chrono::TimeDelta::hours(1))
        .repeatable(EACH_SIGN_IN)
        .then([session_started()]);
}

#[test]
fn people_block_each_other_but_not_themselves() {
    let block = Command::Block { user: BOB };
    let blocked = Event::Blocked(Blocked { user: BOB });
    given::<User>([(ALICE, registered())])
        .when(ALICE, block.clone())
        .then([blocked.clone()]);
    given::<User>([(ALICE, registered())])
        .when(CAROL, block.clone())
        .rejected(Rejection::Forbidden);
    given::<User>([(BOB, registered())])
        .when(BOB, block)
        .rejected(Rejection::BlockSelf);
    let unblock = Command::Unblock { user: BOB };
    given::<User>([(ALICE, registered()), (ALICE, blocked)])
        .when(ALICE, unblock.clone())
        .then([Event::Unblocked(Unblocked { user: BOB })]);
    given::<User>([(ALICE, registered())]).when(ALICE, unblock).then([]);
}

#[test]
fn nobody_blocks_without_end() {
    let block = |number| Event::Blocked(Blocked { user: someone(number) });
    let mut past = vec![(ALICE, registered())];
    past.extend((0..limits::BLOCKED_MAX).map(|number| (ALICE, block(number))));
    given::<User>(past)
        .when(ALICE, Command::Block { user: BOB })
        .rejected(Rejection::TooManyBlocked {
            max: limits::BLOCKED_MAX,
        });
}

#[test]
fn roles_are_taken_back_at_the_console_only() {
    let take_back = Command::RevokeRole {
        role: ServiceRole::Auditor,
    };
    given::<User>([(ALICE, registered()), (ALICE, granted())])
        .when(Actor::System, take_back.clone())
        .then([Event::RoleRevoked(RoleRevoked {
            role: ServiceRole::Auditor,
        })]);
    given::<User>([(ALICE, registered())])
        .when(Actor::System, take_back.clone())
        .then([]);
    given::<User>([(ALICE, registered()), (ALICE, granted())])
        .when(BOB, take_back)
        .acting_as(ServiceRole::Operator)
        .rejected(Rejection::Forbidden);
}

#[test]
fn an_identity_is_proved_removed_and_lapses_which_only_the_service_says() {
    let did = || DidWeb::parse("did:web:example.org").expect("an identity");
    let proved = || Event::IdentityProved(IdentityProved { did: did() });
    given::<User>([(ALICE, registered())])
        .when(ALICE, Command::ProveIdentity { did: did() })
        .then([proved()]);
    given::<User>([(ALICE, registered())])
        .when(BOB, Command::ProveIdentity { did: did() })
        .rejected(Rejection::Forbidden);
    let past = [(ALICE, registered()), (ALICE, proved())];
    given::<User>(past.clone())
        .when(ALICE, Command::RemoveIdentity { did: did() })
        .then([Event::IdentityRemoved(IdentityRemoved { did: did() })]);
    given::<User>(past.clone())
        .when(Actor::System, Command::LapseIdentity { did: did() })
        .then([Event::IdentityLapsed(IdentityLapsed { did: did() })]);
    for actor in [ALICE, BOB] {
        given::<User>(past.clone())
            .when(actor, Command::LapseIdentity { did: did() })
            .rejected(Rejection::Forbidden);
    }
    for command in [
        Command::RemoveIdentity { did: did() },
        Command::LapseIdentity { did: did() },
    ] {
        given::<User>([(ALICE, registered())])
            .when(Actor::System, command)
            .then([]);
    }
}

#[test]
fn nobody_proves_identities_without_end() {
    let did = |number| DidWeb::parse(&format!("did:web:example.org:{number}")).expect("an identity");
    let mut past = vec![(ALICE, registered())];
    past.extend(
        (0..limits::IDENTITIES_MAX).map(|number| (ALICE, Event::IdentityProved(IdentityProved { did: did(number) }))),
    );
    given::<User>(past)
        .when(
            ALICE,
            Command::ProveIdentity {
                did: did(limits::IDENTITIES_MAX),
            },
        )
        .rejected(Rejection::TooManyIdentities {
            max: limits::IDENTITIES_MAX,
        });
}
