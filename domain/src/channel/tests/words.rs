//! Editing and deleting what was said.

use super::*;
use crate::{Actor, space::Role as SpaceRole};

const NEW_KEY: &str = "under another key it is another edit";

fn edit_expecting(seq: u64, version: u16) -> Command {
    Command::Edit {
        message: message(seq),
        body: body("better"),
        mentions: vec![],
        expected_version: Some(version),
    }
}

fn delete_expecting(seq: u64, version: u16) -> Command {
    Command::Delete {
        message: message(seq),
        expected_version: Some(version),
        reason: None,
    }
}

#[test]
fn the_author_edits_and_each_edit_is_a_new_version() {
    given::<Channel>(direct().sent(BOB))
        .when(BOB, edit(4))
        .repeatable(NEW_KEY)
        .then([edited(4, 2)]);
    given::<Channel>(direct().sent(BOB).edited(BOB, 4, 2))
        .when(BOB, edit(4))
        .repeatable(NEW_KEY)
        .then([edited(4, 3)]);
}

#[test]
fn nobody_else_edits_whatever_their_rank() {
    given::<Channel>(text_channel().joined(BOB).sent(BOB))
        .when(ALICE, edit(4))
        .as_role(SpaceRole::Owner)
        .rejected(Rejection::NotAuthor);
    given::<Channel>(group().added(ALICE, BOB).sent(BOB))
        .when(ALICE, edit(4))
        .rejected(Rejection::NotAuthor);
    given::<Channel>(direct().sent(BOB))
        .when(Actor::System, edit(4))
        .rejected(Rejection::NotAuthor);
}

#[test]
fn what_the_service_said_is_nobodys_to_edit() {
    let mut state = direct().state();
    let sent = Event::Sent(Sent {
        message: message(4),
        body: body("notice"),
        reply_to: None,
        reply_to_author: None,
        thread: None,
        depth: 0,
        mentions: vec![],
    });
    let meta = crate::Meta {
        id: event_at(4),
        revision: 3,
        actor: Actor::System,
        at: NOON,
    };
    <Channel as crate::Decider>::evolve(&mut state, &sent, &meta);
    for actor in [Actor::User(ALICE), Actor::User(BOB), Actor::System] {
        let mut channel = given::<Channel>(direct().sent(BOB));
        channel.state = state.clone();
        channel.when(actor, edit(4)).rejected(Rejection::NotAuthor);
    }
}

#[test]
fn a_deleted_message_cannot_be_edited() {
    given::<Channel>(direct().sent(BOB).deleted(BOB, 4))
        .when(BOB, edit(4))
        .rejected(Rejection::MessageDeleted);
    given::<Channel>(text_channel().joined(BOB).sent(BOB).deleted(ALICE, 4))
        .when(BOB, edit_expecting(4, 1))
        .as_role(SpaceRole::Member)
        .rejected(Rejection::MessageDeleted);
}

#[test]
fn only_messages_are_edited_and_deleted() {
    for seq in [1, 3, 99] {
        for command in [edit(seq), delete(seq)] {
            given::<Channel>(direct().sent(BOB))
                .when(BOB, command)
                .rejected(Rejection::NoSuchMessage);
        }
    }
}

#[test]
fn an_edit_of_a_version_one_has_not_seen_is_refused() {
    let past = || direct().sent(BOB).edited(BOB, 4, 2);
    for stale in [1, 3] {
        given::<Channel>(past())
            .when(BOB, edit_expecting(4, stale))
            .rejected(Rejection::VersionMismatch { current: 2 });
    }
    given::<Channel>(past())
        .when(BOB, edit_expecting(4, 2))
        .then([edited(4, 3)]);
}

#[test]
fn a_message_cannot_be_edited_beyond_its_last_version() {
    given::<Channel>(direct().sent(BOB).edited(BOB, 4, u16::MAX))
        .when(BOB, edit(4))
        .rejected(Rejection::VersionMismatch { current: u16::MAX });
}

#[test]
fn an_edit_mentions_only_present_members() {
    let with = |user| Command::Edit {
        message: message(4),
        body: body("better"),
        mentions: vec![user],
        expected_version: None,
    };
    let mention = Edited {
        message: message(4),
        seq: Some(4),
        version: 2,
        body: body("better"),
        mentions: vec![ALICE],
    };
    given::<Channel>(direct().sent(BOB))
        .when(BOB, with(ALICE))
        .repeatable(NEW_KEY)
        .then([Event::Edited(mention)]);
    given::<Channel>(direct().sent(BOB))
        .when(BOB, with(CAROL))
        .rejected(Rejection::UnknownMention);
}

#[test]
fn an_author_who_left_and_came_back_edits_only_what_they_still_see() {
    let back = |past: Past| past.added(ALICE, BOB).sent(BOB).left(BOB).added(ALICE, BOB);
    for command in [edit(4), delete(4)] {
        given::<Channel>(back(group()))
            .when(BOB, command)
            .rejected(Rejection::NoSuchMessage);
    }
    given::<Channel>(back(text_channel()))
        .when(BOB, edit(4))
        .as_role(SpaceRole::Guest)
        .repeatable(NEW_KEY)
        .then([edited(4, 2)]);
}

#[test]
fn the_author_deletes() {
    given::<Channel>(direct().sent(BOB))
        .when(BOB, delete(4))
        .then([deleted(4)]);
    given::<Channel>(text_channel().joined(BOB).sent(BOB))
        .when(BOB, delete(4))
        .as_role(SpaceRole::Guest)
        .then([deleted(4)]);
}

#[test]
fn moderators_of_the_space_delete_what_others_said() {
    for role in [SpaceRole::Moderator, SpaceRole::Admin, SpaceRole::Owner] {
        given::<Channel>(text_channel().joined(BOB).sent(ALICE))
            .when(BOB, delete(4))
            .as_role(role)
            .then([taken_away(4, ALICE)]);
    }
}

#[test]
fn below_moderator_nobody_deletes_what_others_said_even_in_a_channel_they_opened() {
    for role in [SpaceRole::Guest, SpaceRole::Member] {
        given::<Channel>(text_channel().joined(BOB).sent(BOB))
            .when(ALICE, delete(4))
            .as_role(role)
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn the_owner_of_a_group_deletes_what_others_said_and_others_do_not() {
    let past = || group().added(ALICE, BOB).added(ALICE, CAROL).sent(BOB);
    given::<Channel>(past())
        .when(ALICE, delete(5))
        .then([taken_away(5, BOB)]);
    given::<Channel>(past())
        .when(CAROL, delete(5))
        .rejected(Rejection::Forbidden);
}

#[test]
fn in_a_direct_conversation_each_deletes_only_their_own_words() {
    given::<Channel>(direct().sent(BOB))
        .when(ALICE, delete(4))
        .rejected(Rejection::Forbidden);
    given::<Channel>(direct().sent(ALICE))
        .when(BOB, delete(4))
        .rejected(Rejection::Forbidden);
}

#[test]
fn the_service_itself_deletes_anything() {
    given::<Channel>(direct().sent(BOB))
        .when(Actor::System, delete(4))
        .then([taken_away(4, BOB)]);
}

#[test]
fn deleting_twice_is_not_an_error_whatever_version_was_expected() {
    let past = || direct().sent(BOB).edited(BOB, 4, 2).deleted(BOB, 4);
    given::<Channel>(past()).when(BOB, delete(4)).then([]);
    given::<Channel>(past()).when(BOB, delete_expecting(4, 1)).then([]);
}

#[test]
fn who_may_not_delete_may_not_delete_the_deleted_either() {
    given::<Channel>(direct().sent(BOB).deleted(BOB, 4))
        .when(ALICE, delete(4))
        .rejected(Rejection::Forbidden);
}

#[test]
fn a_deletion_of_a_version_one_has_not_seen_is_refused() {
    let past = || direct().sent(BOB).edited(BOB, 4, 2);
    given::<Channel>(past())
        .when(BOB, delete_expecting(4, 1))
        .rejected(Rejection::VersionMismatch { current: 2 });
    given::<Channel>(past())
        .when(BOB, delete_expecting(4, 2))
        .then([deleted(4)]);
}
