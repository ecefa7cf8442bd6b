//! Reactions, votes and pins over HTTP: who may, what everyone then sees, what repeating does, and what deletion takes with it.

use reqwest::Method;
use serde_json::{Value, json};
use verbatim_tests::{Answer, Person, Room, Stage, fresh_key};

/// A thumb up, as it stands in a path.
const THUMB: &str = "%F0%9F%91%8D";

fn at(channel: &str, message: &str, what: &str) -> String {
    format!("/channels/{channel}/messages/{message}/{what}")
}

async fn react(person: &Person, channel: &str, message: &str, emoji: &str) -> Answer {
    let path = at(channel, message, &format!("reactions/{emoji}"));
    person.put(&path).send().await
}

async fn unreact(person: &Person, channel: &str, message: &str, emoji: &str) -> Answer {
    let path = at(channel, message, &format!("reactions/{emoji}"));
    person.delete(&path).send().await
}

async fn vote(person: &Person, channel: &str, message: &str, vote: &str) -> Answer {
    let path = at(channel, message, "vote");
    person.put(&path).json(&json!({"vote": vote})).send().await
}

async fn unvote(person: &Person, channel: &str, message: &str) -> Answer {
    person.delete(&at(channel, message, "vote")).send().await
}

async fn pin(person: &Person, channel: &str, message: &str) -> Answer {
    person.put(&at(channel, message, "pin")).send().await
}

async fn unpin(person: &Person, channel: &str, message: &str) -> Answer {
    person.delete(&at(channel, message, "pin")).send().await
}

async fn pins(person: &Person, channel: &str) -> Vec<Value> {
    let pins = person.read(&format!("/channels/{channel}/pins")).await.is(200);
    pins.items().clone()
}

async fn ann_bob_and_carol() -> (Person, Person, Person, Room) {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    (ann, bob, carol, room)
}

#[tokio::test]
async fn reactions_are_counted_by_kind_and_say_whether_they_are_ones_own() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    let ack = react(&bob, &room.channel, &message, THUMB).await.is(201);
    assert_eq!(
        (&ack["message"], &ack["channel"]),
        (&json!(message), &json!(room.channel))
    );
    react(&carol, &room.channel, &message, THUMB).await.is(201);
    react(&carol, &room.channel, &message, ":tea:").await.is(201);
    let shown = |mine_thumb: bool, mine_tea: bool| {
        json!([
            {"emoji": "👍", "count": 2, "mine": mine_thumb},
            {"emoji": ":tea:", "count": 1, "mine": mine_tea},
        ])
    };
    for (person, thumb, tea) in [(&ann, false, false), (&bob, true, false), (&carol, true, true)] {
        let one = person.message(&room.channel, &message).await.is(200);
        assert_eq!(one["reactions"], shown(thumb, tea), "{}", person.handle);
        let page = person.page(&room.channel, "").await;
        assert_eq!(page.items()[0]["reactions"], shown(thumb, tea));
    }
    unreact(&carol, &room.channel, &message, THUMB).await.is(201);
    unreact(&bob, &room.channel, &message, THUMB).await.is(201);
    let left = ann.message(&room.channel, &message).await.is(200);
    assert_eq!(
        left["reactions"],
        json!([{"emoji": ":tea:", "count": 1, "mine": false}])
    );
}

#[tokio::test]
async fn reacting_twice_is_no_error_and_no_event_and_a_retry_is_replayed() {
    let (ann, bob, _, room) = ann_bob_and_carol().await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    let (path, key) = (at(&room.channel, &message, &format!("reactions/{THUMB}")), fresh_key());
    let first = bob.put(&path).key(&key).send().await.is(201);
    let events = ann.all_events(&room.channel).await.len();
    let again = bob.put(&path).key(&key).send().await.is(200);
    assert_eq!((&again["seq"], &again["replayed"]), (&first["seq"], &json!(true)));
    react(&bob, &room.channel, &message, THUMB).await.is(200);
    unreact(&ann, &room.channel, &message, THUMB).await.is(200);
    assert_eq!(ann.all_events(&room.channel).await.len(), events);
    // The same key for something else is refused.
    bob.delete(&path)
        .key(&key)
        .send()
        .await
        .problem_code(409, "idempotency/mismatch");
}

#[tokio::test]
async fn what_is_no_emoji_is_refused() {
    let (ann, _, _, room) = ann_bob_and_carol().await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    for wrong in [
        "x",
        "%20",
        ":A:",
        "%F0%9F%91%8D%F0%9F%91%8D",
        "%3Cb%3E",
        ":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:",
    ] {
        let refused = react(&ann, &room.channel, &message, wrong).await;
        let refused = refused.problem_code(422, "request/invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/emoji", "{wrong}");
        unreact(&ann, &room.channel, &message, wrong).await.problem(422);
    }
    for right in ["%3A%2B1%3A", ":+1:", "1%EF%B8%8F%E2%83%A3", "%23%E2%83%A3"] {
        react(&ann, &room.channel, &message, right).await.accepted();
    }
}

#[tokio::test]
async fn a_message_takes_fifty_kinds_and_more_of_those() {
    let (ann, bob, _, room) = ann_bob_and_carol().await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    for number in 0..50 {
        react(&ann, &room.channel, &message, &format!(":n{number}:"))
            .await
            .is(201);
    }
    react(&bob, &room.channel, &message, THUMB)
        .await
        .problem_code(409, "message/too-many-reactions");
    react(&bob, &room.channel, &message, ":n7:").await.is(201);
    unreact(&ann, &room.channel, &message, ":n0:").await.is(201);
    react(&bob, &room.channel, &message, THUMB).await.is(201);
    let shown = ann.message(&room.channel, &message).await.is(200);
    assert_eq!(shown["reactions"].as_array().map(Vec::len), Some(50));
    assert_eq!(
        shown["reactions"][0],
        json!({"emoji": ":n7:", "count": 2, "mine": true})
    );
}

#[tokio::test]
async fn a_vote_is_given_changed_and_taken_back() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    let votes = async |person: &Person| person.message(&room.channel, &message).await.is(200)["votes"].clone();
    assert_eq!(votes(&bob).await, json!({"score": 0, "mine": null}));
    vote(&bob, &room.channel, &message, "up").await.is(201);
    vote(&carol, &room.channel, &message, "up").await.is(201);
    assert_eq!(votes(&bob).await, json!({"score": 2, "mine": "up"}));
    vote(&bob, &room.channel, &message, "up").await.is(200);
    vote(&bob, &room.channel, &message, "down").await.is(201);
    assert_eq!(votes(&bob).await, json!({"score": 0, "mine": "down"}));
    assert_eq!(votes(&ann).await, json!({"score": 0, "mine": null}));
    unvote(&bob, &room.channel, &message).await.is(201);
    unvote(&bob, &room.channel, &message).await.is(200);
    assert_eq!(votes(&bob).await, json!({"score": 1, "mine": null}));
    vote(&bob, &room.channel, &message, "sideways")
        .await
        .problem_code(422, "request/invalid");
}

#[tokio::test]
async fn nobody_votes_on_their_own_words() {
    let (ann, _, _, room) = ann_bob_and_carol().await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    for own in ["up", "down"] {
        vote(&ann, &room.channel, &message, own)
            .await
            .problem_code(403, "message/own-vote");
    }
}

#[tokio::test]
async fn moderators_pin_for_everyone_and_members_do_not() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    let first = bob.send(&room.channel, "first").await.str("message");
    let second = bob.send(&room.channel, "second").await.str("message");
    pin(&bob, &room.channel, &first)
        .await
        .problem_code(403, "channel/forbidden");
    pin(&ann, &room.channel, &second).await.is(201);
    ann.set_role(&room.space, &carol, "moderator").await.accepted();
    pin(&carol, &room.channel, &first).await.is(201);
    pin(&carol, &room.channel, &first).await.is(200);
    let ids: Vec<_> = pins(&bob, &room.channel)
        .await
        .iter()
        .map(|item| item["id"].clone())
        .collect();
    assert_eq!(ids, [first.clone(), second.clone()], "the newest pin comes first");
    assert_eq!(bob.message(&room.channel, &first).await.is(200)["pinned"], true);
    unpin(&bob, &room.channel, &first).await.problem(403);
    unpin(&ann, &room.channel, &first).await.is(201);
    unpin(&ann, &room.channel, &first).await.is(200);
    assert_eq!(bob.message(&room.channel, &first).await.is(200)["pinned"], false);
    assert_eq!(pins(&bob, &room.channel).await.len(), 1);
}

#[tokio::test]
async fn in_a_conversation_of_two_either_pins_and_in_a_group_its_head() {
    let (ann, bob, carol, _) = ann_bob_and_carol().await;
    let direct = ann.open_direct(&bob).await.str("id");
    let message = ann.send(&direct, "hello").await.str("message");
    pin(&bob, &direct, &message).await.is(201);
    unpin(&ann, &direct, &message).await.is(201);
    let group = ann.create_group(&[&bob, &carol]).await;
    let message = bob.send(&group, "hello").await.str("message");
    pin(&bob, &group, &message).await.problem_code(403, "channel/forbidden");
    pin(&ann, &group, &message).await.is(201);
}

#[tokio::test]
async fn a_channel_pins_fifty_and_a_deletion_makes_room() {
    let (ann, _, _, room) = ann_bob_and_carol().await;
    let mut messages = vec![];
    for number in 0..51 {
        let message = ann
            .send(&room.channel, &format!("number {number}"))
            .await
            .str("message");
        messages.push(message);
    }
    for message in &messages[..50] {
        pin(&ann, &room.channel, message).await.is(201);
    }
    pin(&ann, &room.channel, &messages[50])
        .await
        .problem_code(409, "channel/too-many-pins");
    ann.delete_message(&room.channel, &messages[0]).await.is(201);
    pin(&ann, &room.channel, &messages[50]).await.is(201);
    let pinned = pins(&ann, &room.channel).await;
    assert_eq!((pinned.len(), &pinned[0]["id"]), (50, &json!(messages[50])));
}

#[tokio::test]
async fn a_deletion_takes_what_people_thought_with_it_at_once() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    for turn in 0..10 {
        let message = bob.send(&room.channel, &format!("number {turn}")).await.str("message");
        react(&carol, &room.channel, &message, THUMB).await.is(201);
        vote(&carol, &room.channel, &message, "up").await.is(201);
        pin(&ann, &room.channel, &message).await.is(201);
        assert_eq!(pins(&ann, &room.channel).await.len(), 1);
        bob.delete_message(&room.channel, &message).await.is(201);
        // On purpose without `min_pos`: the view may lag, what is deleted may not show.
        let pins = ann
            .get(&format!("/channels/{}/pins", room.channel))
            .send()
            .await
            .is(200);
        assert!(pins.items().is_empty(), "{}", pins.text);
        let path = format!("/channels/{}/messages/{message}", room.channel);
        let gone = ann.get(&path).send().await.is(200);
        assert_eq!(
            (&gone["reactions"], &gone["votes"], &gone["pinned"]),
            (&json!([]), &json!({"score": 0, "mine": null}), &json!(false))
        );
        for method in [Method::PUT, Method::DELETE] {
            let reaction = at(&room.channel, &message, &format!("reactions/{THUMB}"));
            carol
                .ask(method.clone(), &reaction)
                .send()
                .await
                .problem_code(409, "message/deleted");
        }
        vote(&carol, &room.channel, &message, "up")
            .await
            .problem_code(409, "message/deleted");
        unvote(&carol, &room.channel, &message)
            .await
            .problem_code(409, "message/deleted");
        pin(&ann, &room.channel, &message)
            .await
            .problem_code(409, "message/deleted");
        unpin(&ann, &room.channel, &message).await.is(200);
    }
}

#[tokio::test]
async fn what_is_given_back_comes_with_its_reactions_and_without_its_pin() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    let message = bob.send(&room.channel, "free tea").await.str("message");
    react(&carol, &room.channel, &message, ":tea:").await.is(201);
    pin(&ann, &room.channel, &message).await.is(201);
    ann.delete_message(&room.channel, &message).await.is(201);
    ann.post(&at(&room.channel, &message, "restore"))
        .json(&json!({"reason": "a mistake"}))
        .send()
        .await
        .is(201);
    let back = carol.message(&room.channel, &message).await.is(200);
    assert_eq!(back["reactions"], json!([{"emoji": ":tea:", "count": 1, "mine": true}]));
    assert_eq!((&back["pinned"], &back["body"]), (&json!(false), &json!("free tea")));
}

#[tokio::test]
async fn reactions_votes_and_pins_are_not_unread() {
    let (ann, bob, _, room) = ann_bob_and_carol().await;
    let sent = bob.send(&room.channel, "hello").await;
    let message = sent.str("message");
    let before = bob.listed(&room.channel).await;
    react(&ann, &room.channel, &message, THUMB).await.is(201);
    vote(&ann, &room.channel, &message, "up").await.is(201);
    let last = pin(&ann, &room.channel, &message).await.is(201);
    let after = bob.listed(&room.channel).await;
    assert_eq!(
        (&after["unread"], &after["mentions"], &after["read"]),
        (&before["unread"], &before["mentions"], &before["read"])
    );
    assert_eq!(after["top"], last["seq"]);
}

#[tokio::test]
async fn who_left_the_archived_the_muted_and_the_blocked_add_nothing() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    react(&bob, &room.channel, &message, ":tea:").await.is(201);
    let mute = json!({"reason": "shouts", "until": "2099-01-01T00:00:00Z"});
    ann.put(&format!("/spaces/{}/mutes/{}", room.space, bob.id))
        .json(&mute)
        .send()
        .await
        .accepted();
    react(&bob, &room.channel, &message, THUMB)
        .await
        .problem_code(403, "channel/muted");
    vote(&bob, &room.channel, &message, "up")
        .await
        .problem_code(403, "channel/muted");
    unreact(&bob, &room.channel, &message, ":tea:").await.is(201);
    carol.leave(&room.channel).await;
    react(&carol, &room.channel, &message, THUMB)
        .await
        .problem_code(404, "channel/not-found");
    carol
        .get(&format!("/channels/{}/pins", room.channel))
        .send()
        .await
        .problem_code(404, "channel/not-found");
    let direct = ann.open_direct(&carol).await.str("id");
    let said = carol.send(&direct, "hello").await.str("message");
    carol
        .put(&format!("/users/me/blocks/{}", ann.id))
        .send()
        .await
        .accepted();
    react(&ann, &direct, &said, THUMB)
        .await
        .problem_code(403, "channel/blocked");
    vote(&ann, &direct, &said, "up")
        .await
        .problem_code(403, "channel/blocked");
    pin(&ann, &direct, &said).await.problem_code(403, "channel/blocked");
    ann.delete(&format!("/channels/{}", room.channel))
        .send()
        .await
        .accepted();
    react(&ann, &room.channel, &message, THUMB)
        .await
        .problem_code(409, "channel/archived");
    pin(&ann, &room.channel, &message)
        .await
        .problem_code(409, "channel/archived");
}

#[tokio::test]
async fn a_message_from_before_ones_time_is_not_there_to_judge() {
    let (ann, bob, carol, _) = ann_bob_and_carol().await;
    let group = ann.create_group(&[&bob]).await;
    let before = ann.send(&group, "before").await.str("message");
    pin(&ann, &group, &before).await.is(201);
    ann.add_member(&group, &carol).await.accepted();
    react(&carol, &group, &before, THUMB)
        .await
        .problem_code(404, "message/not-found");
    vote(&carol, &group, &before, "up")
        .await
        .problem_code(404, "message/not-found");
    assert!(pins(&carol, &group).await.is_empty());
    assert_eq!(pins(&bob, &group).await.len(), 1);
    react(&ann, &group, "message_nonsense", THUMB)
        .await
        .problem_code(404, "message/not-found");
    react(&carol, "channel_nonsense", &before, THUMB)
        .await
        .problem_code(404, "channel/not-found");
}

#[tokio::test]
async fn the_same_by_the_one_command() {
    let (ann, bob, _, room) = ann_bob_and_carol().await;
    let message = bob.send(&room.channel, "hello").await.str("message");
    let thumb = json!({"message": message, "emoji": "👍"});
    let up = |vote: &str| json!({"message": message, "vote": vote});
    let one = json!({"message": message});
    for (op, d, status) in [
        ("message.react", thumb.clone(), 201),
        ("message.react", thumb.clone(), 200),
        ("message.vote", up("up"), 201),
        ("message.pin", one.clone(), 201),
    ] {
        ann.command(op, &room.channel, &fresh_key(), d).await.is(status);
    }
    let shown = ann.message(&room.channel, &message).await.is(200);
    assert_eq!(shown["reactions"], json!([{"emoji": "👍", "count": 1, "mine": true}]));
    assert_eq!(
        (&shown["votes"], &shown["pinned"]),
        (&json!({"score": 1, "mine": "up"}), &json!(true))
    );
    for (op, d) in [
        ("message.unreact", thumb),
        ("message.vote", up("none")),
        ("message.unpin", one),
    ] {
        ann.command(op, &room.channel, &fresh_key(), d).await.is(201);
    }
    let shown = ann.message(&room.channel, &message).await.is(200);
    assert_eq!((&shown["reactions"], &shown["pinned"]), (&json!([]), &json!(false)));
    for (op, d) in [
        ("message.react", json!({"message": message, "emoji": "no"})),
        ("message.vote", up("maybe")),
        ("message.pin", json!({"message": message, "why": "so"})),
        ("message.unpin", json!({})),
    ] {
        ann.command(op, &room.channel, &fresh_key(), d).await.problem(422);
    }
}
