//! Sending: who may, to whom it may refer, and by what name a message goes.

use super::*;
use crate::{Actor, limits, space::Role as SpaceRole};

fn reply(seq: u64) -> Command {
    Command::Send {
        body: body("indeed"),
        reply_to: Some(message(seq)),
        thread: None,
        mentions: vec![],
    }
}

fn mention(mentions: Vec<UserId>) -> Command {
    Command::Send {
        body: body("look"),
        reply_to: None,
        thread: None,
        mentions,
    }
}

fn replied(seq: u64, author: UserId) -> Event {
    Event::Sent(Sent {
        message: new_event(0).into(),
        body: body("indeed"),
        reply_to: Some(message(seq)),
        reply_to_author: Some(author),
        thread: None,
        depth: 0,
        mentions: vec![],
    })
}

fn mentioned(mentions: Vec<UserId>) -> Event {
    Event::Sent(Sent {
        message: new_event(0).into(),
        body: body("look"),
        reply_to: None,
        reply_to_author: None,
        thread: None,
        depth: 0,
        mentions,
    })
}

const NEW_KEY: &str = "under another key it is another message";

#[test]
fn every_member_sends_and_the_message_is_named_by_its_event() {
    given::<Channel>(direct())
        .when(BOB, say("hello"))
        .repeatable(NEW_KEY)
        .then([said("hello")]);
    given::<Channel>(group().added(ALICE, BOB))
        .when(BOB, say("hello"))
        .repeatable(NEW_KEY)
        .then([said("hello")]);
    for role in [SpaceRole::Guest, SpaceRole::Member, SpaceRole::Owner] {
        given::<Channel>(text_channel().joined(BOB))
            .when(BOB, say("hello"))
            .as_role(role)
            .repeatable(NEW_KEY)
            .then([said("hello")]);
    }
}

#[test]
fn who_came_back_sends_again() {
    given::<Channel>(group().added(ALICE, BOB).removed(BOB).added(ALICE, BOB))
        .when(BOB, say("back"))
        .repeatable(NEW_KEY)
        .then([said("back")]);
}

#[test]
fn the_service_itself_may_send() {
    given::<Channel>(text_channel())
        .when(Actor::System, say("notice"))
        .repeatable(NEW_KEY)
        .then([said("notice")]);
}

#[test]
fn a_message_answers_another() {
    given::<Channel>(direct().sent(BOB))
        .when(ALICE, reply(4))
        .repeatable(NEW_KEY)
        .then([replied(4, BOB)]);
}

#[test]
fn only_messages_of_this_channel_are_answered() {
    for seq in [1, 3, 99] {
        given::<Channel>(direct().sent(BOB))
            .when(ALICE, reply(seq))
            .rejected(Rejection::NoSuchMessage);
    }
}

#[test]
fn what_was_said_before_one_joined_cannot_be_answered_where_history_starts_at_joining() {
    let past = || group().sent(ALICE).added(ALICE, BOB).sent(ALICE);
    given::<Channel>(past())
        .when(BOB, reply(3))
        .rejected(Rejection::NoSuchMessage);
    given::<Channel>(past())
        .when(BOB, reply(5))
        .repeatable(NEW_KEY)
        .then([replied(5, ALICE)]);
    given::<Channel>(past())
        .when(ALICE, reply(3))
        .repeatable(NEW_KEY)
        .then([replied(3, ALICE)]);
}

#[test]
fn after_coming_back_the_time_before_is_gone_where_history_starts_at_joining() {
    let past = group().added(ALICE, BOB).sent(BOB).left(BOB).added(ALICE, BOB);
    given::<Channel>(past)
        .when(BOB, reply(4))
        .rejected(Rejection::NoSuchMessage);
}

#[test]
fn with_all_history_the_time_before_joining_can_be_answered() {
    given::<Channel>(text_channel().sent(ALICE).joined(BOB))
        .when(BOB, reply(3))
        .as_role(SpaceRole::Member)
        .repeatable(NEW_KEY)
        .then([replied(3, ALICE)]);
}

#[test]
fn mentions_are_recorded_once_each_in_a_fixed_order() {
    given::<Channel>(group().added(ALICE, BOB).added(ALICE, CAROL))
        .when(ALICE, mention(vec![CAROL, BOB, CAROL, ALICE]))
        .repeatable(NEW_KEY)
        .then([mentioned(vec![BOB, ALICE, CAROL])]);
}

#[test]
fn only_present_members_are_mentioned() {
    let past = || group().added(ALICE, BOB).left(BOB).added(ALICE, CAROL).removed(CAROL);
    for user in [BOB, CAROL, DAVE] {
        given::<Channel>(past())
            .when(ALICE, mention(vec![ALICE, user]))
            .rejected(Rejection::UnknownMention);
    }
}

#[test]
fn a_message_mentions_up_to_the_bound_and_no_more() {
    let crowd: Vec<_> = (1..=limits::MENTIONS_MAX + 1).map(someone).collect();
    let past = || crowd.iter().fold(group(), |past, user| past.added(ALICE, *user));
    let most = &crowd[..limits::MENTIONS_MAX];
    let mut repeated = most.to_vec();
    repeated.extend(most);
    given::<Channel>(past())
        .when(ALICE, mention(repeated))
        .repeatable(NEW_KEY)
        .then([mentioned(most.to_vec())]);
    given::<Channel>(past())
        .when(ALICE, mention(crowd.clone()))
        .rejected(Rejection::TooManyMentions {
            max: limits::MENTIONS_MAX,
        });
}

#[test]
fn between_two_of_whom_one_has_blocked_the_other_nothing_new_is_said() {
    for person in [ALICE, BOB] {
        given::<Channel>(direct())
            .when(person, say("hello?"))
            .with_a_block_between()
            .rejected(Rejection::Blocked);
        given::<Channel>(direct().sent(person))
            .when(person, edit(4))
            .with_a_block_between()
            .rejected(Rejection::Blocked);
        // What was said may still be taken back.
        given::<Channel>(direct().sent(person))
            .when(person, delete(4))
            .with_a_block_between()
            .then([deleted(4)]);
    }
    let open = || Command::OpenDirect { with: BOB };
    nothing::<Channel>()
        .when(ALICE, open())
        .with_a_block_between()
        .rejected(Rejection::Blocked);
    // The conversation there is remains, to be read.
    given::<Channel>(direct())
        .when(ALICE, open())
        .with_a_block_between()
        .then([]);
    // A stranger learns no more than otherwise.
    given::<Channel>(direct())
        .when(CAROL, say("hello?"))
        .with_a_block_between()
        .rejected(Rejection::NotFound);
}
