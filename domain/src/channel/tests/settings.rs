//! Renaming, opening, closing and archiving channels.

use super::*;
use crate::{Actor, space::Role as SpaceRole};

fn updated(change: Updated) -> Event {
    Event::Updated(change)
}

fn update(change: Updated) -> Command {
    Command::Update {
        name: change.name,
        private: change.private,
        history: change.history,
        slow_mode_s: change.slow_mode_s,
    }
}

fn renamed(text: &str) -> Event {
    updated(Updated {
        name: Some(name(text)),
        ..UNCHANGED
    })
}

#[test]
fn admins_of_the_space_change_every_setting_of_its_channels() {
    for change in [
        Updated {
            name: Some(name("news")),
            ..UNCHANGED
        },
        Updated {
            private: Some(true),
            ..UNCHANGED
        },
        Updated {
            history: Some(History::SinceJoin),
            ..UNCHANGED
        },
        Updated {
            name: Some(name("news")),
            private: Some(true),
            history: Some(History::SinceJoin),
            slow_mode_s: None,
        },
    ] {
        given::<Channel>(text_channel())
            .when(ALICE, update(change.clone()))
            .as_role(SpaceRole::Admin)
            .then([updated(change)]);
    }
}

#[test]
fn only_what_differs_is_recorded() {
    let change = Updated {
        name: Some(name("news")),
        private: Some(false),
        history: Some(History::All),
        slow_mode_s: None,
    };
    given::<Channel>(text_channel())
        .when(ALICE, update(change))
        .as_role(SpaceRole::Owner)
        .then([renamed("news")]);
}

#[test]
fn changing_nothing_records_nothing() {
    let same = Updated {
        name: Some(name("general")),
        private: Some(false),
        history: Some(History::All),
        slow_mode_s: None,
    };
    for change in [UNCHANGED, same] {
        given::<Channel>(text_channel())
            .when(ALICE, update(change))
            .as_role(SpaceRole::Admin)
            .then([]);
    }
}

#[test]
fn below_admin_nobody_changes_or_archives_a_channel_even_one_they_opened() {
    for role in [SpaceRole::Guest, SpaceRole::Member, SpaceRole::Moderator] {
        for command in [rename("mine"), Command::Archive] {
            given::<Channel>(text_channel())
                .when(ALICE, command)
                .as_role(role)
                .rejected(Rejection::Forbidden);
        }
    }
}

#[test]
fn the_owner_of_a_group_renames_and_archives_it_and_others_do_not() {
    let past = || group().added(ALICE, BOB);
    given::<Channel>(past())
        .when(ALICE, rename("plans"))
        .then([renamed("plans")]);
    given::<Channel>(past())
        .when(ALICE, Command::Archive)
        .then([Event::Archived(Archived {})]);
    for command in [rename("plans"), Command::Archive] {
        given::<Channel>(past())
            .when(BOB, command)
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn a_group_is_never_public() {
    let public = || {
        update(Updated {
            private: Some(false),
            ..UNCHANGED
        })
    };
    for actor in [Actor::User(ALICE), Actor::System] {
        given::<Channel>(group())
            .when(actor, public())
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn a_direct_conversation_has_nothing_to_set_or_archive() {
    for actor in [Actor::User(ALICE), Actor::System] {
        for command in [rename("us"), Command::Archive] {
            given::<Channel>(direct())
                .when(actor, command)
                .rejected(Rejection::Forbidden);
        }
    }
}

#[test]
fn the_service_itself_may_rename_and_archive() {
    given::<Channel>(text_channel())
        .when(Actor::System, rename("news"))
        .then([renamed("news")]);
    given::<Channel>(text_channel())
        .when(Actor::System, Command::Archive)
        .then([Event::Archived(Archived {})]);
}

#[test]
fn archiving_twice_is_not_an_error() {
    given::<Channel>(text_channel().archived())
        .when(ALICE, Command::Archive)
        .as_role(SpaceRole::Admin)
        .then([]);
}

fn changes() -> [Command; 5] {
    [
        rename("late"),
        Command::AddMember { user: CAROL },
        say("late"),
        edit(4),
        delete(4),
    ]
}

#[test]
fn an_archived_channel_takes_no_more_changes_from_anyone() {
    for command in changes() {
        for actor in [Actor::User(ALICE), Actor::System] {
            given::<Channel>(text_channel().joined(BOB).sent(ALICE).archived())
                .when(actor, command.clone())
                .as_role(SpaceRole::Owner)
                .subject_role(SpaceRole::Member)
                .rejected(Rejection::Archived);
        }
    }
}

#[test]
fn a_channel_of_an_archived_space_takes_no_more_changes_from_anyone() {
    for command in changes().into_iter().chain([Command::Archive]) {
        for actor in [Actor::User(ALICE), Actor::System] {
            given::<Channel>(text_channel().joined(BOB).sent(ALICE))
                .when(actor, command.clone())
                .as_role(SpaceRole::Owner)
                .subject_role(SpaceRole::Member)
                .in_an_archived_space()
                .rejected(Rejection::Archived);
        }
    }
}

#[test]
fn a_channel_archived_before_its_space_is_archived_already() {
    given::<Channel>(text_channel().archived())
        .when(ALICE, Command::Archive)
        .as_role(SpaceRole::Admin)
        .in_an_archived_space()
        .then([]);
}
