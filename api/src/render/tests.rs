//! The shapes as clients get them.

use domain::Actor;
use serde_json::{Value, json};

use super::*;

const ANN: UserId = UserId::from_u128(1);
const CHANNEL: ChannelId = ChannelId::from_u128(2);

fn message(seq: u64) -> TimelineMessage {
    TimelineMessage {
        channel: CHANNEL,
        seq,
        id: MessageId::from_u128(u128::from(seq)),
        author: Actor::User(ANN),
        at: DateTime::from_timestamp_micros(1_000_000).expect("in range"),
        body: Some("hello".to_owned()),
        version: 1,
        edited_at: None,
        deleted: false,
        reply_to: None,
        mentions: vec![ANN],
        thread: None,
        depth: 0,
        opinions: Opinions::default(),
    }
}

fn page(complete_before: bool, complete_after: bool) -> TimelinePage {
    TimelinePage {
        items: vec![message(4), message(6)],
        lo: 3,
        hi: 7,
        complete_before,
        complete_after,
    }
}

fn rendered(shape: &impl Serialize) -> Value {
    serde_json::to_value(shape).expect("shapes serialize")
}

#[test]
fn a_message_has_every_field_of_the_contract() {
    let expected = json!({
        "id": MessageId::from_u128(4), "ch": CHANNEL, "seq": 4, "by": ANN, "at": "1970-01-01T00:00:01.000000Z",
        "body": "hello", "version": 1, "edited_at": null, "deleted": false, "reply_to": null, "thread": null, "depth": 0,
        "files": [], "mentions": [ANN], "reactions": [], "votes": {"score": 0, "mine": null}, "pinned": false,
        "thread_summary": null,
    });
    assert_eq!(rendered(&Message::of(message(4), false)), expected);
}

#[test]
fn a_deletion_takes_the_words_away_before_the_view_has_seen_it() {
    let shown = rendered(&Message::of(message(4), true));
    assert_eq!(
        (&shown["body"], &shown["deleted"], &shown["mentions"]),
        (&json!(null), &json!(true), &json!([]))
    );
}

#[test]
fn what_people_think_of_a_message_is_shown_and_goes_with_its_words() {
    let mut judged = message(4);
    judged.opinions = Opinions {
        reactions: vec![Reaction {
            emoji: ":tea:".to_owned(),
            count: 2,
            mine: true,
        }],
        score: -3,
        own_vote: Some(channel::Vote::Down),
        pinned: true,
        replies: Some(projections::Replies {
            count: 1,
            last_seq: 9,
            last_at: DateTime::from_timestamp_micros(1_000_000).expect("in range"),
        }),
    };
    let shown = rendered(&Message::of(judged.clone(), false));
    let thread = json!({"replies": 1, "last_seq": 9, "last_at": "1970-01-01T00:00:01.000000Z"});
    assert_eq!(
        shown["reactions"],
        json!([{"emoji": ":tea:", "count": 2, "mine": true}])
    );
    assert_eq!(shown["votes"], json!({"score": -3, "mine": "down"}));
    assert_eq!((&shown["pinned"], &shown["thread_summary"]), (&json!(true), &thread));
    let gone = rendered(&Message::of(judged, true));
    assert_eq!((&gone["reactions"], &gone["pinned"]), (&json!([]), &json!(false)));
    assert_eq!(gone["votes"], json!({"score": 0, "mine": null}));
    assert_eq!(gone["thread_summary"], thread);
}

#[test]
fn only_the_deleted_messages_of_a_page_are_masked() {
    let shown = rendered(&Page::of(page(true, true), |id| id == MessageId::from_u128(6)));
    assert_eq!(
        (&shown["items"][0]["body"], &shown["items"][1]["body"]),
        (&json!("hello"), &json!(null))
    );
}

#[test]
fn a_page_names_its_neighbours_where_there_are_any() {
    let middle = rendered(&Page::of(page(false, false), |_| false));
    assert_eq!((&middle["prev"], &middle["next"]), (&json!(3), &json!(7)));
    let whole = rendered(&Page::of(page(true, true), |_| false));
    assert_eq!((&whole["prev"], &whole["next"]), (&json!(null), &json!(null)));
}

#[test]
fn a_list_goes_on_only_where_more_follows() {
    let last = uuid::Uuid::from_u128(9);
    assert_eq!(List::new(vec![1], false, Some(last)).next, None);
    let next = List::new(vec![1], true, Some(last)).next.expect("more follows");
    assert_eq!(next.parse::<Cursor>(), Ok(Cursor::after(last)));
}
