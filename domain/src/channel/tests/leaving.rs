//! How people get out of a channel: by themselves or shown the door.

use super::*;
use crate::{
    Actor,
    channel::{End, Standing},
    space::Role as SpaceRole,
};

fn remove(user: UserId) -> Command {
    Command::RemoveMember { user, reason: None }
}

fn left(user: UserId) -> Event {
    Event::MemberLeft(MemberLeft { user })
}

#[test]
fn a_member_leaves() {
    given::<Channel>(text_channel().joined(BOB))
        .when(BOB, Command::Leave)
        .as_role(SpaceRole::Member)
        .then([left(BOB)]);
    given::<Channel>(group().added(ALICE, BOB))
        .when(BOB, Command::Leave)
        .then([left(BOB)]);
}

#[test]
fn leaving_twice_is_not_an_error() {
    given::<Channel>(group().added(ALICE, BOB).left(BOB))
        .when(BOB, Command::Leave)
        .then([]);
}

#[test]
fn who_was_removed_learns_nothing_by_leaving() {
    given::<Channel>(group().added(ALICE, BOB).removed(BOB))
        .when(BOB, Command::Leave)
        .rejected(Rejection::NotFound);
}

#[test]
fn nobody_leaves_a_direct_conversation() {
    given::<Channel>(direct())
        .when(BOB, Command::Leave)
        .rejected(Rejection::DirectIsFixed);
}

#[test]
fn people_leave_an_archived_channel_too() {
    given::<Channel>(group().added(ALICE, BOB).archived())
        .when(BOB, Command::Leave)
        .then([left(BOB)]);
}

#[test]
fn people_leave_the_channels_of_an_archived_space_too() {
    given::<Channel>(text_channel().joined(BOB))
        .when(BOB, Command::Leave)
        .as_role(SpaceRole::Member)
        .in_an_archived_space()
        .then([left(BOB)]);
}

#[test]
fn people_are_removed_from_the_channels_of_an_archived_space_too() {
    given::<Channel>(text_channel().joined(BOB))
        .when(ALICE, remove(BOB))
        .as_role(SpaceRole::Moderator)
        .subject_role(SpaceRole::Member)
        .in_an_archived_space()
        .then([removed(BOB)]);
    given::<Channel>(text_channel().joined(BOB))
        .when(Actor::System, remove(BOB))
        .in_an_archived_space()
        .then([removed(BOB)]);
}

#[test]
fn moderators_of_the_space_remove_those_below_them() {
    for (role, subject) in [
        (SpaceRole::Moderator, SpaceRole::Guest),
        (SpaceRole::Moderator, SpaceRole::Member),
        (SpaceRole::Admin, SpaceRole::Moderator),
        (SpaceRole::Owner, SpaceRole::Admin),
    ] {
        given::<Channel>(text_channel().joined(BOB))
            .when(ALICE, remove(BOB))
            .as_role(role)
            .subject_role(subject)
            .then([removed(BOB)]);
    }
}

#[test]
fn nobody_removes_their_peers_or_betters() {
    for (role, subject) in [
        (SpaceRole::Moderator, SpaceRole::Moderator),
        (SpaceRole::Moderator, SpaceRole::Admin),
        (SpaceRole::Admin, SpaceRole::Admin),
        (SpaceRole::Admin, SpaceRole::Owner),
    ] {
        given::<Channel>(text_channel().joined(BOB))
            .when(ALICE, remove(BOB))
            .as_role(role)
            .subject_role(subject)
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn below_moderator_nobody_removes_anyone_even_from_a_channel_they_opened() {
    for role in [SpaceRole::Guest, SpaceRole::Member] {
        given::<Channel>(text_channel().joined(BOB))
            .when(ALICE, remove(BOB))
            .as_role(role)
            .subject_role(SpaceRole::Guest)
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn a_moderator_may_remove_themselves() {
    given::<Channel>(text_channel().joined(BOB))
        .when(BOB, remove(BOB))
        .as_role(SpaceRole::Moderator)
        .subject_role(SpaceRole::Moderator)
        .then([removed(BOB)]);
}

#[test]
fn a_moderator_removes_whoever_is_no_longer_in_the_space() {
    given::<Channel>(text_channel().joined(BOB))
        .when(ALICE, remove(BOB))
        .as_role(SpaceRole::Moderator)
        .then([removed(BOB)]);
}

#[test]
fn the_service_removes_whoever_left_the_space_even_when_archived() {
    for past in [text_channel().joined(BOB), text_channel().joined(BOB).archived()] {
        given::<Channel>(past)
            .when(Actor::System, remove(BOB))
            .then([removed(BOB)]);
    }
}

#[test]
fn whoever_is_back_in_the_space_keeps_their_channels_when_the_service_is_late() {
    given::<Channel>(text_channel().joined(BOB))
        .when(Actor::System, remove(BOB))
        .subject_role(SpaceRole::Guest)
        .then([]);
}

#[test]
fn the_service_removes_people_from_groups() {
    given::<Channel>(group())
        .when(Actor::System, remove(ALICE))
        .then([removed(ALICE)]);
}

#[test]
fn removing_someone_who_is_gone_is_not_an_error() {
    for past in [
        group().added(ALICE, BOB).left(BOB),
        group().added(ALICE, BOB).removed(BOB),
    ] {
        given::<Channel>(past).when(ALICE, remove(BOB)).then([]);
    }
}

#[test]
fn someone_who_was_never_there_cannot_be_removed() {
    for actor in [Actor::User(ALICE), Actor::System] {
        given::<Channel>(group())
            .when(actor, remove(DAVE))
            .rejected(Rejection::NoSuchMember);
    }
}

#[test]
fn the_owner_of_a_group_removes_people_and_others_do_not() {
    let past = || group().added(ALICE, BOB).added(ALICE, CAROL);
    given::<Channel>(past()).when(ALICE, remove(BOB)).then([removed(BOB)]);
    given::<Channel>(past())
        .when(BOB, remove(CAROL))
        .rejected(Rejection::Forbidden);
    given::<Channel>(past())
        .when(BOB, remove(ALICE))
        .rejected(Rejection::Forbidden);
}

#[test]
fn after_the_owner_went_the_longest_member_speaks_for_the_group() {
    let past = || {
        group()
            .added(ALICE, CAROL)
            .added(ALICE, BOB)
            .left(ALICE)
            .added(BOB, ALICE)
    };
    given::<Channel>(past()).when(CAROL, remove(BOB)).then([removed(BOB)]);
    given::<Channel>(past())
        .when(BOB, remove(ALICE))
        .rejected(Rejection::Forbidden);
    given::<Channel>(past())
        .when(ALICE, remove(BOB))
        .rejected(Rejection::Forbidden);
}

#[test]
fn nobody_is_removed_from_a_direct_conversation() {
    for actor in [Actor::User(ALICE), Actor::System] {
        given::<Channel>(direct())
            .when(actor, remove(BOB))
            .rejected(Rejection::DirectIsFixed);
    }
}

#[test]
fn a_former_members_last_seq_is_that_of_their_going() {
    let gone = |past: Past| past.sent(ALICE).state().open().expect("open").standing(BOB);
    assert_eq!(
        gone(group().added(ALICE, BOB).left(BOB)),
        Some(Standing::Former { at: 4, end: End::Left })
    );
    assert_eq!(
        gone(group().added(ALICE, BOB).removed(BOB)),
        Some(Standing::Former {
            at: 4,
            end: End::Removed
        })
    );
    assert_eq!(gone(group()), None);
}

#[test]
fn a_second_removal_in_the_log_does_not_move_what_a_former_member_saw() {
    let state = group()
        .added(ALICE, BOB)
        .left(BOB)
        .sent(ALICE)
        .removed(BOB)
        .removed(DAVE)
        .state();
    let open = state.open().expect("open");
    assert_eq!(open.standing(BOB), Some(Standing::Former { at: 4, end: End::Left }));
    assert_eq!(open.standing(DAVE), None);
    assert_eq!(open.members_count(), 1);
}
