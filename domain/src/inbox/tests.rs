//! The rules of inboxes, as sentences.

use super::*;
use crate::{Actor, given::*};

const GENERAL: ChannelId = ChannelId::from_u128(0x6e);
const NEWS: ChannelId = ChannelId::from_u128(0x2e);

fn mark_got(seq: u64) -> Command {
    Command::MarkGot { channel: GENERAL, seq }
}

fn mark_read(seq: u64) -> Command {
    Command::MarkRead { channel: GENERAL, seq }
}

fn got(seq: u64) -> (UserId, Event) {
    (ALICE, Event::Got(Got { channel: GENERAL, seq }))
}

fn read(seq: u64) -> (UserId, Event) {
    (ALICE, Event::Read(Read { channel: GENERAL, seq }))
}

#[test]
fn marks_rise() {
    given::<Inbox>([got(3)]).when(ALICE, mark_got(5)).then([got(5).1]);
    given::<Inbox>([read(3)]).when(ALICE, mark_read(5)).then([read(5).1]);
    nothing::<Inbox>().when(ALICE, mark_read(1)).then([read(1).1]);
}

#[test]
fn marks_never_fall_and_repeating_one_changes_nothing() {
    for seq in [0, 4, 5] {
        given::<Inbox>([got(5)]).when(ALICE, mark_got(seq)).then([]);
        given::<Inbox>([read(5)]).when(ALICE, mark_read(seq)).then([]);
    }
    nothing::<Inbox>().when(ALICE, mark_read(0)).then([]);
}

#[test]
fn what_was_read_has_arrived() {
    given::<Inbox>([read(5)]).when(ALICE, mark_got(5)).then([]);
    given::<Inbox>([read(5)]).when(ALICE, mark_got(6)).then([got(6).1]);
}

#[test]
fn what_arrived_is_not_yet_read() {
    given::<Inbox>([got(5)]).when(ALICE, mark_read(5)).then([read(5).1]);
}

#[test]
fn each_channel_has_marks_of_its_own() {
    let elsewhere = Command::MarkRead { channel: NEWS, seq: 2 };
    given::<Inbox>([read(5)])
        .when(ALICE, elsewhere)
        .then([Event::Read(Read { channel: NEWS, seq: 2 })]);
}

#[test]
fn only_the_owner_of_an_inbox_marks_in_it() {
    for command in [mark_got(9), mark_read(9), mark_read(0)] {
        given::<Inbox>([got(3)])
            .when(BOB, command.clone())
            .rejected(Rejection::NotOwner);
        given::<Inbox>([got(3)])
            .when(Actor::System, command.clone())
            .rejected(Rejection::NotOwner);
        nothing::<Inbox>()
            .when(Actor::System, command)
            .rejected(Rejection::NotOwner);
    }
}

#[test]
fn events_out_of_order_leave_the_highest_marks() {
    let state = given::<Inbox>([read(9), got(4), read(7)]).state;
    assert_eq!(state.marks(GENERAL), Marks { got: 9, read: 9 });
    assert_eq!(state.marks(NEWS), Marks::default());
}

#[test]
fn snapshots_come_back_whole_from_either_form() {
    let state = given::<Inbox>([read(9), got(12)]).state;
    let packed: State = rmp_serde::from_slice(&rmp_serde::to_vec(&state).expect("packs")).expect("unpacks");
    let read: State = serde_json::from_str(&serde_json::to_string(&state).expect("writes")).expect("reads");
    let whole = serde_json::to_value(&state).expect("a value");
    for copy in [packed, read] {
        assert_eq!(copy.marks(GENERAL), Marks { got: 12, read: 9 });
        assert_eq!(serde_json::to_value(&copy).expect("a value"), whole);
    }
    assert!(Inbox::weight(&state) > Inbox::weight(&State::default()));
}

#[test]
fn the_mark_of_notifications_rises_and_never_falls() {
    let seen = |up_to| Event::NotificationsRead(NotificationsRead { up_to });
    nothing::<Inbox>()
        .when(ALICE, Command::MarkNotifications { up_to: 7 })
        .then([seen(7)]);
    for up_to in [0, 6, 7] {
        given::<Inbox>([(ALICE, seen(7))])
            .when(ALICE, Command::MarkNotifications { up_to })
            .then([]);
    }
    given::<Inbox>([(ALICE, seen(7)), read(3)])
        .when(ALICE, Command::MarkNotifications { up_to: 8 })
        .then([seen(8)]);
    given::<Inbox>([read(3)])
        .when(BOB, Command::MarkNotifications { up_to: 8 })
        .rejected(Rejection::NotOwner);
    assert_eq!(
        given::<Inbox>([(ALICE, seen(7)), (ALICE, seen(5))])
            .state
            .notifications_read(),
        7
    );
}
