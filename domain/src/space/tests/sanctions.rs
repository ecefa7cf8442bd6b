//! Bans, mutes, handing over and bringing back, as sentences.

use chrono::TimeDelta;

use super::*;
use crate::user::ServiceRole;

fn reason() -> Reason {
    Reason::parse("shouts").expect("a reason")
}

fn in_an_hour() -> DateTime<Utc> {
    NOON + TimeDelta::hours(1)
}

fn ban(user: UserId) -> Command {
    ban_until(user, None)
}

fn ban_until(user: UserId, until: Option<DateTime<Utc>>) -> Command {
    Command::Ban {
        user,
        reason: reason(),
        until,
    }
}

fn banned(user: UserId, until: Option<DateTime<Utc>>) -> Event {
    Event::MemberBanned(MemberBanned {
        user,
        reason: reason(),
        until,
    })
}

fn unban(user: UserId) -> Command {
    Command::Unban {
        user,
        reason: None,
        laid_by: None,
    }
}

fn unbanned(user: UserId) -> Event {
    Event::MemberUnbanned(MemberUnbanned { user, reason: None })
}

fn mute(user: UserId) -> Command {
    Command::Mute {
        user,
        reason: reason(),
        until: in_an_hour(),
    }
}

fn muted(user: UserId) -> Event {
    Event::MemberMuted(MemberMuted {
        user,
        reason: reason(),
        until: in_an_hour(),
    })
}

fn unmuted(user: UserId) -> Event {
    Event::MemberUnmuted(MemberUnmuted { user, reason: None })
}

fn transferred(from: UserId, to: UserId) -> Event {
    Event::OwnershipTransferred(OwnershipTransferred { from, to })
}

#[test]
fn moderators_ban_and_mute_below_their_own_rank() {
    for rank in RANKS {
        for role in [Role::Guest, Role::Member, Role::Moderator, Role::Admin] {
            let actor = if rank == Role::Owner { ALICE } else { CAROL };
            let past = || space(&[(CAROL, rank), (BOB, role)]);
            let may = rank >= Role::Moderator && role < rank;
            let (banning, muting) = (
                given::<Space>(past()).when(actor, ban(BOB)),
                given::<Space>(past()).when(actor, mute(BOB)),
            );
            if may {
                banning.then([banned(BOB, None)]);
                muting.then([muted(BOB)]);
            } else {
                banning.rejected(Rejection::Forbidden);
                muting.rejected(Rejection::Forbidden);
            }
        }
    }
}

#[test]
fn the_owner_is_out_of_everybodys_reach() {
    for actor in [Actor::User(ALICE), Actor::User(BOB), Actor::System] {
        for command in [ban(ALICE), mute(ALICE)] {
            given::<Space>(space(&[(BOB, Role::Admin)]))
                .when(actor, command)
                .rejected(Rejection::Forbidden);
        }
    }
}

#[test]
fn a_ban_ends_the_membership_and_keeps_out() {
    let past = || and(space(&[(BOB, Role::Member)]), ALICE, banned(BOB, None));
    assert_eq!(given::<Space>(past()).state.role(BOB), None);
    given::<Space>(past())
        .when(BOB, Command::Join)
        .rejected(Rejection::NotFound);
    given::<Space>(past())
        .when(BOB, Command::Leave)
        .rejected(Rejection::NotFound);
    given::<Space>(past())
        .when(ALICE, put(BOB, Role::Guest))
        .rejected(Rejection::Banned);
    given::<Space>(past()).when(ALICE, ban(BOB)).then([]);
    given::<Space>(past()).when(ALICE, remove(BOB)).then([]);
}

#[test]
fn people_who_were_never_there_can_be_kept_out() {
    given::<Space>(space(&[(CAROL, Role::Moderator)]))
        .when(CAROL, ban(DAVE))
        .then([banned(DAVE, None)]);
    given::<Space>(and(space(&[]), ALICE, banned(DAVE, None)))
        .when(DAVE, Command::Join)
        .rejected(Rejection::NotFound);
}

#[test]
fn a_ban_with_an_end_ends() {
    let until = Some(in_an_hour());
    let past = || and(space(&[(BOB, Role::Member)]), ALICE, banned(BOB, until));
    given::<Space>(past())
        .when(BOB, Command::Join)
        .later(TimeDelta::minutes(59))
        .rejected(Rejection::NotFound);
    given::<Space>(past())
        .when(BOB, Command::Join)
        .later(TimeDelta::minutes(60))
        .then([added(BOB, Role::Member)]);
    given::<Space>(past())
        .when(ALICE, unban(BOB))
        .later(TimeDelta::minutes(60))
        .then([]);
    given::<Space>(past()).when(ALICE, ban(BOB)).then([banned(BOB, None)]);
}

#[test]
fn what_should_end_in_the_past_never_begins() {
    for until in [NOON, NOON - TimeDelta::hours(1)] {
        let mute = Command::Mute {
            user: BOB,
            reason: reason(),
            until,
        };
        for command in [mute, ban_until(BOB, Some(until))] {
            given::<Space>(space(&[(BOB, Role::Member)]))
                .when(ALICE, command)
                .rejected(Rejection::OverAlready);
        }
    }
}

#[test]
fn a_lifted_ban_lets_people_back_in() {
    let past = || and(space(&[(CAROL, Role::Moderator)]), ALICE, banned(BOB, None));
    given::<Space>(past()).when(CAROL, unban(BOB)).then([unbanned(BOB)]);
    given::<Space>(past()).when(CAROL, unban(DAVE)).then([]);
    given::<Space>(and(past(), CAROL, unbanned(BOB)))
        .when(BOB, Command::Join)
        .then([added(BOB, Role::Member)]);
}

#[test]
fn lifting_what_one_event_laid_leaves_what_another_laid_since() {
    // The space is created, Alice and Bob are in it: the first sanction has the fourth place.
    let (first, second) = (event_at(4), event_at(5));
    let until = Some(in_an_hour());
    let banned_twice = || {
        and(
            and(space(&[(BOB, Role::Member)]), ALICE, banned(BOB, until)),
            ALICE,
            banned(BOB, None),
        )
    };
    let unban = |laid_by| Command::Unban {
        user: BOB,
        reason: None,
        laid_by: Some(laid_by),
    };
    given::<Space>(banned_twice()).when(ALICE, unban(first)).then([]);
    given::<Space>(banned_twice())
        .when(ALICE, unban(second))
        .then([unbanned(BOB)]);
    let muted_once = || and(space(&[(BOB, Role::Member)]), ALICE, muted(BOB));
    let unmute = |laid_by| Command::Unmute {
        user: BOB,
        reason: None,
        laid_by: Some(laid_by),
    };
    given::<Space>(muted_once()).when(ALICE, unmute(second)).then([]);
    given::<Space>(muted_once())
        .when(ALICE, unmute(first))
        .then([unmuted(BOB)]);
}

#[test]
fn below_moderator_nobody_lifts_anything() {
    for rank in [Role::Guest, Role::Member] {
        let past = || and(space(&[(CAROL, rank), (BOB, Role::Guest)]), ALICE, muted(BOB));
        for command in [
            unban(DAVE),
            Command::Unmute {
                user: BOB,
                reason: None,
                laid_by: None,
            },
        ] {
            given::<Space>(past())
                .when(CAROL, command)
                .rejected(Rejection::Forbidden);
        }
    }
}

#[test]
fn to_a_stranger_there_is_nothing_to_ban_mute_hand_over_or_restore() {
    for command in [
        ban(BOB),
        unban(BOB),
        mute(BOB),
        Command::Unmute {
            user: BOB,
            reason: None,
            laid_by: None,
        },
        Command::Transfer { to: BOB },
        Command::Restore { reason: None },
    ] {
        given::<Space>(space(&[(BOB, Role::Member)]))
            .when(DAVE, command.clone())
            .rejected(Rejection::NotFound);
        nothing::<Space>().when(ALICE, command).rejected(Rejection::NotFound);
    }
}

#[test]
fn an_operator_who_says_so_moderates_any_space_and_governs_none() {
    let past = || space(&[(BOB, Role::Admin)]);
    given::<Space>(past())
        .when(DAVE, ban(BOB))
        .acting_as(ServiceRole::Operator)
        .then([banned(BOB, None)]);
    given::<Space>(past())
        .when(DAVE, ban(ALICE))
        .acting_as(ServiceRole::Operator)
        .rejected(Rejection::Forbidden);
    for role in [ServiceRole::Operator, ServiceRole::Auditor] {
        given::<Space>(past())
            .when(DAVE, Command::Archive { reason: None })
            .acting_as(role)
            .rejected(Rejection::NotFound);
    }
    given::<Space>(past())
        .when(DAVE, ban(BOB))
        .acting_as(ServiceRole::Auditor)
        .rejected(Rejection::NotFound);
}

#[test]
fn a_mute_is_for_people_in_the_space_and_stays_while_they_are_away() {
    given::<Space>(space(&[]))
        .when(ALICE, mute(DAVE))
        .rejected(Rejection::NoSuchMember);
    let past = || and(space(&[(BOB, Role::Member)]), ALICE, muted(BOB));
    given::<Space>(past()).when(ALICE, mute(BOB)).then([]);
    let away = and(and(past(), BOB, left(BOB)), BOB, added(BOB, Role::Member));
    let state = given::<Space>(away).state;
    assert_eq!(
        state.open().map(|open| open.mutes().collect::<Vec<_>>()),
        Some(vec![(BOB, in_an_hour())])
    );
    given::<Space>(past())
        .when(
            ALICE,
            Command::Unmute {
                user: BOB,
                reason: None,
                laid_by: None,
            },
        )
        .then([unmuted(BOB)]);
    given::<Space>(and(past(), ALICE, unmuted(BOB)))
        .when(
            ALICE,
            Command::Unmute {
                user: BOB,
                reason: None,
                laid_by: None,
            },
        )
        .then([]);
}

#[test]
fn what_is_over_is_forgotten_when_the_next_one_comes() {
    let mut state = given::<Space>(and(space(&[]), ALICE, banned(BOB, Some(in_an_hour())))).state;
    let meta = Meta {
        id: event_at(9),
        revision: 8,
        actor: ALICE.into(),
        at: in_an_hour(),
    };
    Space::evolve(&mut state, &banned(CAROL, None), &meta);
    assert_eq!(
        state.open().map(|open| open.bans().collect::<Vec<_>>()),
        Some(vec![(CAROL, None)])
    );
}

#[test]
fn a_space_bans_and_mutes_only_so_many() {
    let mut full = space(&[(BOB, Role::Member)]);
    full.extend((0..crate::limits::BANS_MAX).map(|number| (ALICE, banned(someone(number), None))));
    given::<Space>(full)
        .when(ALICE, ban(BOB))
        .rejected(Rejection::TooManyBans {
            max: crate::limits::BANS_MAX,
        });
    let mut full = space(&[(BOB, Role::Member)]);
    full.extend((0..crate::limits::MUTES_MAX).map(|number| (ALICE, muted(someone(number)))));
    given::<Space>(full)
        .when(ALICE, mute(BOB))
        .rejected(Rejection::TooManyMutes {
            max: crate::limits::MUTES_MAX,
        });
}

#[test]
fn the_owner_alone_hands_the_space_over_to_a_member_and_stays_as_admin() {
    let past = || space(&[(BOB, Role::Guest), (CAROL, Role::Admin)]);
    given::<Space>(past())
        .when(ALICE, Command::Transfer { to: BOB })
        .then([transferred(ALICE, BOB)]);
    given::<Space>(past())
        .when(Actor::System, Command::Transfer { to: BOB })
        .then([transferred(ALICE, BOB)]);
    let state = given::<Space>(and(past(), ALICE, transferred(ALICE, BOB))).state;
    assert_eq!(
        [ALICE, BOB].map(|user| state.role(user)),
        [Some(Role::Admin), Some(Role::Owner)]
    );
    for rank in [Role::Guest, Role::Member, Role::Moderator, Role::Admin] {
        given::<Space>(space(&[(BOB, rank)]))
            .when(BOB, Command::Transfer { to: BOB })
            .rejected(Rejection::Forbidden);
    }
    given::<Space>(past())
        .when(ALICE, Command::Transfer { to: DAVE })
        .rejected(Rejection::NoSuchMember);
    given::<Space>(past())
        .when(ALICE, Command::Transfer { to: ALICE })
        .then([]);
    given::<Space>(archived(past()))
        .when(ALICE, Command::Transfer { to: BOB })
        .rejected(Rejection::Archived);
}

#[test]
fn a_muted_person_who_becomes_the_owner_speaks_again() {
    let past = and(space(&[(BOB, Role::Member)]), ALICE, muted(BOB));
    given::<Space>(past)
        .when(ALICE, Command::Transfer { to: BOB })
        .then([transferred(ALICE, BOB), unmuted(BOB)]);
}

#[test]
fn the_owner_brings_an_archived_space_back() {
    let restore = || Command::Restore { reason: None };
    let restored = || Event::Restored(Restored::default());
    let past = || archived(space(&[(BOB, Role::Admin)]));
    given::<Space>(past()).when(ALICE, restore()).then([restored()]);
    given::<Space>(past())
        .when(BOB, restore())
        .rejected(Rejection::Forbidden);
    given::<Space>(space(&[])).when(ALICE, restore()).then([]);
    given::<Space>(and(past(), ALICE, restored()))
        .when(BOB, rename("Back"))
        .then([Event::Updated(Updated {
            name: Some(name("Back")),
            join: None,
        })]);
}

#[test]
fn a_space_by_invite_lets_nobody_in_by_themselves() {
    given::<Space>(space_with(JoinRule::Invite, &[]))
        .when(DAVE, Command::Join)
        .rejected(Rejection::NotFound);
}

#[test]
fn what_is_done_to_a_person_keeps_its_reason() {
    let why = Some(reason());
    let past = || space(&[(BOB, Role::Member)]);
    let command = Command::RemoveMember {
        user: BOB,
        reason: why.clone(),
    };
    let gone = Event::MemberRemoved(MemberRemoved {
        user: BOB,
        reason: why.clone(),
    });
    given::<Space>(past()).when(ALICE, command).then([gone]);
    let command = Command::PutMember {
        user: BOB,
        role: Role::Guest,
        reason: why.clone(),
    };
    let set = Event::RoleSet(RoleSet {
        user: BOB,
        role: Role::Guest,
        reason: why,
    });
    given::<Space>(past()).when(ALICE, command).then([set]);
}
