//! A repeated request is the same request: one event, one answer. Many at once over both transports are tested in `ws`, restarts in `faults`.

use serde_json::{Value, json};
use verbatim_tests::{Answer, Stage, fresh_key};

/// Everything but the word that it is a repeat.
fn first_result(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    body["replayed"] = Value::Null;
    body
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_makes_no_second_event() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let key = fresh_key();
    let first = ann.send_keyed(&room.channel, &key, "once").await.is(201);
    ann.send(&room.channel, "something in between").await;
    for _ in 0..3 {
        let again = ann.send_keyed(&room.channel, &key, "once").await.is(200);
        assert_eq!(first_result(&again), first_result(&first));
        assert_eq!((&first["replayed"], &again["replayed"]), (&json!(false), &json!(true)));
    }
    assert_eq!(ann.page(&room.channel, "").await.items().len(), 2);
}

#[tokio::test]
async fn without_a_key_the_same_words_are_two_messages() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let path = format!("/channels/{}/messages", room.channel);
    let first = ann.post(&path).json(&json!({"body": "twice"})).send().await.is(201);
    let second = ann.post(&path).json(&json!({"body": "twice"})).send().await.is(201);
    assert_ne!(first["event"], second["event"]);
}

#[tokio::test]
async fn the_same_key_with_other_content_is_refused() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let key = fresh_key();
    let sent = ann.send_keyed(&room.channel, &key, "these words").await.is(201);
    ann.send_keyed(&room.channel, &key, "other words")
        .await
        .problem_code(409, "idempotency/mismatch");
    let path = format!("/channels/{}/messages", room.channel);
    let reply = json!({"body": "these words", "reply_to": sent["message"]});
    ann.post(&path)
        .key(&key)
        .json(&reply)
        .send()
        .await
        .problem_code(409, "idempotency/mismatch");
    let message = format!("{path}/{}", sent.str("message"));
    ann.patch(&message)
        .key(&key)
        .json(&json!({"body": "these words"}))
        .send()
        .await
        .problem_code(409, "idempotency/mismatch");
    ann.delete(&message)
        .key(&key)
        .send()
        .await
        .problem_code(409, "idempotency/mismatch");
    assert_eq!(ann.page(&room.channel, "").await.items().len(), 1);
}

#[tokio::test]
async fn keys_are_independent_per_person_and_per_channel() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let elsewhere = ann.create_channel(&room.space, "elsewhere").await;
    let key = fresh_key();
    let first = ann.send_keyed(&room.channel, &key, "from ann").await.is(201);
    let by_bob = bob.send_keyed(&room.channel, &key, "from bob").await.is(201);
    let elsewhere = ann.send_keyed(&elsewhere, &key, "from ann, elsewhere").await.is(201);
    assert!(first["event"] != by_bob["event"] && first["event"] != elsewhere["event"]);
    assert_eq!(bob.page(&room.channel, "").await.items().len(), 2);
}

#[tokio::test]
async fn edits_deletions_and_memberships_repeat_as_well() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann]).await;
    ann.admit(&room.space, &bob).await;
    let message = ann.send(&room.channel, "first").await.str("message");
    let path = format!("/channels/{}", room.channel);
    let (editing, deleting, joining) = (fresh_key(), fresh_key(), fresh_key());
    let edit = || {
        ann.patch(&format!("{path}/messages/{message}"))
            .key(&editing)
            .json(&json!({"body": "second"}))
    };
    let delete = || ann.delete(&format!("{path}/messages/{message}")).key(&deleting);
    let join = || bob.post(&format!("{path}/join")).key(&joining);
    let edited = edit().send().await.is(201);
    let deleted = delete().send().await.is(201);
    let joined = join().send().await.is(201);
    let events = ann.all_events(&room.channel).await;
    for (first, again) in [(edited, edit()), (deleted, delete()), (joined, join())] {
        let again = again.send().await.is(200);
        assert_eq!(first_result(&again), first_result(&first));
        assert_eq!(again["replayed"], true);
    }
    assert_eq!(ann.all_events(&room.channel).await, events);
}

#[tokio::test]
async fn a_refused_command_does_not_use_up_its_key() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann]).await;
    ann.admit(&room.space, &bob).await;
    let key = fresh_key();
    ann.send_keyed(&room.channel, &key, "").await.problem(422);
    ann.send_keyed(&room.channel, &key, "now with words").await.is(201);
    bob.send_keyed(&room.channel, &key, "not a member yet")
        .await
        .problem(404);
    bob.join(&room.channel).await;
    bob.send_keyed(&room.channel, &key, "not a member yet").await.is(201);
}

#[tokio::test]
async fn keys_are_one_to_sixty_four_visible_characters() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    for good in ["k", &"k".repeat(64), "3f1c:9/~!\"#"] {
        ann.send_keyed(&room.channel, good, "hello").await.is(201);
    }
    for bad in ["", &"k".repeat(65), "a b", "tab\tbed"] {
        ann.send_keyed(&room.channel, bad, "hello")
            .await
            .problem_code(422, "idempotency/invalid-key");
    }
    assert_eq!(ann.page(&room.channel, "").await.items().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_repeats_agree() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let key = fresh_key();
    let racing: Vec<_> = (0..40)
        .map(|_| {
            let sending = ann.sending(&room.channel, &key, "once");
            tokio::spawn(async move { sending.send().await.accepted() })
        })
        .collect();
    let mut answers = vec![];
    for racer in racing {
        answers.push(racer.await.expect("no panic"));
    }
    assert!(
        answers
            .iter()
            .all(|answer| first_result(answer) == first_result(&answers[0]))
    );
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 201).count(),
        1,
        "exactly one was first"
    );
    assert_eq!(ann.page(&room.channel, "").await.items().len(), 1);
}
