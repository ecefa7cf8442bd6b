//! What becomes of commands before they reach their streams, and of their outcomes after.

use std::sync::Arc;

use bytes::Bytes;
use domain::{MessageBody, UserId};
use event_store::{Identity, NewEvent, Recorded, StreamName};

use super::*;

const ANN: UserId = UserId::from_u128(1);
const CHANNEL: ChannelId = ChannelId::from_u128(2);
const LOG: Identity = Identity {
    id: Uuid::from_u128(7),
    incarnation: 1,
};

fn d(text: &str) -> Option<Box<RawValue>> {
    Some(RawValue::from_string(text.to_owned()).expect("valid JSON"))
}

fn outcome(events: Vec<Arc<Recorded>>) -> Outcome {
    Outcome {
        events,
        replayed: false,
        top: 9,
        position: 40,
    }
}

fn recorded(revision: u64) -> Arc<Recorded> {
    Arc::new(Recorded {
        position: 40,
        stream: StreamName::new("channel", CHANNEL.uuid()),
        revision,
        event: NewEvent {
            id: Uuid::from_u128(5),
            kind: "message.sent".into(),
            version: 1,
            actor: ANN.uuid(),
            key: "k".into(),
            intent: [0; 16],
            request_id: Uuid::nil(),
            recorded_at: DateTime::UNIX_EPOCH,
            payload: Bytes::new(),
        },
    })
}

#[test]
fn wrong_fields_of_a_command_are_named_from_the_frame_on() {
    let body = parse::<messages::Send, _>(d(r#"{"body":""}"#), messages::Send::into_command).expect_err("empty");
    assert_eq!(body.errors()[0].pointer, "/d/body");
    let kind = parse::<messages::Send, _>(d(r#"{"body":7}"#), messages::Send::into_command).expect_err("a number");
    assert_eq!(
        (kind.code(), kind.errors()[0].pointer.as_str()),
        ("request/invalid", "/d/body")
    );
}

#[test]
fn a_command_that_says_nothing_may_leave_out_its_d() {
    assert_eq!(
        parse::<channels::Nothing, _>(None, |_| Ok(Command::Join)).expect("valid"),
        Command::Join
    );
    assert!(parse::<channels::Nothing, _>(d(r#"{"user":"user_1"}"#), |_| Ok(Command::Join)).is_err());
}

#[test]
fn a_send_is_acknowledged_with_the_message_it_made() {
    let body = MessageBody::parse("hello").expect("valid");
    let about = About::of(&Command::Send {
        body,
        reply_to: None,
        thread: None,
        mentions: vec![],
    });
    let ack = ack(CHANNEL, about, &outcome(vec![recorded(8)]), Pos::new(LOG, 40));
    let event = EventId::from_u128(5);
    let expected = Ack {
        seq: 9,
        event: Some(event),
        message: Some(event.into()),
        channel: CHANNEL,
        pos: Pos::new(LOG, 40).to_string(),
        at: DateTime::UNIX_EPOCH,
        replayed: false,
    };
    assert_eq!(ack, expected);
}

#[test]
fn what_was_already_so_is_acknowledged_without_an_event() {
    let message = MessageId::from_u128(3);
    let about = About::of(&Command::Delete {
        message,
        expected_version: None,
        reason: None,
    });
    let ack = ack(CHANNEL, about, &outcome(vec![]), Pos::new(LOG, 40));
    assert_eq!(
        (ack.seq, ack.event, ack.message, ack.replayed),
        (9, None, Some(message), true)
    );
}
