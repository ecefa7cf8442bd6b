//! Words that were deleted and are to be seen again, from the window as from the log.

use super::*;

fn restored(n: u128, words: &str) -> channel::Event {
    channel::Event::Restored(channel::Restored {
        message: message(n),
        seq: n as u64,
        author: Some(ANN),
        version: 1,
        body: MessageBody::parse(words).expect("valid"),
        mentions: vec![],
        reason: domain::Reason::parse("it was a mistake").expect("valid"),
    })
}

#[test]
fn what_was_taken_out_of_a_window_is_read_from_the_log_once_it_is_to_be_seen_again() {
    let mut window = Window::default();
    window.push(live(0, &sent(2, "before")));
    window.push(live(1, &sent(1, "back soon")));
    window.push(live(2, &sent(3, "between")));
    window.push(live(3, &deleted(1)));
    window.push(live(4, &restored(1, "back soon")));
    assert!(matches!(window.from(2, usize::MAX), Hot::Older));
    let Hot::Events { events, .. } = window.from(3, usize::MAX) else {
        panic!("the window holds them")
    };
    assert_eq!(events.len(), 3);
    assert_eq!(words(&events[2]), json!("back soon"));
}

#[test]
fn words_that_were_given_back_leave_the_window_when_they_are_deleted_again() {
    let mut window = Window::default();
    window.push(live(0, &restored(1, "secret")));
    window.push(live(1, &deleted(1)));
    let Hot::Events { events, .. } = window.from(1, usize::MAX) else {
        panic!("the window holds them")
    };
    assert_eq!(words(&events[0]), Value::Null);
    let cold = LiveEvent::encode(&recorded(0, &restored(1, "secret")), |_| true).expect("valid");
    assert_eq!(events[0].frame_for(&of(BOB, 1, 1)), cold.frame_for(&of(BOB, 1, 1)));
}

#[test]
fn words_from_before_somebodys_time_are_not_for_them_by_whatever_event_they_come() {
    let edited = |seq| {
        channel::Event::Edited(channel::Edited {
            message: message(3),
            seq,
            version: 2,
            body: MessageBody::parse("secret").expect("valid"),
            mentions: vec![ANN],
        })
    };
    let newcomer = Cursor::new(CHANNEL, BOB, Sight { since: 5, from: 5 }, 5);
    for event in [restored(3, "secret"), edited(Some(3)), edited(None)] {
        let event = live(5, &event);
        let shown: Value = serde_json::from_str(&event.item_for(&newcomer)).expect("valid JSON");
        assert_eq!(shown["d"]["body"], Value::Null);
        assert_eq!(
            (&shown["d"]["mentions"], &shown["d"]["author"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(shown["d"]["message"], json!(message(3)));
        assert_eq!(words(&event), json!("secret"), "to those who were there");
        let run = &run::runs(&[Arc::clone(&event)])[0];
        assert!(run.concerns(&newcomer) && !run.concerns(&of(BOB, 1, 1)));
    }
    let since_then = live(5, &edited(Some(5)));
    assert_eq!(since_then.frame_for(&newcomer), since_then.frame_for(&of(BOB, 1, 1)));
}
