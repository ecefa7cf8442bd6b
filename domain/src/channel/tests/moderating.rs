//! What moderators do: take messages away and give them back, slow a channel down, and say why. And what muted people cannot.

use chrono::TimeDelta;

use super::*;
use crate::{Actor, space::Role as SpaceRole};

const BACK: &str = "without a change in between there is nothing to give back twice";

fn words(version: u16) -> Option<LastWords> {
    Some(LastWords {
        version,
        body: body("hello"),
        mentions: vec![CAROL],
    })
}

fn restore(seq: u64, words: Option<LastWords>) -> Command {
    Command::Restore {
        message: message(seq),
        reason: reason(),
        taken_by: None,
        words,
    }
}

fn restored(seq: u64, author: UserId, version: u16) -> Event {
    Event::Restored(Restored {
        message: message(seq),
        seq,
        author: Some(author),
        version,
        body: body("hello"),
        mentions: vec![CAROL],
        reason: reason(),
    })
}

/// A channel of a space in which Bob has said something at seq 4.
fn said_by_bob() -> Past {
    text_channel().joined(BOB).sent(BOB)
}

fn slowed(past: Past, seconds: u32) -> Past {
    past.updated(Updated {
        slow_mode_s: Some(SlowMode::parse(seconds).expect("in range")),
        ..UNCHANGED
    })
}

#[test]
fn a_deletion_by_a_moderator_says_whose_message_it_was_and_why() {
    let command = Command::Delete {
        message: message(4),
        expected_version: None,
        reason: Some(reason()),
    };
    let event = Event::Deleted(Deleted {
        message: message(4),
        author: Some(BOB),
        reason: Some(reason()),
    });
    given::<Channel>(said_by_bob())
        .when(ALICE, command)
        .as_role(SpaceRole::Moderator)
        .then([event]);
}

#[test]
fn what_a_moderator_took_away_a_moderator_gives_back() {
    for role in [SpaceRole::Moderator, SpaceRole::Admin, SpaceRole::Owner] {
        given::<Channel>(said_by_bob().deleted(ALICE, 4))
            .when(ALICE, restore(4, words(1)))
            .as_role(role)
            .then([restored(4, BOB, 1)]);
    }
    given::<Channel>(group().added(ALICE, BOB).sent(BOB).deleted(ALICE, 4))
        .when(ALICE, restore(4, words(1)))
        .then([restored(4, BOB, 1)]);
}

#[test]
fn below_moderator_nobody_gives_anything_back_not_even_their_own() {
    for (actor, role) in [
        (BOB, SpaceRole::Member),
        (BOB, SpaceRole::Guest),
        (ALICE, SpaceRole::Member),
    ] {
        given::<Channel>(said_by_bob().deleted(ALICE, 4))
            .when(actor, restore(4, words(1)))
            .as_role(role)
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn what_its_author_deleted_stays_deleted() {
    given::<Channel>(said_by_bob().deleted(BOB, 4))
        .when(ALICE, restore(4, words(1)))
        .as_role(SpaceRole::Owner)
        .rejected(Rejection::DeletedByAuthor);
}

#[test]
fn an_author_can_make_final_what_somebody_else_took_away() {
    given::<Channel>(said_by_bob().deleted(ALICE, 4))
        .when(BOB, delete(4))
        .as_role(SpaceRole::Member)
        .then([deleted(4)]);
    given::<Channel>(said_by_bob().deleted(ALICE, 4).deleted(BOB, 4))
        .when(ALICE, restore(4, words(1)))
        .as_role(SpaceRole::Owner)
        .rejected(Rejection::DeletedByAuthor);
}

#[test]
fn what_is_there_needs_no_giving_back() {
    given::<Channel>(said_by_bob())
        .when(ALICE, restore(4, None))
        .as_role(SpaceRole::Moderator)
        .then([]);
}

#[test]
fn only_the_newest_words_are_given_back() {
    let past = || said_by_bob().edited(BOB, 4, 2).deleted(ALICE, 4);
    for stale in [None, words(1)] {
        given::<Channel>(past())
            .when(ALICE, restore(4, stale))
            .as_role(SpaceRole::Moderator)
            .rejected(Rejection::VersionMismatch { current: 2 });
    }
    given::<Channel>(past())
        .when(ALICE, restore(4, words(2)))
        .as_role(SpaceRole::Moderator)
        .then([restored(4, BOB, 2)]);
}

#[test]
fn a_message_that_is_back_can_be_edited_and_taken_away_again() {
    let past = || said_by_bob().deleted(ALICE, 4).and(ALICE, restored(4, BOB, 1));
    given::<Channel>(past())
        .when(BOB, edit(4))
        .as_role(SpaceRole::Member)
        .repeatable(BACK)
        .then([edited(4, 2)]);
    given::<Channel>(past())
        .when(ALICE, delete(4))
        .as_role(SpaceRole::Moderator)
        .then([taken_away(4, BOB)]);
}

#[test]
fn the_place_of_the_newest_words_is_known() {
    let open = |past: Past| match past.state() {
        crate::channel::State::Open(open) => *open,
        crate::channel::State::Nothing => panic!("it was created"),
    };
    let at = |past: Past| {
        let at = open(past).words_at(message(4)).expect("a message");
        (at.seq, at.version, at.author)
    };
    assert_eq!(at(said_by_bob()), (4, 1, Some(BOB)));
    assert_eq!(at(said_by_bob().edited(BOB, 4, 2).deleted(BOB, 4)), (5, 2, Some(BOB)));
    assert_eq!(open(said_by_bob()).words_at(message(3)), None);
}

#[test]
fn operators_who_say_so_moderate_where_no_space_does_and_nothing_else() {
    let operator = || given::<Channel>(direct().sent(BOB));
    operator()
        .when(DAVE, delete(4))
        .acting_as(ServiceRole::Operator)
        .then([taken_away(4, BOB)]);
    given::<Channel>(direct().sent(BOB).and(DAVE, taken_away(4, BOB)))
        .when(DAVE, restore(4, words(1)))
        .acting_as(ServiceRole::Operator)
        .then([restored(4, BOB, 1)]);
    operator().when(DAVE, delete(4)).rejected(Rejection::NotFound);
    for command in [
        say("hello"),
        edit(4),
        rename("news"),
        Command::AddMember { user: CAROL },
    ] {
        operator()
            .when(DAVE, command)
            .acting_as(ServiceRole::Operator)
            .rejected(Rejection::NotFound);
    }
    operator()
        .when(DAVE, delete(4))
        .acting_as(ServiceRole::Auditor)
        .rejected(Rejection::NotFound);
}

#[test]
fn taking_back_one_deletion_leaves_another_as_it_is() {
    let taken_back = |taken_by| Command::Restore {
        message: message(4),
        reason: reason(),
        taken_by: Some(taken_by),
        words: words(1),
    };
    let once = || said_by_bob().and(ALICE, taken_away(4, BOB));
    let twice = || once().and(ALICE, restored(4, BOB, 1)).and(ALICE, taken_away(4, BOB));
    let given_back = |past: Past, deletion| {
        given::<Channel>(past)
            .when(ALICE, taken_back(event_at(deletion)))
            .as_role(SpaceRole::Owner)
    };
    given_back(once(), 5).then([restored(4, BOB, 1)]);
    given_back(twice(), 5).then([]);
    given_back(twice(), 7).then([restored(4, BOB, 1)]);
}

#[test]
fn an_operator_moderates_also_what_was_before_their_own_time() {
    let newcomer = || given::<Channel>(group().sent(ALICE).added(ALICE, DAVE));
    newcomer().when(DAVE, delete(3)).rejected(Rejection::NoSuchMessage);
    newcomer()
        .when(DAVE, delete(3))
        .acting_as(ServiceRole::Operator)
        .then([taken_away(3, ALICE)]);
}

#[test]
fn a_removal_can_say_why() {
    let command = Command::RemoveMember {
        user: BOB,
        reason: Some(reason()),
    };
    let event = Event::MemberRemoved(MemberRemoved {
        user: BOB,
        reason: Some(reason()),
        banned: false,
    });
    given::<Channel>(text_channel().joined(BOB))
        .when(ALICE, command)
        .as_role(SpaceRole::Moderator)
        .subject_role(SpaceRole::Member)
        .then([event]);
}

#[test]
fn in_slow_mode_people_wait_between_two_messages() {
    let past = || slowed(said_by_bob(), 30);
    given::<Channel>(past())
        .when(BOB, say("again"))
        .as_role(SpaceRole::Member)
        .later(TimeDelta::milliseconds(29_500))
        .rejected(Rejection::SlowMode { wait_ms: 500 });
    given::<Channel>(past())
        .when(BOB, say("again"))
        .as_role(SpaceRole::Member)
        .later(TimeDelta::seconds(30))
        .repeatable("the test sends both at one moment, which the past was not in")
        .then([said("again")]);
}

#[test]
fn slow_mode_counts_each_person_for_themselves_and_only_what_they_send() {
    given::<Channel>(slowed(said_by_bob().joined(CAROL), 30))
        .when(CAROL, say("first"))
        .as_role(SpaceRole::Member)
        .then([said("first")]);
    given::<Channel>(slowed(said_by_bob(), 30))
        .when(BOB, edit(4))
        .as_role(SpaceRole::Member)
        .repeatable("another edit is another version")
        .then([edited(4, 2)]);
}

#[test]
fn moderators_are_not_slowed() {
    for role in [SpaceRole::Moderator, SpaceRole::Admin, SpaceRole::Owner] {
        given::<Channel>(slowed(said_by_bob(), 21_600))
            .when(BOB, say("again"))
            .as_role(role)
            .repeatable("under another key it is another message")
            .then([said("again")]);
    }
    given::<Channel>(slowed(said_by_bob(), 30))
        .when(Actor::System, say("notice"))
        .repeatable("under another key it is another message")
        .then([said("notice")]);
}

#[test]
fn slow_mode_is_switched_by_admins_and_bounded() {
    let slow = |seconds| Command::Update {
        name: None,
        private: None,
        history: None,
        slow_mode_s: SlowMode::parse(seconds).ok(),
    };
    let changed = Updated {
        slow_mode_s: SlowMode::parse(30).ok(),
        ..UNCHANGED
    };
    given::<Channel>(text_channel())
        .when(ALICE, slow(30))
        .as_role(SpaceRole::Admin)
        .then([Event::Updated(changed)]);
    given::<Channel>(text_channel())
        .when(ALICE, slow(30))
        .as_role(SpaceRole::Moderator)
        .rejected(Rejection::Forbidden);
    given::<Channel>(slowed(text_channel(), 30))
        .when(ALICE, slow(30))
        .as_role(SpaceRole::Admin)
        .then([]);
    assert!(SlowMode::parse(21_600).is_ok() && SlowMode::parse(21_601).is_err());
}

#[test]
fn the_muted_neither_send_nor_edit_but_take_their_own_words_back() {
    for command in [say("hello"), edit(4)] {
        given::<Channel>(said_by_bob())
            .when(BOB, command)
            .as_role(SpaceRole::Member)
            .muted()
            .rejected(Rejection::Muted);
    }
    given::<Channel>(said_by_bob())
        .when(BOB, delete(4))
        .as_role(SpaceRole::Member)
        .muted()
        .then([deleted(4)]);
    given::<Channel>(said_by_bob())
        .when(CAROL, say("hello"))
        .muted()
        .rejected(Rejection::NotFound);
}
