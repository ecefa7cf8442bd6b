//! From where on a member may read, and what the state tells those who read it.

use super::*;
use crate::{
    Coded, Decider, Meta,
    channel::{Standing, State},
};

fn visible_from(past: Past, user: UserId) -> Option<u64> {
    past.state().open().expect("open").visible_from(user)
}

#[test]
fn with_all_history_every_member_reads_from_the_beginning() {
    assert_eq!(visible_from(text_channel().sent(ALICE).joined(BOB), BOB), Some(1));
    assert_eq!(visible_from(direct(), BOB), Some(1));
}

#[test]
fn with_history_since_join_each_member_reads_from_their_own_joining() {
    let past = || group().sent(ALICE).added(ALICE, BOB).sent(BOB);
    assert_eq!(visible_from(past(), ALICE), Some(2));
    assert_eq!(visible_from(past(), BOB), Some(4));
}

#[test]
fn coming_back_counts_from_the_new_joining() {
    let past = || {
        group()
            .added(ALICE, BOB)
            .sent(ALICE)
            .left(BOB)
            .sent(ALICE)
            .added(ALICE, BOB)
    };
    assert_eq!(visible_from(past(), BOB), Some(7));
}

#[test]
fn whoever_is_out_reads_nothing() {
    assert_eq!(visible_from(text_channel().joined(BOB).left(BOB), BOB), None);
    assert_eq!(visible_from(text_channel().joined(BOB).removed(BOB), BOB), None);
    assert_eq!(visible_from(text_channel(), DAVE), None);
}

#[test]
fn changing_the_history_setting_changes_what_members_read_at_once() {
    assert_eq!(
        visible_from(text_channel().sent(ALICE).joined(BOB).since_join(), BOB),
        Some(4)
    );
    let opened = group().sent(ALICE).added(ALICE, BOB).updated(Updated {
        history: Some(History::All),
        ..UNCHANGED
    });
    assert_eq!(visible_from(opened, BOB), Some(1));
}

#[test]
fn being_added_once_more_changes_the_role_but_not_what_was_visible() {
    let again = Event::MemberAdded(MemberAdded {
        user: BOB,
        role: Role::Owner,
    });
    let state = group().added(ALICE, BOB).sent(ALICE).and(ALICE, again).state();
    let open = state.open().expect("open");
    assert_eq!(
        open.standing(BOB),
        Some(Standing::Member {
            role: Role::Owner,
            since: 3
        })
    );
    assert_eq!(open.members_count(), 2);
}

#[test]
fn the_state_counts_members_and_messages_as_the_log_tells_them() {
    let state = text_channel()
        .joined(BOB)
        .joined(CAROL)
        .left(CAROL)
        .sent(BOB)
        .edited(BOB, 6, 2)
        .deleted(ALICE, 6)
        .state();
    let open = state.open().expect("open");
    let mut members: Vec<_> = open.members().collect();
    members.sort_by_key(|(user, _)| *user);
    assert_eq!(members, [(BOB, Role::Member), (ALICE, Role::Owner)]);
    assert_eq!(open.members_count(), 2);
    assert_eq!(open.top, 8);
    assert_eq!(
        open.message(message(6))
            .map(|fact| (fact.seq, fact.version, fact.is_deleted())),
        Some((6, 2, true))
    );
    assert!(open.is_deleted(message(6)));
    assert!(
        open.message(message(5)).is_none(),
        "a membership event is not a message"
    );
    assert!(!open.is_deleted(message(5)));
}

#[test]
fn every_event_is_found_at_its_revision_and_no_other_is() {
    let state = text_channel()
        .joined(BOB)
        .sent(BOB)
        .edited(BOB, 4, 2)
        .deleted(BOB, 4)
        .archived()
        .state();
    for seq in 1..=7 {
        assert_eq!(Channel::seen(&state, event_at(seq)), Some(seq - 1), "seq {seq}");
    }
    assert_eq!(Channel::seen(&state, event_at(8)), None);
    assert_eq!(Channel::seen(&State::Nothing, event_at(1)), None);
}

#[test]
fn a_message_that_is_not_named_by_its_event_is_still_found_by_it() {
    let odd = Event::Sent(Sent {
        message: message(77),
        body: body("imported"),
        reply_to: None,
        reply_to_author: None,
        thread: None,
        depth: 0,
        mentions: vec![],
    });
    let state = text_channel().and(ALICE, odd).state();
    assert_eq!(Channel::seen(&state, event_at(3)), Some(2));
    assert!(state.open().expect("open").message(message(77)).is_some());
}

#[test]
fn events_before_the_channel_exists_and_a_second_creation_change_nothing_that_matters() {
    let mut state = State::default();
    let meta = Meta {
        id: event_at(1),
        revision: 0,
        actor: ALICE.into(),
        at: NOON,
    };
    Channel::evolve(&mut state, &added(ALICE), &meta);
    assert!(state.open().is_none());
    let twice = text_channel().joined(BOB).and(BOB, group().0[0].1.clone()).state();
    let open = twice.open().expect("open");
    assert_eq!((open.kind, open.members_count(), open.top), (Kind::Text, 2, 4));
}

#[test]
fn edits_and_deletions_of_unknown_messages_are_passed_over() {
    let state = text_channel().edited(ALICE, 50, 2).deleted(ALICE, 51).state();
    let open = state.open().expect("open");
    assert!(open.message(message(50)).is_none() && open.message(message(51)).is_none());
    assert_eq!(open.top, 4);
}

#[test]
fn revisions_beyond_the_bound_do_not_break_the_fold() {
    let mut state = text_channel().state();
    for (id, revision) in [(event_at(3), u64::from(u32::MAX)), (event_at(4), u64::MAX - 1)] {
        let sent = Event::Sent(Sent {
            message: id.into(),
            body: body("far"),
            reply_to: None,
            reply_to_author: None,
            thread: None,
            depth: 0,
            mentions: vec![],
        });
        Channel::evolve(
            &mut state,
            &sent,
            &Meta {
                id,
                revision,
                actor: ALICE.into(),
                at: NOON,
            },
        );
        assert!(Channel::seen(&state, id).is_some());
    }
}

#[test]
fn the_weight_grows_with_what_is_kept() {
    let empty = Channel::weight(&text_channel().state());
    let many = (0..1000).fold(text_channel(), |past, _| past.sent(ALICE));
    assert_eq!(Channel::weight(&State::Nothing), 0);
    assert!(Channel::weight(&many.state()) > empty + 1000 * 28);
}

#[test]
fn snapshots_come_back_whole_from_either_form() {
    let state = group()
        .added(ALICE, BOB)
        .sent(BOB)
        .edited(BOB, 4, 2)
        .left(BOB)
        .removed(CAROL)
        .state();
    let packed = rmp_serde::to_vec(&state).expect("packs");
    let text = serde_json::to_string(&state).expect("writes");
    let copies: [State; 2] = [
        rmp_serde::from_slice(&packed).expect("unpacks"),
        serde_json::from_str(&text).expect("reads"),
    ];
    let whole = serde_json::to_value(&state).expect("a value");
    for copy in copies {
        assert_eq!(serde_json::to_value(&copy).expect("a value"), whole);
        assert_eq!(Channel::seen(&copy, event_at(4)), Some(3));
    }
}

#[test]
fn stored_payloads_of_unknown_shape_are_errors_that_do_not_quote_them() {
    let error = Event::decode("message.sent", 1, br#"{"message":"secret words"}"#).expect_err("malformed");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert!(Event::decode("message.sent", 2, b"{}").is_err());
    assert!(Event::decode("message.whispered", 1, b"{}").is_err());
}
