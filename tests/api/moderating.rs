//! Messages that moderators take away and give back, people they remove, channels that are slow: what everyone then sees, and who may.

use serde_json::{Value, json};
use verbatim_tests::{Answer, Person, Room, Stage, fresh_key, until};

async fn restore(person: &Person, channel: &str, message: &str) -> Answer {
    person
        .post(&format!("/channels/{channel}/messages/{message}/restore"))
        .json(&json!({"reason": "it was a mistake"}))
        .send()
        .await
}

async fn take_away(person: &Person, channel: &str, message: &str) -> Answer {
    person
        .delete(&format!("/channels/{channel}/messages/{message}"))
        .json(&json!({"reason": "an advertisement"}))
        .send()
        .await
}

async fn slow_down(person: &Person, channel: &str, seconds: u32) -> Answer {
    person
        .patch(&format!("/channels/{channel}"))
        .json(&json!({"slow_mode_s": seconds}))
        .send()
        .await
}

fn event<'a>(events: &'a [Value], kind: &str) -> &'a Value {
    let found = events.iter().find(|event| event["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {events:?}"))
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
async fn what_a_moderator_took_away_is_there_again_with_its_words_for_everyone() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    let sent = bob.send(&room.channel, "free tea").await;
    let message = sent.str("message");
    bob.edit(&room.channel, &message, "free tea at nine").await.is(201);
    let mut live = carol.socket().await;
    live.subscribe(&room.channel, Some(0)).await;
    take_away(&ann, &room.channel, &message).await.is(201);
    let events = carol.all_events(&room.channel).await;
    assert_eq!(
        event(&events, "message.deleted")["d"],
        json!({"message": message, "author": bob.id, "reason": "an advertisement"})
    );
    let gone = carol.message(&room.channel, &message).await.is(200);
    assert_eq!((&gone["body"], &gone["deleted"]), (&json!(null), &json!(true)));

    let restored = restore(&ann, &room.channel, &message).await.is(201);
    let back = carol.message(&room.channel, &message).await.is(200);
    assert_eq!(
        (&back["body"], &back["deleted"], &back["version"], &back["seq"]),
        (&json!("free tea at nine"), &json!(false), &json!(2), &sent["seq"])
    );
    let events = carol.all_events(&room.channel).await;
    let told = event(&events, "message.restored");
    assert_eq!(
        (&told["seq"], &told["by"], &told["d"]),
        (
            &restored["seq"],
            &json!(ann.id),
            &json!({
                "message": message, "seq": sent["seq"], "author": bob.id, "version": 2, "body": "free tea at nine",
                "reason": "it was a mistake",
            })
        )
    );
    // Old events have their words again, from the page, the live window and a socket that reads from the beginning.
    assert_eq!(event(&events, "message.sent")["d"]["body"], "free tea");
    let top = restored.u64("seq") as usize;
    let streamed = live.events(&room.channel, top).await;
    assert_eq!(streamed.last().expect("events")["type"], "message.restored");
    let mut later = carol.socket().await;
    later.subscribe(&room.channel, Some(0)).await;
    let again = later.events(&room.channel, top).await;
    assert_eq!(event(&again, "message.edited")["d"]["body"], "free tea at nine");
    assert_eq!(event(&again, "message.sent")["d"]["body"], "free tea");
    // It can be edited, and taken away again.
    bob.edit(&room.channel, &message, "tea").await.is(201);
    take_away(&ann, &room.channel, &message).await.is(201);
    let gone = carol.all_events(&room.channel).await;
    assert!(!json!(gone).to_string().contains("free tea"), "{gone:?}");
}

#[tokio::test]
async fn words_from_before_somebodys_time_do_not_come_back_to_them() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let group = ann.create_group(&[&bob]).await;
    ann.patch(&format!("/channels/{group}"))
        .json(&json!({"history": "since_join"}))
        .send()
        .await
        .accepted();
    let message = bob.send(&group, "secret of two").await.str("message");
    take_away(&ann, &group, &message).await.is(201);
    let joined = ann.add_member(&group, &carol).await.accepted().u64("seq");
    let (mut carols, mut bobs) = (carol.socket().await, bob.socket().await);
    carols.subscribe(&group, None).await;
    bobs.subscribe(&group, None).await;
    let mut stream = carol.event_stream(&group, &format!("after={joined}")).await;
    restore(&ann, &group, &message).await.is(201);
    bob.edit(&group, &message, "secret of two, too").await.is(201);
    let hers = bob.send(&group, "hello, carol").await.str("message");
    bob.edit(&group, &hers, "good morning, carol").await.is(201);
    let seen = |events: &[Value]| {
        let told = json!(events).to_string();
        assert!(!told.contains("secret") && told.contains("good morning"), "{told}");
        let restored = event(events, "message.restored");
        assert_eq!(
            (&restored["d"]["body"], restored["d"].get("author")),
            (&Value::Null, None)
        );
        assert_eq!(event(events, "message.edited")["d"]["body"], Value::Null);
    };
    seen(&carols.events(&group, 4).await);
    seen(&carol.events_after(&group, joined).await);
    let mut streamed = vec![];
    while streamed.len() < 4 {
        let block = stream.block().await.expect("a stream");
        if block.data.is_some() {
            streamed.push(block.json());
        }
    }
    seen(&streamed);
    let mut later = carol.socket().await;
    later.subscribe(&group, Some(joined)).await;
    seen(&later.events(&group, 4).await);
    let those_who_were_there = json!(bobs.events(&group, 4).await).to_string();
    assert!(those_who_were_there.contains("secret of two, too"));
}

#[tokio::test]
async fn a_restored_message_is_unread_again_and_mentions_again() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    let body = json!({"body": "Carol, look", "mentions": [carol.id]});
    let path = format!("/channels/{}/messages", room.channel);
    let message = bob.post(&path).json(&body).send().await.is(201).str("message");
    let counts = async || {
        let listed = carol.listed(&room.channel).await;
        (listed["unread"].clone(), listed["mentions"].clone())
    };
    assert_eq!(counts().await, (json!(1), json!(1)));
    take_away(&ann, &room.channel, &message).await.is(201);
    assert_eq!(counts().await, (json!(0), json!(0)));
    restore(&ann, &room.channel, &message).await.is(201);
    assert_eq!(counts().await, (json!(1), json!(1)));
}

#[tokio::test]
async fn only_moderators_restore_and_never_what_the_author_deleted() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    let dave = Stage::shared().person("dave").await;
    let message = bob.send(&room.channel, "debatable").await.str("message");
    take_away(&ann, &room.channel, &message).await.is(201);
    for person in [&bob, &carol] {
        restore(person, &room.channel, &message)
            .await
            .problem_code(403, "channel/forbidden");
    }
    restore(&dave, &room.channel, &message)
        .await
        .problem_code(404, "channel/not-found");
    ann.post(&format!("/channels/{}/messages/{message}/restore", room.channel))
        .json(&json!({}))
        .send()
        .await
        .problem_code(422, "request/invalid");
    ann.set_role(&room.space, &carol, "moderator").await.accepted();
    restore(&carol, &room.channel, &message).await.is(201);
    restore(&carol, &room.channel, &message).await.is(200);
    bob.delete_message(&room.channel, &message).await.is(201);
    restore(&ann, &room.channel, &message)
        .await
        .problem_code(409, "message/deleted");
    // An author has the last word, even after a moderator.
    let other = bob.send(&room.channel, "debatable as well").await.str("message");
    take_away(&ann, &room.channel, &other).await.is(201);
    bob.delete_message(&room.channel, &other).await.is(201);
    restore(&ann, &room.channel, &other)
        .await
        .problem_code(409, "message/deleted");
}

#[tokio::test]
async fn a_restoration_is_repeated_by_its_key() {
    let (ann, bob, _carol, room) = ann_bob_and_carol().await;
    let message = bob.send(&room.channel, "debatable").await.str("message");
    take_away(&ann, &room.channel, &message).await.is(201);
    let key = fresh_key();
    let d = json!({"message": message, "reason": "it was a mistake"});
    let first = ann
        .command("message.restore", &room.channel, &key, d.clone())
        .await
        .is(201);
    bob.edit(&room.channel, &message, "less debatable").await.is(201);
    let again = ann.command("message.restore", &room.channel, &key, d).await.is(200);
    assert_eq!((&first["seq"], &first["event"]), (&again["seq"], &again["event"]));
    let other = json!({"message": message, "reason": "for another reason"});
    ann.command("message.restore", &room.channel, &key, other)
        .await
        .problem_code(409, "idempotency/mismatch");
}

#[tokio::test]
async fn a_removal_says_why_if_the_moderator_does() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    ann.delete(&format!("/channels/{}/members/{}", room.channel, bob.id))
        .json(&json!({"reason": "was told twice"}))
        .send()
        .await
        .accepted();
    let why = json!({"user": carol.id, "reason": " "});
    ann.command("channel.remove_member", &room.channel, &fresh_key(), why)
        .await
        .problem_code(422, "request/invalid");
    ann.command(
        "channel.remove_member",
        &room.channel,
        &fresh_key(),
        json!({"user": carol.id}),
    )
    .await
    .accepted();
    let events = ann.all_events(&room.channel).await;
    let removed: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "member.removed")
        .collect();
    assert_eq!(removed[0]["d"], json!({"user": bob.id, "reason": "was told twice"}));
    assert_eq!(removed[1]["d"], json!({"user": carol.id}));
}

#[tokio::test]
async fn in_slow_mode_members_wait_and_are_told_how_long() {
    let (ann, bob, carol, room) = ann_bob_and_carol().await;
    bob.send(&room.channel, "fast").await;
    slow_down(&bob, &room.channel, 60)
        .await
        .problem_code(403, "channel/forbidden");
    slow_down(&ann, &room.channel, 60).await.is(201);
    assert_eq!(carol.listed(&room.channel).await["slow_mode_s"], 60);
    let key = fresh_key();
    let slowed = bob
        .send_keyed(&room.channel, &key, "too fast")
        .await
        .problem_code(429, "channel/slow-mode");
    let wait = slowed.u64("retry_after_ms");
    assert!((1..=60_000).contains(&wait), "{wait}");
    // Everyone waits for themselves, and moderators do not.
    carol.send(&room.channel, "my first").await;
    for words in ["one", "two", "three"] {
        ann.send(&room.channel, words).await;
    }
    slow_down(&ann, &room.channel, 0).await.is(201);
    bob.send_keyed(&room.channel, &key, "too fast").await.is(201);
    slow_down(&ann, &room.channel, 21_601)
        .await
        .problem_code(422, "request/invalid");
}

#[tokio::test]
async fn a_retry_in_slow_mode_is_the_first_message_and_the_pause_ends() {
    let (ann, bob, _carol, room) = ann_bob_and_carol().await;
    slow_down(&ann, &room.channel, 1).await.is(201);
    let key = fresh_key();
    let first = bob.send_keyed(&room.channel, &key, "once").await.is(201);
    let again = bob.send_keyed(&room.channel, &key, "once").await.is(200);
    assert_eq!(first["seq"], again["seq"]);
    let next = fresh_key();
    until("the pause to end", async || {
        let sent = bob.send_keyed(&room.channel, &next, "twice").await;
        (sent.status == 201).then_some(())
    })
    .await;
}

#[tokio::test]
async fn on_a_socket_slow_mode_is_an_err_frame_with_the_wait() {
    let (ann, bob, _carol, room) = ann_bob_and_carol().await;
    slow_down(&ann, &room.channel, 60).await.is(201);
    bob.send(&room.channel, "first").await;
    let mut socket = bob.socket().await;
    let err = socket
        .command("message.send", &room.channel, &fresh_key(), json!({"body": "second"}))
        .await;
    assert_eq!(
        (&err["code"], &err["retryable"]),
        (&json!("channel/slow-mode"), &json!(true))
    );
    assert!(err["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0), "{err}");
}
