//! Who gets into a channel: by themselves or brought along.

use super::*;
use crate::{Actor, limits, space::Role as SpaceRole};

fn add(user: UserId) -> Command {
    Command::AddMember { user }
}

#[test]
fn members_of_the_space_join_its_public_channels() {
    for role in [
        SpaceRole::Member,
        SpaceRole::Moderator,
        SpaceRole::Admin,
        SpaceRole::Owner,
    ] {
        given::<Channel>(text_channel())
            .when(BOB, Command::Join)
            .as_role(role)
            .then([added(BOB)]);
    }
}

#[test]
fn guests_do_not_see_the_channels_they_were_not_brought_into() {
    given::<Channel>(text_channel())
        .when(BOB, Command::Join)
        .as_role(SpaceRole::Guest)
        .rejected(Rejection::NotFound);
}

#[test]
fn a_private_channel_is_joined_by_admins_only_and_unseen_by_the_rest() {
    for role in [SpaceRole::Guest, SpaceRole::Member, SpaceRole::Moderator] {
        given::<Channel>(private_channel())
            .when(BOB, Command::Join)
            .as_role(role)
            .rejected(Rejection::NotFound);
    }
    for role in [SpaceRole::Admin, SpaceRole::Owner] {
        given::<Channel>(private_channel())
            .when(BOB, Command::Join)
            .as_role(role)
            .then([added(BOB)]);
    }
}

#[test]
fn a_channel_made_private_is_closed_to_later_members() {
    let past = text_channel().updated(Updated {
        private: Some(true),
        ..UNCHANGED
    });
    given::<Channel>(past)
        .when(BOB, Command::Join)
        .as_role(SpaceRole::Member)
        .rejected(Rejection::NotFound);
}

#[test]
fn joining_twice_is_not_an_error() {
    given::<Channel>(text_channel().joined(BOB))
        .when(BOB, Command::Join)
        .as_role(SpaceRole::Member)
        .then([]);
    given::<Channel>(private_channel().added(ALICE, BOB))
        .when(BOB, Command::Join)
        .as_role(SpaceRole::Guest)
        .then([]);
    given::<Channel>(group().joined(BOB)).when(BOB, Command::Join).then([]);
    given::<Channel>(direct()).when(BOB, Command::Join).then([]);
}

#[test]
fn who_left_or_was_removed_may_join_a_public_channel_again() {
    for past in [
        text_channel().joined(BOB).left(BOB),
        text_channel().joined(BOB).removed(BOB),
    ] {
        given::<Channel>(past)
            .when(BOB, Command::Join)
            .as_role(SpaceRole::Member)
            .then([added(BOB)]);
    }
}

#[test]
fn nobody_joins_an_archived_channel() {
    given::<Channel>(text_channel().archived())
        .when(BOB, Command::Join)
        .as_role(SpaceRole::Member)
        .rejected(Rejection::Archived);
}

#[test]
fn nobody_joins_the_channels_of_an_archived_space_and_whoever_is_in_them_stays() {
    given::<Channel>(text_channel())
        .when(BOB, Command::Join)
        .as_role(SpaceRole::Member)
        .in_an_archived_space()
        .rejected(Rejection::Archived);
    given::<Channel>(text_channel().joined(BOB))
        .when(BOB, Command::Join)
        .as_role(SpaceRole::Member)
        .in_an_archived_space()
        .then([]);
}

#[test]
fn a_member_brings_someone_of_the_space_into_a_public_channel() {
    given::<Channel>(text_channel().joined(BOB))
        .when(BOB, add(CAROL))
        .as_role(SpaceRole::Member)
        .subject_role(SpaceRole::Guest)
        .then([added(CAROL)]);
}

#[test]
fn a_guest_brings_nobody_along() {
    given::<Channel>(text_channel().added(ALICE, BOB))
        .when(BOB, add(CAROL))
        .as_role(SpaceRole::Guest)
        .subject_role(SpaceRole::Member)
        .rejected(Rejection::Forbidden);
}

#[test]
fn only_people_of_the_space_are_brought_into_its_channels() {
    for actor in [Actor::User(ALICE), Actor::System] {
        given::<Channel>(text_channel())
            .when(actor, add(DAVE))
            .as_role(SpaceRole::Admin)
            .rejected(Rejection::NotInSpace);
    }
}

#[test]
fn who_is_still_in_the_channel_but_no_longer_in_the_space_counts_as_outside() {
    given::<Channel>(text_channel().joined(BOB))
        .when(ALICE, add(BOB))
        .as_role(SpaceRole::Admin)
        .rejected(Rejection::NotInSpace);
}

#[test]
fn a_private_channel_is_opened_by_its_owner_or_a_moderator() {
    let past = || private_channel().added(ALICE, BOB);
    given::<Channel>(past())
        .when(ALICE, add(CAROL))
        .as_role(SpaceRole::Member)
        .subject_role(SpaceRole::Member)
        .then([added(CAROL)]);
    given::<Channel>(past())
        .when(BOB, add(CAROL))
        .as_role(SpaceRole::Moderator)
        .subject_role(SpaceRole::Member)
        .then([added(CAROL)]);
    given::<Channel>(past())
        .when(BOB, add(CAROL))
        .as_role(SpaceRole::Member)
        .subject_role(SpaceRole::Member)
        .rejected(Rejection::Forbidden);
}

#[test]
fn the_service_itself_may_add_people() {
    given::<Channel>(private_channel())
        .when(Actor::System, add(CAROL))
        .subject_role(SpaceRole::Member)
        .then([added(CAROL)]);
    given::<Channel>(group())
        .when(Actor::System, add(CAROL))
        .then([added(CAROL)]);
}

#[test]
fn any_member_of_a_group_brings_someone_along() {
    given::<Channel>(group().added(ALICE, BOB))
        .when(BOB, add(CAROL))
        .then([added(CAROL)]);
}

#[test]
fn adding_twice_is_not_an_error() {
    given::<Channel>(group().added(ALICE, BOB))
        .when(ALICE, add(BOB))
        .then([]);
    given::<Channel>(text_channel().joined(BOB))
        .when(ALICE, add(BOB))
        .as_role(SpaceRole::Admin)
        .subject_role(SpaceRole::Member)
        .then([]);
}

#[test]
fn who_left_a_group_can_be_brought_back() {
    given::<Channel>(group().added(ALICE, BOB).left(BOB))
        .when(ALICE, add(BOB))
        .then([added(BOB)]);
}

#[test]
fn a_direct_conversation_stays_with_its_two() {
    for actor in [Actor::User(ALICE), Actor::System] {
        given::<Channel>(direct())
            .when(actor, add(CAROL))
            .rejected(Rejection::DirectIsFixed);
    }
}

#[test]
fn nobody_is_added_to_an_archived_channel() {
    given::<Channel>(group().archived())
        .when(ALICE, add(BOB))
        .rejected(Rejection::Archived);
    given::<Channel>(text_channel().archived())
        .when(Actor::System, add(BOB))
        .subject_role(SpaceRole::Member)
        .rejected(Rejection::Archived);
}

/// A group with so many people, Alice among them.
fn group_of(size: usize) -> Past {
    (1..size)
        .map(someone)
        .fold(group(), |past, user| past.added(ALICE, user))
}

#[test]
fn a_group_takes_people_until_it_is_full() {
    given::<Channel>(group_of(limits::GROUP_MEMBERS_MAX - 1))
        .when(ALICE, add(BOB))
        .then([added(BOB)]);
    given::<Channel>(group_of(limits::GROUP_MEMBERS_MAX))
        .when(ALICE, add(BOB))
        .rejected(Rejection::Full {
            max: limits::GROUP_MEMBERS_MAX,
        });
}

#[test]
fn a_place_that_became_free_in_a_full_group_can_be_taken() {
    let past = group_of(limits::GROUP_MEMBERS_MAX).left(someone(7));
    given::<Channel>(past).when(ALICE, add(BOB)).then([added(BOB)]);
}

#[test]
fn a_channel_of_a_space_is_full_at_its_own_bound() {
    let crowd = (1..limits::CHANNEL_MEMBERS_MAX).map(someone);
    let past = crowd.fold(text_channel(), |past, user| past.added(ALICE, user));
    given::<Channel>(past)
        .when(BOB, Command::Join)
        .as_role(SpaceRole::Member)
        .rejected(Rejection::Full {
            max: limits::CHANNEL_MEMBERS_MAX,
        });
}
