//! Reactions, votes and pins: who may, on what, how many, and what repeating them does.

use super::*;
use crate::{Actor, limits, space::Role as SpaceRole, user::ServiceRole};

fn react(seq: u64) -> Command {
    Command::React {
        message: message(seq),
        emoji: emoji(),
    }
}

fn unreact(seq: u64) -> Command {
    Command::Unreact {
        message: message(seq),
        emoji: emoji(),
    }
}

fn vote(seq: u64, vote: impl Into<Option<Vote>>) -> Command {
    Command::Vote {
        message: message(seq),
        vote: vote.into(),
    }
}

fn pin(seq: u64) -> Command {
    Command::Pin { message: message(seq) }
}

fn unpin(seq: u64) -> Command {
    Command::Unpin { message: message(seq) }
}

fn reacted(seq: u64) -> Event {
    Event::Reacted(Reacted {
        message: message(seq),
        emoji: emoji(),
    })
}

fn unreacted(seq: u64) -> Event {
    Event::Unreacted(Unreacted {
        message: message(seq),
        emoji: emoji(),
    })
}

fn voted(seq: u64, vote: Vote) -> Event {
    Event::Voted(Voted {
        message: message(seq),
        vote,
    })
}

fn unvoted(seq: u64) -> Event {
    Event::Unvoted(Unvoted { message: message(seq) })
}

fn pinned(seq: u64) -> Event {
    Event::Pinned(Pinned { message: message(seq) })
}

fn unpinned(seq: u64) -> Event {
    Event::Unpinned(Unpinned { message: message(seq) })
}

/// A message of Bob's at seq 4.
fn talk() -> Past {
    direct().sent(BOB)
}

#[test]
fn everyone_in_the_channel_reacts_and_twice_is_once() {
    for user in [ALICE, BOB] {
        given::<Channel>(talk()).when(user, react(4)).then([reacted(4)]);
        given::<Channel>(talk().and(user, reacted(4)))
            .when(user, react(4))
            .then([]);
    }
    given::<Channel>(talk().and(BOB, reacted(4)))
        .when(ALICE, react(4))
        .then([reacted(4)]);
    given::<Channel>(text_channel().sent(ALICE).joined(BOB))
        .when(BOB, react(3))
        .as_role(SpaceRole::Guest)
        .then([reacted(3)]);
}

#[test]
fn only_ones_own_reaction_is_taken_back() {
    given::<Channel>(talk().and(ALICE, reacted(4)))
        .when(ALICE, unreact(4))
        .then([unreacted(4)]);
    given::<Channel>(talk().and(BOB, reacted(4)))
        .when(ALICE, unreact(4))
        .then([]);
    given::<Channel>(talk().and(ALICE, reacted(4)).and(ALICE, unreacted(4)))
        .when(ALICE, unreact(4))
        .then([]);
    given::<Channel>(talk().and(ALICE, reacted(4)).and(ALICE, unreacted(4)))
        .when(ALICE, react(4))
        .then([reacted(4)]);
}

#[test]
fn a_message_takes_only_so_many_kinds_and_more_of_those() {
    const MAX: usize = limits::REACTION_KINDS_MAX;
    let other = |number: usize| Emoji::parse(&format!(":n{number}:")).expect("an emoji");
    let full = || {
        (0..MAX).fold(talk(), |past, number| {
            let emoji = other(number);
            past.and(
                BOB,
                Event::Reacted(Reacted {
                    message: message(4),
                    emoji,
                }),
            )
        })
    };
    given::<Channel>(full())
        .when(ALICE, react(4))
        .rejected(Rejection::TooManyReactions { max: MAX });
    let (message, emoji) = (message(4), other(MAX - 1));
    let command = Command::React {
        message,
        emoji: emoji.clone(),
    };
    given::<Channel>(full())
        .when(ALICE, command)
        .then([Event::Reacted(Reacted {
            message,
            emoji: emoji.clone(),
        })]);
    given::<Channel>(full().and(BOB, Event::Unreacted(Unreacted { message, emoji })))
        .when(ALICE, react(4))
        .then([reacted(4)]);
}

#[test]
fn a_vote_is_given_changed_and_taken_back() {
    let past = || talk().and(ALICE, voted(4, Vote::Up));
    given::<Channel>(talk())
        .when(ALICE, vote(4, Vote::Up))
        .then([voted(4, Vote::Up)]);
    given::<Channel>(past()).when(ALICE, vote(4, Vote::Up)).then([]);
    given::<Channel>(past())
        .when(ALICE, vote(4, Vote::Down))
        .then([voted(4, Vote::Down)]);
    given::<Channel>(past()).when(ALICE, vote(4, None)).then([unvoted(4)]);
    given::<Channel>(talk()).when(ALICE, vote(4, None)).then([]);
    given::<Channel>(past().and(ALICE, unvoted(4)))
        .when(ALICE, vote(4, None))
        .then([]);
    given::<Channel>(past().and(ALICE, unvoted(4)))
        .when(ALICE, vote(4, Vote::Up))
        .then([voted(4, Vote::Up)]);
    given::<Channel>(past().and(ALICE, voted(4, Vote::Down)))
        .when(ALICE, vote(4, Vote::Down))
        .then([]);
}

#[test]
fn nobody_votes_on_their_own_words() {
    for given_vote in [Vote::Up, Vote::Down] {
        given::<Channel>(talk())
            .when(BOB, vote(4, given_vote))
            .rejected(Rejection::OwnVote);
    }
}

#[test]
fn who_moderates_pins_and_in_a_conversation_of_two_either() {
    let channel = || text_channel().sent(ALICE).joined(BOB);
    for role in [SpaceRole::Moderator, SpaceRole::Admin, SpaceRole::Owner] {
        given::<Channel>(channel())
            .when(BOB, pin(3))
            .as_role(role)
            .then([pinned(3)]);
    }
    for role in [SpaceRole::Guest, SpaceRole::Member] {
        for command in [pin(3), unpin(3)] {
            given::<Channel>(channel())
                .when(BOB, command)
                .as_role(role)
                .rejected(Rejection::Forbidden);
        }
    }
    for user in [ALICE, BOB] {
        given::<Channel>(talk()).when(user, pin(4)).then([pinned(4)]);
    }
    let group = || group().added(ALICE, BOB).sent(BOB);
    given::<Channel>(group()).when(ALICE, pin(4)).then([pinned(4)]);
    given::<Channel>(group())
        .when(BOB, pin(4))
        .rejected(Rejection::Forbidden);
    given::<Channel>(group()).when(Actor::System, pin(4)).then([pinned(4)]);
}

#[test]
fn pinning_twice_is_once_and_anyone_who_pins_unpins() {
    given::<Channel>(talk().and(BOB, pinned(4)))
        .when(ALICE, pin(4))
        .then([]);
    given::<Channel>(talk().and(BOB, pinned(4)))
        .when(ALICE, unpin(4))
        .then([unpinned(4)]);
    given::<Channel>(talk()).when(ALICE, unpin(4)).then([]);
}

#[test]
fn a_channel_pins_only_so_many_and_what_is_deleted_makes_room() {
    const MAX: usize = limits::PINS_MAX;
    let full = || {
        let sent = (0..=MAX).fold(direct(), |past, _| past.sent(BOB));
        (0..MAX).fold(sent, |past, number| past.and(BOB, pinned(4 + number as u64)))
    };
    let last = 4 + MAX as u64;
    given::<Channel>(full())
        .when(ALICE, pin(last))
        .rejected(Rejection::TooManyPins { max: MAX });
    given::<Channel>(full().deleted(BOB, 4))
        .when(ALICE, pin(last))
        .then([pinned(last)]);
    given::<Channel>(full().deleted(BOB, 4)).when(ALICE, unpin(4)).then([]);
}

#[test]
fn what_is_deleted_is_not_judged() {
    for command in [react(4), unreact(4), vote(4, Vote::Up), vote(4, None), pin(4)] {
        given::<Channel>(talk().and(ALICE, reacted(4)).deleted(BOB, 4))
            .when(ALICE, command)
            .rejected(Rejection::MessageDeleted);
    }
}

#[test]
fn a_reaction_comes_back_with_its_message_and_a_pin_does_not() {
    let restored = Event::Restored(Restored {
        message: message(4),
        seq: 4,
        author: Some(BOB),
        version: 1,
        body: body("hello"),
        mentions: vec![],
        reason: reason(),
    });
    let past = || {
        let before = talk().and(ALICE, reacted(4)).and(ALICE, pinned(4));
        before.deleted(ALICE, 4).and(ALICE, restored.clone())
    };
    given::<Channel>(past()).when(ALICE, react(4)).then([]);
    given::<Channel>(past()).when(ALICE, pin(4)).then([pinned(4)]);
}

#[test]
fn what_one_may_not_see_does_not_exist() {
    for command in [react(3), unreact(3), vote(3, Vote::Up), vote(3, None)] {
        given::<Channel>(group().sent(ALICE).added(ALICE, BOB))
            .when(BOB, command.clone())
            .rejected(Rejection::NoSuchMessage);
        given::<Channel>(group().sent(ALICE))
            .when(CAROL, command.clone())
            .rejected(Rejection::NotFound);
        nothing::<Channel>().when(CAROL, command).rejected(Rejection::NotFound);
    }
    for command in [pin(1), unpin(1), react(2), vote(9, Vote::Down)] {
        given::<Channel>(talk())
            .when(ALICE, command)
            .rejected(Rejection::NoSuchMessage);
    }
    for command in [pin(3), unpin(3)] {
        given::<Channel>(group().sent(ALICE))
            .when(CAROL, command)
            .rejected(Rejection::NotFound);
    }
}

#[test]
fn archived_channels_and_spaces_take_none() {
    for command in [react(4), unreact(4), vote(4, Vote::Up), vote(4, None), pin(4), unpin(4)] {
        let group = || group().added(ALICE, BOB).sent(BOB);
        given::<Channel>(group().archived())
            .when(ALICE, command.clone())
            .rejected(Rejection::Archived);
        given::<Channel>(text_channel().joined(BOB).sent(BOB))
            .when(ALICE, command)
            .as_role(SpaceRole::Owner)
            .in_an_archived_space()
            .rejected(Rejection::Archived);
    }
}

#[test]
fn the_muted_and_the_blocked_take_back_but_add_nothing() {
    let channel = || text_channel().sent(ALICE).joined(BOB);
    for command in [react(3), vote(3, Vote::Up), pin(3)] {
        given::<Channel>(channel())
            .when(BOB, command)
            .as_role(SpaceRole::Moderator)
            .muted()
            .rejected(Rejection::Muted);
    }
    given::<Channel>(channel().and(BOB, reacted(3)))
        .when(BOB, unreact(3))
        .as_role(SpaceRole::Member)
        .muted()
        .then([unreacted(3)]);
    for command in [react(4), vote(4, Vote::Up), pin(4)] {
        given::<Channel>(talk())
            .when(ALICE, command)
            .with_a_block_between()
            .rejected(Rejection::Blocked);
    }
    given::<Channel>(talk().and(ALICE, voted(4, Vote::Up)))
        .when(ALICE, vote(4, None))
        .with_a_block_between()
        .then([unvoted(4)]);
}

#[test]
fn slow_mode_is_about_messages() {
    let slow = Updated {
        slow_mode_s: SlowMode::parse(60).ok(),
        ..UNCHANGED
    };
    given::<Channel>(text_channel().joined(BOB).sent(ALICE).sent(BOB).updated(slow))
        .when(BOB, react(4))
        .as_role(SpaceRole::Member)
        .then([reacted(4)]);
}

#[test]
fn the_service_has_no_opinion_and_operators_judge_nothing() {
    for command in [react(4), vote(4, Vote::Up)] {
        given::<Channel>(talk())
            .when(Actor::System, command)
            .rejected(Rejection::Forbidden);
    }
    for command in [react(4), vote(4, Vote::Up), pin(4), unpin(4)] {
        given::<Channel>(talk())
            .when(CAROL, command)
            .acting_as(ServiceRole::Operator)
            .rejected(Rejection::NotFound);
    }
}

#[test]
fn opinions_weigh_something() {
    let weight = |past: Past| <Channel as crate::Decider>::weight(&past.state());
    let judged = talk()
        .and(ALICE, reacted(4))
        .and(ALICE, voted(4, Vote::Up))
        .and(ALICE, pinned(4));
    assert!(weight(judged) > weight(talk()));
}
