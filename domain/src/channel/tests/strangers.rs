//! Whoever is not in a channel learns nothing of it, whatever they try.

use super::*;
use crate::{Actor, limits, space::Role as SpaceRole};

/// Every command on a channel that exists, with arguments that make sense in [`text_channel`] with Bob and a message at seq 4.
pub(super) fn everything_in_a_channel() -> Vec<Command> {
    vec![
        rename("renamed"),
        Command::Archive,
        Command::Join,
        Command::Leave,
        Command::AddMember { user: CAROL },
        Command::RemoveMember {
            user: BOB,
            reason: None,
        },
        say("hello"),
        edit(4),
        delete(4),
    ]
}

fn everything() -> Vec<Command> {
    let mut commands = everything_in_a_channel();
    commands.push(Command::CreateText {
        space: SPACE,
        name: name("general"),
        private: false,
        history: None,
    });
    commands.push(Command::CreateGroup {
        name: None,
        members: vec![],
    });
    commands.push(Command::OpenDirect { with: BOB });
    commands
}

#[test]
fn to_a_stranger_no_channel_exists() {
    let channels = [text_channel, private_channel, group, direct];
    for channel in channels {
        for command in everything() {
            given::<Channel>(channel().joined(BOB).sent(BOB))
                .when(DAVE, command)
                .subject_role(SpaceRole::Member)
                .rejected(Rejection::NotFound);
        }
    }
}

#[test]
fn an_archived_channel_does_not_exist_for_strangers_either() {
    for command in everything() {
        given::<Channel>(text_channel().joined(BOB).sent(BOB).archived())
            .when(DAVE, command)
            .rejected(Rejection::NotFound);
    }
}

#[test]
fn neither_does_a_channel_of_an_archived_space() {
    for command in everything() {
        given::<Channel>(text_channel().joined(BOB).sent(BOB))
            .when(DAVE, command)
            .in_an_archived_space()
            .rejected(Rejection::NotFound);
    }
}

#[test]
fn a_full_stream_is_no_sign_of_life_to_a_stranger() {
    for command in everything() {
        let mut channel = given::<Channel>(text_channel().joined(BOB).sent(BOB));
        fill(&mut channel.state);
        channel.when(DAVE, command).rejected(Rejection::NotFound);
    }
}

#[test]
fn a_full_stream_takes_no_more_events() {
    let mut channel = given::<Channel>(text_channel().sent(ALICE));
    fill(&mut channel.state);
    channel
        .when(ALICE, say("one more"))
        .as_role(SpaceRole::Admin)
        .rejected(Rejection::StreamFull);
}

fn fill(state: &mut super::super::State) {
    let super::super::State::Open(open) = state else {
        unreachable!("the past opened it")
    };
    open.top = limits::CHANNEL_EVENTS_MAX;
}

#[test]
fn someone_removed_from_the_space_can_do_nothing_in_its_channels_though_still_in_them() {
    for user in [ALICE, BOB] {
        for command in everything() {
            given::<Channel>(text_channel().joined(BOB).sent(user))
                .when(user, command)
                .subject_role(SpaceRole::Member)
                .rejected(Rejection::NotFound);
        }
    }
}

#[test]
fn in_the_space_but_not_in_the_channel_one_may_only_join() {
    for command in everything().into_iter().filter(|command| *command != Command::Join) {
        given::<Channel>(text_channel().joined(BOB).sent(BOB))
            .when(DAVE, command)
            .as_role(SpaceRole::Owner)
            .subject_role(SpaceRole::Guest)
            .rejected(Rejection::NotFound);
    }
}

#[test]
fn a_role_in_some_space_means_nothing_in_groups_and_direct_conversations() {
    for channel in [group, direct] {
        for command in everything() {
            given::<Channel>(channel().joined(BOB).sent(BOB))
                .when(DAVE, command)
                .as_role(SpaceRole::Owner)
                .rejected(Rejection::NotFound);
        }
    }
}

#[test]
fn someone_removed_from_the_channel_is_a_stranger_again() {
    for command in everything().into_iter().filter(|command| *command != Command::Join) {
        given::<Channel>(text_channel().joined(BOB).sent(BOB).removed(BOB))
            .when(BOB, command)
            .as_role(SpaceRole::Member)
            .rejected(Rejection::NotFound);
    }
}

#[test]
fn someone_who_left_is_a_stranger_but_for_leaving_again() {
    for command in everything()
        .into_iter()
        .filter(|command| !matches!(command, Command::Join | Command::Leave))
    {
        given::<Channel>(text_channel().joined(BOB).sent(BOB).left(BOB))
            .when(BOB, command)
            .as_role(SpaceRole::Member)
            .rejected(Rejection::NotFound);
    }
}

#[test]
fn the_service_itself_neither_joins_nor_leaves() {
    for command in [Command::Join, Command::Leave] {
        given::<Channel>(text_channel())
            .when(Actor::System, command)
            .as_role(SpaceRole::Owner)
            .rejected(Rejection::Forbidden);
    }
}
