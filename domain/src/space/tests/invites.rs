//! Invites, as sentences.

use chrono::TimeDelta;

use super::*;
use crate::{Cohort, InviteId, Reason, limits};

const CODE: CodeHash = CodeHash::new([7; 32]);
const OTHER_CODE: CodeHash = CodeHash::new([8; 32]);
const INVITE: InviteId = InviteId::from_u128(0x171);

fn number(number: usize) -> (InviteId, CodeHash) {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    (InviteId::from_u128(0x1000 + number as u128), CodeHash::new(digest))
}

fn terms() -> Terms {
    Terms {
        role: Role::Member,
        expires_in_s: None,
        uses: None,
        cohort: None,
    }
}

fn invite(terms: Terms) -> Command {
    Command::CreateInvite {
        invite: INVITE,
        code: CODE,
        terms,
    }
}

fn invited() -> InviteCreated {
    InviteCreated {
        invite: INVITE,
        code: CODE,
        role: Role::Member,
        expires_at: None,
        uses: None,
        cohort: None,
    }
}

fn with(past: Vec<(UserId, Event)>, invite: InviteCreated) -> Vec<(UserId, Event)> {
    and(past, ALICE, Event::InviteCreated(invite))
}

fn spring() -> Cohort {
    Cohort::parse("spring-26").expect("a label")
}

fn redeem() -> Command {
    Command::Redeem { code: CODE }
}

fn redeemed(user: UserId) -> [Event; 2] {
    let redeemed = InviteRedeemed {
        invite: INVITE,
        user,
        again: false,
    };
    [Event::InviteRedeemed(redeemed), added(user, Role::Member)]
}

fn after(mut past: Vec<(UserId, Event)>, user: UserId) -> Vec<(UserId, Event)> {
    past.extend(redeemed(user).map(|event| (user, event)));
    past
}

fn revoke() -> Command {
    Command::RevokeInvite {
        invite: INVITE,
        reason: None,
    }
}

fn revoked() -> Event {
    Event::InviteRevoked(InviteRevoked {
        invite: INVITE,
        reason: None,
    })
}

fn pause(paused: bool) -> Command {
    Command::SetCohort {
        cohort: spring(),
        paused,
        reason: None,
    }
}

fn paused() -> Event {
    Event::CohortPaused(CohortPaused {
        cohort: spring(),
        reason: None,
    })
}

fn resumed() -> Event {
    Event::CohortResumed(CohortResumed {
        cohort: spring(),
        reason: None,
    })
}

#[test]
fn admins_invite_and_nobody_below() {
    for rank in RANKS {
        let actor = if rank == Role::Owner { ALICE } else { CAROL };
        for command in [invite(terms()), revoke(), pause(true)] {
            let case = given::<Space>(space(&[(CAROL, rank)])).when(actor, command.clone());
            match command {
                _ if rank < Role::Admin => case.rejected(Rejection::Forbidden),
                Command::CreateInvite { .. } => case.then([Event::InviteCreated(invited())]),
                Command::SetCohort { .. } => case.then([paused()]),
                _ => case.then([]),
            }
        }
    }
    for command in [invite(terms()), revoke(), pause(true)] {
        given::<Space>(space(&[]))
            .when(DAVE, command)
            .rejected(Rejection::NotFound);
    }
}

#[test]
fn an_invite_ends_when_it_says_and_the_moment_follows_from_the_decision() {
    let wish = Terms {
        expires_in_s: Some(3600),
        ..terms()
    };
    let until = NOON + TimeDelta::hours(1);
    let created = InviteCreated {
        expires_at: Some(until),
        ..invited()
    };
    given::<Space>(space(&[]))
        .when(ALICE, invite(wish))
        .then([Event::InviteCreated(created.clone())]);
    given::<Space>(with(space(&[]), created.clone()))
        .when(DAVE, redeem())
        .later(TimeDelta::minutes(59))
        .then(redeemed(DAVE));
    given::<Space>(with(space(&[]), created))
        .when(DAVE, redeem())
        .later(TimeDelta::minutes(60))
        .rejected(Rejection::NoSuchInvite);
}

#[test]
fn an_invite_makes_no_moderators_and_has_a_sensible_number_of_uses() {
    for role in [Role::Moderator, Role::Admin, Role::Owner] {
        given::<Space>(space(&[]))
            .when(ALICE, invite(Terms { role, ..terms() }))
            .rejected(Rejection::Forbidden);
    }
    for uses in [0, limits::INVITE_USES_MAX + 1] {
        let wish = Terms {
            uses: Some(uses),
            ..terms()
        };
        given::<Space>(space(&[]))
            .when(ALICE, invite(wish))
            .rejected(Rejection::Forbidden);
    }
    let guest = InviteCreated {
        role: Role::Guest,
        ..invited()
    };
    let redeemed = InviteRedeemed {
        invite: INVITE,
        user: DAVE,
        again: false,
    };
    given::<Space>(with(space(&[]), guest))
        .when(DAVE, redeem())
        .then([Event::InviteRedeemed(redeemed), added(DAVE, Role::Guest)]);
}

#[test]
fn uses_are_counted_exactly() {
    let two = InviteCreated {
        uses: Some(2),
        ..invited()
    };
    let past = || with(space(&[]), two.clone());
    given::<Space>(after(past(), BOB))
        .when(CAROL, redeem())
        .then(redeemed(CAROL));
    given::<Space>(after(after(past(), BOB), CAROL))
        .when(DAVE, redeem())
        .rejected(Rejection::NoSuchInvite);
}

#[test]
fn nobody_takes_two_uses_of_one_invite() {
    let two = InviteCreated {
        uses: Some(2),
        ..invited()
    };
    // Who is in takes none.
    let past = || after(with(space(&[]), two.clone()), BOB);
    given::<Space>(past()).when(BOB, redeem()).then([]);
    // Who left and comes back takes no other.
    let back = InviteRedeemed {
        invite: INVITE,
        user: BOB,
        again: true,
    };
    let back = [Event::InviteRedeemed(back), added(BOB, Role::Member)];
    let away = || and(past(), BOB, left(BOB));
    given::<Space>(away()).when(BOB, redeem()).then(back.clone());
    let mut again = away();
    again.extend(back.map(|event| (BOB, event)));
    given::<Space>(again).when(DAVE, redeem()).then(redeemed(DAVE));
}

#[test]
fn unknown_revoked_and_resting_invites_are_one_and_the_same() {
    let of_spring = InviteCreated {
        cohort: Some(spring()),
        ..invited()
    };
    let open = || with(space(&[]), of_spring.clone());
    given::<Space>(open())
        .when(DAVE, Command::Redeem { code: OTHER_CODE })
        .rejected(Rejection::NoSuchInvite);
    let closed = |join| Event::Updated(Updated { name: None, join });
    for event in [
        revoked(),
        paused(),
        Event::Archived(Archived::default()),
        closed(Some(JoinRule::Closed)),
        Event::MemberBanned(MemberBanned {
            user: DAVE,
            reason: Reason::parse("shouts").expect("a reason"),
            until: None,
        }),
    ] {
        given::<Space>(and(open(), ALICE, event))
            .when(DAVE, redeem())
            .rejected(Rejection::NoSuchInvite);
    }
    nothing::<Space>()
        .when(DAVE, redeem())
        .rejected(Rejection::NoSuchInvite);
}

#[test]
fn a_space_by_invite_takes_whoever_has_one() {
    given::<Space>(with(space_with(JoinRule::Invite, &[]), invited()))
        .when(DAVE, redeem())
        .then(redeemed(DAVE));
}

#[test]
fn a_cohort_rests_and_goes_on() {
    let of_spring = InviteCreated {
        cohort: Some(spring()),
        ..invited()
    };
    let past = || and(with(space(&[]), of_spring.clone()), ALICE, paused());
    given::<Space>(past()).when(ALICE, pause(true)).then([]);
    given::<Space>(past()).when(ALICE, pause(false)).then([resumed()]);
    given::<Space>(and(past(), ALICE, resumed()))
        .when(DAVE, redeem())
        .then(redeemed(DAVE));
    given::<Space>(and(with(space(&[]), invited()), ALICE, paused()))
        .when(DAVE, redeem())
        .then(redeemed(DAVE));
}

#[test]
fn revoking_twice_is_not_an_error() {
    let past = || with(space(&[]), invited());
    given::<Space>(past()).when(ALICE, revoke()).then([revoked()]);
    given::<Space>(and(past(), ALICE, revoked()))
        .when(ALICE, revoke())
        .then([]);
}

#[test]
fn only_so_many_invites_are_open_and_only_so_many_cohorts_rest() {
    let mut full = space(&[]);
    for place in 0..limits::INVITES_OPEN_MAX {
        let (invite, code) = number(place);
        let expires_at = (place == 0).then_some(NOON + TimeDelta::hours(1));
        full = with(
            full,
            InviteCreated {
                invite,
                code,
                expires_at,
                ..invited()
            },
        );
    }
    given::<Space>(full.clone())
        .when(ALICE, invite(terms()))
        .rejected(Rejection::TooManyInvites {
            max: limits::INVITES_OPEN_MAX,
        });
    given::<Space>(full)
        .when(ALICE, invite(terms()))
        .later(TimeDelta::hours(1))
        .then([Event::InviteCreated(invited())]);
    let mut full = space(&[]);
    for place in 0..limits::COHORTS_PAUSED_MAX {
        let cohort = Cohort::parse(&format!("cohort-{place}")).expect("a label");
        full = and(full, ALICE, Event::CohortPaused(CohortPaused { cohort, reason: None }));
    }
    given::<Space>(full)
        .when(ALICE, pause(true))
        .rejected(Rejection::TooManyCohorts {
            max: limits::COHORTS_PAUSED_MAX,
        });
}

#[test]
fn an_archived_space_makes_no_invites_and_the_service_takes_none() {
    given::<Space>(archived(space(&[])))
        .when(ALICE, invite(terms()))
        .rejected(Rejection::Archived);
    given::<Space>(with(space(&[]), invited()))
        .when(Actor::System, redeem())
        .rejected(Rejection::Forbidden);
}

#[test]
fn a_snapshot_keeps_the_invites() {
    let two = InviteCreated {
        uses: Some(2),
        cohort: Some(spring()),
        ..invited()
    };
    let state = given::<Space>(and(after(with(space(&[]), two), BOB), ALICE, paused())).state;
    let packed: State = rmp_serde::from_slice(&rmp_serde::to_vec(&state).expect("packs")).expect("unpacks");
    assert!(packed.open().is_some_and(|open| !open.admits(CODE, NOON)));
    let mut resumed_state = packed;
    let meta = Meta {
        id: event_at(9),
        revision: 8,
        actor: ALICE.into(),
        at: NOON,
    };
    Space::evolve(&mut resumed_state, &resumed(), &meta);
    assert!(resumed_state.open().is_some_and(|open| open.admits(CODE, NOON)));
}
