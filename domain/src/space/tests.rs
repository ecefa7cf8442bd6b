//! The rules of spaces, as sentences.

use super::*;
use crate::{Actor, UserId, given::*};

mod invites;
mod sanctions;

const RANKS: [Role; 5] = Role::ALL;

/// A space that Alice opened, with these other people in it. Open to anyone unless said otherwise.
fn space(people: &[(UserId, Role)]) -> Vec<(UserId, Event)> {
    space_with(JoinRule::Open, people)
}

fn space_with(join: JoinRule, people: &[(UserId, Role)]) -> Vec<(UserId, Event)> {
    let mut past = vec![(ALICE, created(join)), (ALICE, added(ALICE, Role::Owner))];
    past.extend(people.iter().map(|(user, role)| (ALICE, added(*user, *role))));
    past
}

fn and(mut past: Vec<(UserId, Event)>, by: UserId, event: Event) -> Vec<(UserId, Event)> {
    past.push((by, event));
    past
}

fn archived(past: Vec<(UserId, Event)>) -> Vec<(UserId, Event)> {
    and(past, ALICE, Event::Archived(Archived::default()))
}

fn name(text: &str) -> SpaceName {
    SpaceName::parse(text).expect("a valid name")
}

fn created(join: JoinRule) -> Event {
    Event::Created(Created {
        name: name("Makers"),
        join,
    })
}

fn added(user: UserId, role: Role) -> Event {
    Event::MemberAdded(MemberAdded { user, role })
}

fn role_set(user: UserId, role: Role) -> Event {
    Event::RoleSet(RoleSet {
        user,
        role,
        reason: None,
    })
}

fn left(user: UserId) -> Event {
    Event::MemberLeft(MemberLeft { user })
}

fn removed(user: UserId) -> Event {
    Event::MemberRemoved(MemberRemoved { user, reason: None })
}

fn create() -> Command {
    Command::Create {
        name: name("Makers"),
        join: JoinRule::Open,
    }
}

fn rename(text: &str) -> Command {
    Command::Update {
        name: Some(name(text)),
        join: None,
    }
}

fn put(user: UserId, role: Role) -> Command {
    Command::PutMember {
        user,
        role,
        reason: None,
    }
}

fn remove(user: UserId) -> Command {
    Command::RemoveMember { user, reason: None }
}

fn everything_but_joining() -> Vec<Command> {
    vec![
        rename("Mine"),
        Command::Archive { reason: None },
        Command::Leave,
        put(CAROL, Role::Guest),
        remove(BOB),
    ]
}

#[test]
fn whoever_creates_a_space_owns_it() {
    nothing::<Space>()
        .when(ALICE, create())
        .then([created(JoinRule::Open), added(ALICE, Role::Owner)]);
}

#[test]
fn the_service_itself_creates_no_space_since_nobody_would_own_it() {
    nothing::<Space>()
        .when(Actor::System, create())
        .rejected(Rejection::Forbidden);
}

#[test]
fn an_id_in_use_names_no_second_space() {
    given::<Space>(space(&[]))
        .when(ALICE, create())
        .rejected(Rejection::AlreadyExists);
}

#[test]
fn nothing_can_be_done_in_a_space_that_was_never_created() {
    for command in everything_but_joining().into_iter().chain([Command::Join]) {
        for actor in [Actor::User(ALICE), Actor::System] {
            nothing::<Space>()
                .when(actor, command.clone())
                .rejected(Rejection::NotFound);
        }
    }
}

#[test]
fn to_a_stranger_no_space_exists() {
    for command in everything_but_joining() {
        for past in [space(&[(BOB, Role::Member)]), archived(space(&[(BOB, Role::Member)]))] {
            given::<Space>(past)
                .when(DAVE, command.clone())
                .rejected(Rejection::NotFound);
        }
    }
}

#[test]
fn a_closed_and_an_archived_space_do_not_exist_for_those_who_would_join() {
    given::<Space>(space_with(JoinRule::Closed, &[]))
        .when(DAVE, Command::Join)
        .rejected(Rejection::NotFound);
    given::<Space>(archived(space(&[])))
        .when(DAVE, Command::Join)
        .rejected(Rejection::NotFound);
}

#[test]
fn anyone_joins_an_open_space_as_member() {
    given::<Space>(space(&[]))
        .when(BOB, Command::Join)
        .then([added(BOB, Role::Member)]);
}

#[test]
fn joining_twice_is_not_an_error_and_keeps_the_role() {
    for join in [JoinRule::Open, JoinRule::Closed] {
        given::<Space>(space_with(join, &[(BOB, Role::Moderator)]))
            .when(BOB, Command::Join)
            .then([]);
    }
}

#[test]
fn who_left_may_join_again_as_plain_member() {
    let past = and(space(&[(BOB, Role::Admin)]), BOB, left(BOB));
    given::<Space>(past)
        .when(BOB, Command::Join)
        .then([added(BOB, Role::Member)]);
}

#[test]
fn the_service_itself_neither_joins_nor_leaves() {
    for command in [Command::Join, Command::Leave] {
        given::<Space>(space(&[]))
            .when(Actor::System, command)
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn everyone_but_the_owner_leaves() {
    for role in [Role::Guest, Role::Member, Role::Moderator, Role::Admin] {
        given::<Space>(space(&[(BOB, role)]))
            .when(BOB, Command::Leave)
            .then([left(BOB)]);
    }
    given::<Space>(space(&[]))
        .when(ALICE, Command::Leave)
        .rejected(Rejection::OwnerStays);
}

#[test]
fn leaving_twice_is_not_an_error() {
    given::<Space>(and(space(&[(BOB, Role::Member)]), BOB, left(BOB)))
        .when(BOB, Command::Leave)
        .then([]);
}

#[test]
fn who_was_removed_learns_nothing_by_leaving() {
    let past = and(space(&[(BOB, Role::Member)]), ALICE, removed(BOB));
    given::<Space>(past)
        .when(BOB, Command::Leave)
        .rejected(Rejection::NotFound);
}

#[test]
fn leaving_counts_by_how_one_went_last() {
    let rejoined = and(
        and(space(&[(BOB, Role::Member)]), BOB, left(BOB)),
        BOB,
        added(BOB, Role::Member),
    );
    let removed_then = and(rejoined, ALICE, removed(BOB));
    given::<Space>(removed_then)
        .when(BOB, Command::Leave)
        .rejected(Rejection::NotFound);
}

#[test]
fn admins_add_people_below_their_own_rank() {
    for rank in [Role::Admin, Role::Owner] {
        for role in RANKS {
            let case = given::<Space>(space(&[(CAROL, rank)]));
            let actor = if rank == Role::Owner { ALICE } else { CAROL };
            let case = case.when(actor, put(BOB, role));
            if role < rank {
                case.then([added(BOB, role)])
            } else {
                case.rejected(Rejection::Forbidden)
            }
        }
    }
}

#[test]
fn below_admin_nobody_adds_people_or_changes_roles() {
    for rank in [Role::Guest, Role::Member, Role::Moderator] {
        for user in [DAVE, BOB] {
            given::<Space>(space(&[(CAROL, rank), (BOB, Role::Guest)]))
                .when(CAROL, put(user, Role::Member))
                .rejected(Rejection::Forbidden);
        }
    }
}

#[test]
fn roles_change_below_the_rank_of_who_changes_them() {
    let past = || space(&[(BOB, Role::Admin), (CAROL, Role::Member), (DAVE, Role::Admin)]);
    given::<Space>(past())
        .when(BOB, put(CAROL, Role::Moderator))
        .then([role_set(CAROL, Role::Moderator)]);
    given::<Space>(past())
        .when(BOB, put(CAROL, Role::Admin))
        .rejected(Rejection::Forbidden);
    given::<Space>(past())
        .when(BOB, put(DAVE, Role::Member))
        .rejected(Rejection::Forbidden);
    given::<Space>(past())
        .when(ALICE, put(DAVE, Role::Member))
        .then([role_set(DAVE, Role::Member)]);
}

#[test]
fn nobody_raises_or_lowers_themselves() {
    given::<Space>(space(&[(BOB, Role::Admin)]))
        .when(BOB, put(BOB, Role::Owner))
        .rejected(Rejection::Forbidden);
    given::<Space>(space(&[(BOB, Role::Admin)]))
        .when(BOB, put(BOB, Role::Guest))
        .rejected(Rejection::Forbidden);
    given::<Space>(space(&[]))
        .when(ALICE, put(ALICE, Role::Member))
        .rejected(Rejection::Forbidden);
}

#[test]
fn there_is_one_owner_and_nobody_touches_them() {
    for actor in [Actor::User(BOB), Actor::System] {
        let past = || space(&[(BOB, Role::Admin), (CAROL, Role::Member)]);
        given::<Space>(past())
            .when(actor, put(ALICE, Role::Guest))
            .rejected(Rejection::Forbidden);
        given::<Space>(past())
            .when(actor, put(CAROL, Role::Owner))
            .rejected(Rejection::Forbidden);
        given::<Space>(past())
            .when(actor, remove(ALICE))
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn adding_twice_with_the_same_role_is_not_an_error() {
    given::<Space>(space(&[(BOB, Role::Member)]))
        .when(ALICE, put(BOB, Role::Member))
        .then([]);
}

#[test]
fn the_service_itself_adds_and_removes_up_to_admins() {
    given::<Space>(space(&[]))
        .when(Actor::System, put(BOB, Role::Admin))
        .then([added(BOB, Role::Admin)]);
    given::<Space>(space(&[(BOB, Role::Admin)]))
        .when(Actor::System, remove(BOB))
        .then([removed(BOB)]);
}

#[test]
fn moderators_remove_people_below_their_own_rank() {
    for rank in RANKS {
        for role in [Role::Guest, Role::Member, Role::Moderator, Role::Admin] {
            let actor = if rank == Role::Owner { ALICE } else { CAROL };
            let case = given::<Space>(space(&[(CAROL, rank), (BOB, role)])).when(actor, remove(BOB));
            if rank >= Role::Moderator && role < rank {
                case.then([removed(BOB)])
            } else {
                case.rejected(Rejection::Forbidden)
            }
        }
    }
}

#[test]
fn nobody_removes_themselves() {
    given::<Space>(space(&[(BOB, Role::Admin)]))
        .when(BOB, remove(BOB))
        .rejected(Rejection::Forbidden);
    given::<Space>(space(&[]))
        .when(ALICE, remove(ALICE))
        .rejected(Rejection::Forbidden);
}

#[test]
fn removing_someone_who_is_gone_is_not_an_error_but_who_was_never_there_is_unknown() {
    let past = || space(&[(BOB, Role::Member)]);
    given::<Space>(and(past(), BOB, left(BOB)))
        .when(ALICE, remove(BOB))
        .then([]);
    given::<Space>(and(past(), ALICE, removed(BOB)))
        .when(ALICE, remove(BOB))
        .then([]);
    given::<Space>(past())
        .when(ALICE, remove(DAVE))
        .rejected(Rejection::NoSuchMember);
}

#[test]
fn admins_change_name_and_join_rule_and_only_what_differs_is_recorded() {
    let change = |name, join| Event::Updated(Updated { name, join });
    let past = || space(&[(BOB, Role::Admin)]);
    given::<Space>(past())
        .when(BOB, rename("Doers"))
        .then([change(Some(name("Doers")), None)]);
    given::<Space>(past())
        .when(
            BOB,
            Command::Update {
                name: Some(name("Makers")),
                join: Some(JoinRule::Closed),
            },
        )
        .then([change(None, Some(JoinRule::Closed))]);
    given::<Space>(past()).when(BOB, rename("Makers")).then([]);
    given::<Space>(past())
        .when(BOB, Command::Update { name: None, join: None })
        .then([]);
    given::<Space>(past())
        .when(Actor::System, rename("Doers"))
        .then([change(Some(name("Doers")), None)]);
}

#[test]
fn below_admin_nobody_changes_the_space() {
    for rank in [Role::Guest, Role::Member, Role::Moderator] {
        given::<Space>(space(&[(BOB, rank)]))
            .when(BOB, rename("Mine"))
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn a_space_that_was_closed_lets_nobody_in_any_more() {
    let past = and(
        space(&[]),
        ALICE,
        Event::Updated(Updated {
            name: None,
            join: Some(JoinRule::Closed),
        }),
    );
    given::<Space>(past)
        .when(BOB, Command::Join)
        .rejected(Rejection::NotFound);
}

#[test]
fn only_the_owner_archives() {
    for rank in [Role::Guest, Role::Member, Role::Moderator, Role::Admin] {
        given::<Space>(space(&[(BOB, rank)]))
            .when(BOB, Command::Archive { reason: None })
            .rejected(Rejection::Forbidden);
    }
    given::<Space>(space(&[]))
        .when(ALICE, Command::Archive { reason: None })
        .then([Event::Archived(Archived::default())]);
    given::<Space>(archived(space(&[])))
        .when(ALICE, Command::Archive { reason: None })
        .then([]);
}

#[test]
fn an_archived_space_takes_no_changes_but_lets_people_go() {
    let past = || archived(space(&[(BOB, Role::Member)]));
    given::<Space>(past())
        .when(ALICE, rename("Late"))
        .rejected(Rejection::Archived);
    given::<Space>(past())
        .when(ALICE, put(BOB, Role::Admin))
        .rejected(Rejection::Archived);
    given::<Space>(past()).when(BOB, Command::Leave).then([left(BOB)]);
    given::<Space>(past()).when(ALICE, remove(BOB)).then([removed(BOB)]);
}

#[test]
fn the_state_tells_the_role_of_everyone_in_the_space() {
    let past = and(
        space(&[(BOB, Role::Member), (CAROL, Role::Guest)]),
        ALICE,
        role_set(BOB, Role::Moderator),
    );
    let state = given::<Space>(and(past, CAROL, left(CAROL))).state;
    assert_eq!(
        [ALICE, BOB, CAROL, DAVE].map(|user| state.role(user)),
        [Some(Role::Owner), Some(Role::Moderator), None, None]
    );
    assert_eq!(State::Nothing.role(ALICE), None);
}

#[test]
fn odd_events_do_not_break_the_fold() {
    let mut state = State::default();
    let meta = Meta {
        id: event_at(1),
        revision: 0,
        actor: ALICE.into(),
        at: NOON,
    };
    Space::evolve(&mut state, &added(ALICE, Role::Owner), &meta);
    assert!(state.open().is_none());
    let past = and(and(space(&[]), ALICE, removed(DAVE)), BOB, created(JoinRule::Closed));
    let state = given::<Space>(past).state;
    assert_eq!(
        state.open().map(|open| (open.join, open.roles().len())),
        Some((JoinRule::Open, 1))
    );
    assert_eq!(Space::seen(&state, event_at(4)), Some(3));
}

#[test]
fn snapshots_come_back_whole_from_either_form() {
    let past = and(
        and(space(&[(BOB, Role::Member), (CAROL, Role::Guest)]), BOB, left(BOB)),
        ALICE,
        removed(CAROL),
    );
    let state = given::<Space>(past).state;
    let packed: State = rmp_serde::from_slice(&rmp_serde::to_vec(&state).expect("packs")).expect("unpacks");
    let read: State = serde_json::from_str(&serde_json::to_string(&state).expect("writes")).expect("reads");
    let whole = serde_json::to_value(&state).expect("a value");
    for copy in [packed, read] {
        assert_eq!(serde_json::to_value(&copy).expect("a value"), whole);
        assert_eq!(Space::seen(&copy, event_at(1)), Some(0));
    }
    assert!(Space::weight(&state) > 0);
    assert_eq!(Space::weight(&State::Nothing), 0);
}
