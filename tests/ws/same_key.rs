//! One key, sent a hundred times at once by every way there is: one event, and a hundred times the same answer.

use serde_json::{Value, json};
use verbatim_tests::{Stage, fresh_key};

/// What an answer says about the one event, however it came.
fn result(answer: &Value) -> [Value; 5] {
    ["seq", "event", "message", "pos", "at"].map(|member| answer[member].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_times_the_same_key_is_one_event_and_one_answer() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut listening = bob.socket().await;
    listening.subscribe(&room.channel, None).await;
    let key = fresh_key();
    let mut asking = vec![];
    for turn in 0..60 {
        let (ann, channel, key) = (ann.clone(), room.channel.clone(), key.clone());
        asking.push(tokio::spawn(async move {
            let answer = match turn % 2 {
                0 => ann.send_keyed(&channel, &key, "once").await,
                _ => {
                    ann.command("message.send", &channel, &key, json!({"body": "once"}))
                        .await
                }
            };
            vec![answer.accepted().body]
        }));
    }
    for _ in 0..8 {
        let mut socket = ann.socket().await;
        let (channel, key) = (room.channel.clone(), key.clone());
        asking.push(tokio::spawn(async move {
            let mut answers = vec![];
            let mut ids = vec![];
            for _ in 0..5 {
                ids.push(socket.post_message(&channel, &key, "once").await);
            }
            for id in ids {
                answers.push(socket.answer(&id).await);
            }
            answers
        }));
    }
    let mut answers = vec![];
    for asked in asking {
        answers.extend(asked.await.expect("no panic"));
    }
    assert_eq!(answers.len(), 100);
    assert!(
        answers.iter().all(|answer| result(answer) == result(&answers[0])),
        "{answers:?}"
    );
    assert!(answers[0]["event"].is_string(), "{}", answers[0]);
    assert_eq!(
        answers.iter().filter(|answer| answer["replayed"] == false).count(),
        1,
        "exactly one was first"
    );
    let events = bob.all_events(&room.channel).await;
    assert_eq!(events.iter().filter(|event| event["type"] == "message.sent").count(), 1);
    // A later event shows that nothing else was delivered in between.
    ann.send(&room.channel, "afterwards").await;
    let delivered = listening.events(&room.channel, 2).await;
    assert_eq!(
        (&delivered[0]["event"], &delivered[1]["d"]["body"]),
        (&answers[0]["event"], &json!("afterwards"))
    );
}

#[tokio::test]
async fn over_any_transport_the_same_key_with_other_content_is_refused() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let key = fresh_key();
    let mut socket = ann.socket().await;
    let ok = socket
        .command("message.send", &room.channel, &key, json!({"body": "these words"}))
        .await;
    ann.send_keyed(&room.channel, &key, "other words")
        .await
        .problem_code(409, "idempotency/mismatch");
    let err = socket
        .command("message.send", &room.channel, &key, json!({"body": "other words"}))
        .await;
    assert_eq!(
        (&err["code"], &err["retryable"]),
        (&json!("idempotency/mismatch"), &json!(false))
    );
    let again = socket
        .command("message.send", &room.channel, &key, json!({"body": "these words"}))
        .await;
    assert_eq!((result(&again), &again["replayed"]), (result(&ok), &json!(true)));
}

#[tokio::test]
async fn a_repeat_is_recognised_by_another_session_and_long_after() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let key = fresh_key();
    let mut socket = ann.socket().await;
    let ok = socket
        .command("message.send", &room.channel, &key, json!({"body": "once"}))
        .await;
    for number in 0..300 {
        socket
            .post_message(&room.channel, &fresh_key(), &format!("number {number}"))
            .await;
    }
    socket.say(&room.channel, "the last of many").await;
    let mut other = ann.another_session().await.socket().await;
    let again = other
        .command("message.send", &room.channel, &key, json!({"body": "once"}))
        .await;
    assert_eq!((result(&again), &again["replayed"]), (result(&ok), &json!(true)));
}
