//! Deleting: the place stays, the words are gone from every answer the moment the deletion is acknowledged.

use serde_json::{Value, json};
use verbatim_tests::{Answer, Person, Server, Socket, Stage, fresh_key};

const WORDS: [&str; 3] = [
    "heliotrope-first-version",
    "heliotrope-second-version",
    "heliotrope-in-the-reply",
];

#[tokio::test]
async fn a_deleted_message_keeps_its_place_as_a_tombstone() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let before = ann.send(&room.channel, "before").await;
    let sent = ann.send(&room.channel, "soon gone").await;
    let after = ann.send(&room.channel, "after").await;
    let deleted = ann.delete_message(&room.channel, &sent.str("message")).await.is(201);
    assert_eq!(deleted.u64("seq"), after.u64("seq") + 1);
    let page = bob.page(&room.channel, "").await;
    let seqs: Vec<_> = page.items().iter().map(|item| item["seq"].clone()).collect();
    assert_eq!(seqs, [before["seq"].clone(), sent["seq"].clone(), after["seq"].clone()]);
    let tombstone = &page.items()[1];
    assert_eq!(
        (&tombstone["body"], &tombstone["deleted"]),
        (&json!(null), &json!(true))
    );
    assert_eq!((&tombstone["id"], &tombstone["by"]), (&sent["message"], &json!(ann.id)));
    assert_eq!(
        bob.message(&room.channel, &sent.str("message")).await.is(200).body,
        *tombstone
    );
    let events = bob.all_events(&room.channel).await;
    let first = events
        .iter()
        .find(|event| event["seq"] == sent["seq"])
        .expect("the seq is kept");
    assert_eq!(
        (&first["type"], &first["d"]["body"]),
        (&json!("message.sent"), &json!(null))
    );
    assert_eq!(events.last().expect("events")["type"], "message.deleted");
}

#[tokio::test]
async fn deleting_twice_is_no_error_and_no_event() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let message = ann.send(&room.channel, "soon gone").await.str("message");
    ann.delete_message(&room.channel, &message).await.is(201);
    let events = ann.all_events(&room.channel).await.len();
    ann.delete_message(&room.channel, &message).await.is(200);
    assert_eq!(ann.all_events(&room.channel).await.len(), events);
}

#[tokio::test]
async fn authors_and_moderators_delete_and_nobody_else() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    let message = bob.send(&room.channel, "debatable").await.str("message");
    carol.delete_message(&room.channel, &message).await.problem(403);
    ann.set_role(&room.space, &carol, "moderator").await.accepted();
    let others = bob.send(&room.channel, "another").await.str("message");
    carol.delete_message(&room.channel, &message).await.is(201);
    bob.delete_message(&room.channel, &others).await.is(201);
    ann.set_role(&room.space, &carol, "member").await.accepted();
    let last = bob.send(&room.channel, "the last").await.str("message");
    carol.delete_message(&room.channel, &last).await.problem(403);
    ann.delete_message(&room.channel, &last).await.is(201);
}

#[tokio::test]
async fn the_words_are_gone_at_once_even_before_any_view_has_caught_up() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    for turn in 0..25 {
        let words = format!("heliotrope-{turn}-");
        let message = ann.send(&room.channel, &words).await.str("message");
        // The view has the words before they are deleted, so that there is something to hide.
        assert!(bob.page(&room.channel, "").await.text.contains(&words));
        ann.delete_message(&room.channel, &message).await.is(201);
        for path in [
            "messages".to_owned(),
            format!("messages/{message}"),
            "events?after=0&limit=100".to_owned(),
        ] {
            // On purpose without `min_pos`: the view may lag, the words may not show.
            let answer = bob
                .get(&format!("/channels/{}/{path}", room.channel))
                .send()
                .await
                .is(200);
            assert!(!answer.text.contains(&words), "{} shows deleted words", answer.asked);
        }
    }
}

#[tokio::test]
async fn deleted_words_appear_nowhere_not_even_after_a_restart() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let sent_key = fresh_key();
    let sent = ann.send_keyed(&room.channel, &sent_key, WORDS[0]).await.is(201);
    let message = sent.str("message");
    let edit_key = fresh_key();
    let editing = || {
        ann.patch(&format!("/channels/{}/messages/{message}", room.channel))
            .key(&edit_key)
    };
    editing()
        .json(&json!({"body": WORDS[1], "mentions": [bob.id]}))
        .send()
        .await
        .is(201);
    let reply = json!({"body": WORDS[2], "reply_to": message});
    let reply = bob
        .post(&format!("/channels/{}/messages", room.channel))
        .json(&reply)
        .send()
        .await
        .is(201)
        .str("message");

    ann.delete_message(&room.channel, &message).await.is(201);
    bob.delete_message(&room.channel, &reply).await.is(201);
    for _ in ["running", "restarted"] {
        for person in [&ann, &bob] {
            for answer in everything_readable(person, &room.channel, &message).await {
                assert_wordless(&answer.asked, &answer.text);
            }
            for frame in everything_streamed(person, &room.channel).await {
                assert_wordless("the socket", &frame.to_string());
            }
        }
        let replayed = ann.send_keyed(&room.channel, &sent_key, WORDS[0]).await.is(200);
        assert_eq!((&replayed["seq"], &replayed["event"]), (&sent["seq"], &sent["event"]));
        assert_wordless("the replayed send", &replayed.text);
        let replayed = editing()
            .json(&json!({"body": WORDS[1], "mentions": [bob.id]}))
            .send()
            .await
            .is(200);
        assert_wordless("the replayed edit", &replayed.text);
        let mismatch = ann
            .send_keyed(&room.channel, &sent_key, "other")
            .await
            .problem_code(409, "idempotency/mismatch");
        assert_wordless("the mismatch", &mismatch.text);
        let refused = ann
            .edit(&room.channel, &message, "back")
            .await
            .problem_code(409, "message/deleted");
        assert_wordless("the refused edit", &refused.text);
        let again = ann
            .command(
                "message.delete",
                &room.channel,
                &fresh_key(),
                json!({"message": message}),
            )
            .await
            .accepted();
        assert_wordless("the command", &again.text);
        server.restart();
    }
}

async fn everything_readable(person: &Person, channel: &str, message: &str) -> Vec<Answer> {
    let mut answers = vec![];
    for path in [
        "/channels".to_owned(),
        format!("/channels/{channel}"),
        format!("/channels/{channel}/members"),
        format!("/channels/{channel}/receipts"),
        format!("/channels/{channel}/messages"),
        format!("/channels/{channel}/messages?after=0"),
        format!("/channels/{channel}/messages?around=4"),
        format!("/channels/{channel}/messages/{message}"),
        format!("/channels/{channel}/events?after=0&limit=100"),
        format!("/channels/{channel}/events?after=0&limit=100&wait_ms=10"),
    ] {
        answers.push(person.get(&path).send().await.is(200));
    }
    answers
}

/// A subscription from the beginning up to the top, and all of it once more as a gap.
async fn everything_streamed(person: &Person, channel: &str) -> Vec<Value> {
    let mut socket = person.socket().await;
    let sub_ok = socket.subscribe(channel, Some(0)).await;
    let top = sub_ok["top"].as_u64().expect("a top") as usize;
    let mut frames = socket.events(channel, top).await;
    socket
        .send(&json!({"t": "gap", "id": "g", "ch": channel, "from": 1, "to": top}))
        .await;
    frames.extend(socket.events(channel, top).await);
    frames.push(socket.welcome.clone());
    frames
}

#[track_caller]
fn assert_wordless(where_: &str, text: &str) {
    for words in WORDS {
        assert!(!text.contains(words), "{where_} shows {words}: {text}");
    }
}

#[tokio::test]
async fn a_hot_resume_shows_no_deleted_words() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut live = bob.socket().await;
    live.subscribe(&room.channel, None).await;
    let sent = ann.send(&room.channel, WORDS[0]).await;
    let message = sent.str("message");
    ann.edit(&room.channel, &message, WORDS[1]).await.is(201);
    assert_eq!(live.events(&room.channel, 2).await[1]["d"]["body"], WORDS[1]);
    ann.delete_message(&room.channel, &message).await.is(201);
    let mut later = Socket::of(&bob).await;
    let sub_ok = later.subscribe(&room.channel, Some(sent.u64("seq") - 1)).await;
    assert_eq!(sub_ok["mode"], "hot", "{sub_ok}");
    let events = later.events(&room.channel, 3).await;
    assert_wordless("a hot resume", &json!(events).to_string());
    assert_eq!(
        (&events[0]["d"]["body"], &events[1]["d"]["body"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(events[2]["type"], "message.deleted");
}
