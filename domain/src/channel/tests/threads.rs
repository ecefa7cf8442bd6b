//! Threads: where they begin, what belongs to them, and how deep comments go in a forum.

use super::*;
use crate::{Actor, limits, space::Role as SpaceRole};

const NEW_KEY: &str = "under another key it is another message";

fn sent_in(by: UserId, seq: u64, thread: u64, reply_to: Option<u64>, depth: u8) -> (UserId, Event) {
    let sent = Sent {
        message: message(seq),
        body: body("hello"),
        reply_to: reply_to.map(message),
        reply_to_author: None,
        thread: Some(message(thread)),
        depth,
        mentions: vec![],
    };
    (by, Event::Sent(sent))
}

fn comment(thread: Option<u64>, reply_to: Option<u64>) -> Command {
    Command::Send {
        body: body("indeed"),
        reply_to: reply_to.map(message),
        thread: thread.map(message),
        mentions: vec![],
    }
}

fn commented(thread: u64, reply_to: Option<(u64, UserId)>, depth: u8) -> Event {
    Event::Sent(Sent {
        message: new_event(0).into(),
        body: body("indeed"),
        reply_to: reply_to.map(|(seq, _)| message(seq)),
        reply_to_author: reply_to.map(|(_, author)| author),
        thread: Some(message(thread)),
        depth,
        mentions: vec![],
    })
}

/// A post by Alice at seq 3 and one by Bob at 5, a comment by Bob on the first at 6 and one by Alice on that at 7.
fn discussion() -> Past {
    let past = forum().sent(ALICE).joined(BOB).sent(BOB);
    let (first, second) = (sent_in(BOB, 6, 3, Some(3), 1), sent_in(ALICE, 7, 3, Some(6), 2));
    past.and(first.0, first.1).and(second.0, second.1)
}

#[test]
fn a_message_belongs_to_the_thread_of_another() {
    given::<Channel>(direct().sent(BOB))
        .when(ALICE, comment(Some(4), None))
        .repeatable(NEW_KEY)
        .then([commented(4, None, 0)]);
    given::<Channel>(direct().sent(BOB))
        .when(ALICE, comment(Some(4), Some(4)))
        .repeatable(NEW_KEY)
        .then([commented(4, Some((4, BOB)), 0)]);
}

#[test]
fn within_a_thread_one_answers_what_belongs_to_it() {
    let (by, first) = sent_in(ALICE, 6, 4, None, 0);
    let past = || direct().sent(BOB).sent(BOB).and(by, first.clone());
    given::<Channel>(past())
        .when(BOB, comment(Some(4), Some(6)))
        .repeatable(NEW_KEY)
        .then([commented(4, Some((6, ALICE)), 0)]);
    for (thread, reply_to) in [(5, 6), (4, 5), (5, 4)] {
        given::<Channel>(past())
            .when(BOB, comment(Some(thread), Some(reply_to)))
            .rejected(Rejection::OtherThread);
    }
}

#[test]
fn a_thread_begins_with_a_message_that_is_there_and_in_no_thread() {
    let (by, first) = sent_in(ALICE, 5, 4, None, 0);
    given::<Channel>(direct().sent(BOB).and(by, first))
        .when(BOB, comment(Some(5), None))
        .rejected(Rejection::ThreadInThread);
    given::<Channel>(direct().sent(BOB).deleted(BOB, 4))
        .when(ALICE, comment(Some(4), None))
        .rejected(Rejection::MessageDeleted);
    for other in [1, 3, 9] {
        given::<Channel>(direct().sent(BOB))
            .when(ALICE, comment(Some(other), None))
            .rejected(Rejection::NoSuchMessage);
    }
}

#[test]
fn a_thread_from_before_ones_time_does_not_exist() {
    given::<Channel>(group().sent(ALICE).added(ALICE, BOB))
        .when(BOB, comment(Some(3), None))
        .rejected(Rejection::NoSuchMessage);
}

#[test]
fn in_a_forum_a_message_is_a_post_or_a_comment_on_one() {
    let when = |command: Command| {
        given::<Channel>(discussion())
            .when(BOB, command)
            .as_role(SpaceRole::Member)
            .repeatable(NEW_KEY)
    };
    when(say("a post")).then([said("a post")]);
    when(comment(Some(3), Some(3))).then([commented(3, Some((3, ALICE)), 1)]);
    when(comment(Some(3), Some(6))).then([commented(3, Some((6, BOB)), 2)]);
    when(comment(Some(3), Some(7))).then([commented(3, Some((7, ALICE)), 3)]);
}

#[test]
fn who_comments_without_saying_on_what_answers_the_post() {
    given::<Channel>(discussion())
        .when(BOB, comment(Some(3), None))
        .as_role(SpaceRole::Member)
        .repeatable(NEW_KEY)
        .then([commented(3, Some((3, ALICE)), 1)]);
}

#[test]
fn in_a_forum_an_answer_names_its_post_and_stays_with_it() {
    let when = |command: Command| {
        given::<Channel>(discussion())
            .when(BOB, command)
            .as_role(SpaceRole::Member)
    };
    when(comment(None, Some(3))).rejected(Rejection::ThreadMissing);
    when(comment(None, Some(6))).rejected(Rejection::ThreadMissing);
    when(comment(Some(5), Some(6))).rejected(Rejection::OtherThread);
    when(comment(Some(3), Some(5))).rejected(Rejection::OtherThread);
    when(comment(Some(6), Some(6))).rejected(Rejection::ThreadInThread);
}

#[test]
fn comments_are_nested_only_so_deep() {
    const MAX: u8 = limits::COMMENT_DEPTH_MAX;
    let mut past = forum().sent(ALICE);
    for depth in 1..=MAX {
        let (by, event) = sent_in(ALICE, 3 + u64::from(depth), 3, Some(2 + u64::from(depth)), depth);
        past = past.and(by, event);
    }
    let state = given::<Channel>(past).state;
    let deepest = state
        .open()
        .and_then(|open| open.place(message(3 + u64::from(MAX))))
        .expect("a comment");
    assert_eq!((deepest.root, deepest.depth), (3, MAX));
    let mut past = forum().sent(ALICE);
    for depth in 1..=MAX {
        let (by, event) = sent_in(ALICE, 3 + u64::from(depth), 3, Some(2 + u64::from(depth)), depth);
        past = past.and(by, event);
    }
    let on = |seq: u64| comment(Some(3), Some(seq));
    given::<Channel>(past)
        .when(ALICE, on(3 + u64::from(MAX)))
        .as_role(SpaceRole::Owner)
        .rejected(Rejection::TooDeep { max: MAX });
}

#[test]
fn nobody_answers_what_is_deleted() {
    let when = |past: Past, command: Command| given::<Channel>(past).when(BOB, command).as_role(SpaceRole::Member);
    when(discussion().deleted(ALICE, 3), comment(Some(3), Some(6))).rejected(Rejection::MessageDeleted);
    when(discussion().deleted(ALICE, 7), comment(Some(3), Some(7))).rejected(Rejection::MessageDeleted);
    given::<Channel>(direct().sent(BOB).deleted(BOB, 4))
        .when(ALICE, comment(None, Some(4)))
        .rejected(Rejection::MessageDeleted);
}

#[test]
fn comments_wait_in_slow_mode_and_archived_channels_take_none() {
    let slow = Updated {
        slow_mode_s: SlowMode::parse(60).ok(),
        ..UNCHANGED
    };
    given::<Channel>(discussion().updated(slow))
        .when(BOB, comment(Some(3), Some(3)))
        .as_role(SpaceRole::Member)
        .rejected(Rejection::SlowMode { wait_ms: 60_000 });
    given::<Channel>(discussion().archived())
        .when(BOB, comment(Some(3), Some(3)))
        .as_role(SpaceRole::Member)
        .rejected(Rejection::Archived);
}

#[test]
fn what_the_service_wrote_has_no_author_to_name() {
    given::<Channel>(direct().and(BOB, said("x")))
        .when(Actor::System, comment(None, Some(4)))
        .rejected(Rejection::NoSuchMessage);
    let state = given::<Channel>(discussion()).state;
    let open = state.open().expect("a channel");
    assert!(open.is_author(ALICE, message(3)) && !open.is_author(BOB, message(3)));
    assert_eq!(open.place(message(3)), None);
    assert_eq!(
        open.place(message(7)).map(|place| (place.root, place.depth)),
        Some((3, 2))
    );
}
