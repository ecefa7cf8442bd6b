//! Editing: by the author alone, with versions, never after deletion.

use serde_json::json;
use verbatim_tests::{Stage, fresh_key};

#[tokio::test]
async fn an_edit_changes_the_words_and_keeps_the_place() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let sent = ann.send(&room.channel, "teh minutes").await;
    let message = sent.str("message");
    let edited = ann.edit(&room.channel, &message, "the minutes").await.is(201);
    assert_eq!(edited.u64("seq"), sent.u64("seq") + 1);
    assert_eq!(edited["message"], sent["message"]);
    let read = bob.message(&room.channel, &message).await.is(200);
    assert_eq!(
        (&read["body"], &read["version"], &read["seq"]),
        (&json!("the minutes"), &json!(2), &sent["seq"])
    );
    assert_eq!((&read["edited_at"], &read["at"]), (&edited["at"], &sent["at"]));
    let event = bob.events_after(&room.channel, sent.u64("seq")).await.remove(0);
    assert_eq!(
        (&event["type"], &event["d"]["body"]),
        (&json!("message.edited"), &json!("the minutes"))
    );
    assert_eq!(event["d"]["message"], sent["message"]);
}

#[tokio::test]
async fn an_edit_may_insist_on_the_version_it_has_seen() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let message = ann.send(&room.channel, "first").await.str("message");
    let path = format!("/channels/{}/messages/{message}", room.channel);
    let insisting = |version: u64, body: &str| {
        ann.patch(&path)
            .json(&json!({"body": body, "expected_version": version}))
    };
    insisting(1, "second").send().await.is(201);
    insisting(1, "lost update")
        .send()
        .await
        .problem_code(409, "message/version-mismatch");
    insisting(2, "third").send().await.is(201);
    let by_header = |tag: &str, body: &str| ann.patch(&path).header("if-match", tag).json(&json!({"body": body}));
    by_header("\"2\"", "lost update")
        .send()
        .await
        .problem_code(409, "message/version-mismatch");
    by_header("\"3\"", "fourth").send().await.is(201);
    by_header("nonsense", "lost update").send().await.problem(422);
    let read = ann.message(&room.channel, &message).await;
    assert_eq!((&read["body"], &read["version"]), (&json!("fourth"), &json!(4)));
    ann.delete(&path)
        .header("if-match", "\"1\"")
        .send()
        .await
        .problem_code(409, "message/version-mismatch");
    assert_eq!(ann.message(&room.channel, &message).await["deleted"], false);
    ann.delete(&path).header("if-match", "\"4\"").send().await.is(201);
}

#[tokio::test]
async fn nobody_but_the_author_edits_whatever_their_rank() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    ann.set_role(&room.space, &carol, "moderator").await.accepted();
    let message = bob.send(&room.channel, "my own words").await.str("message");
    for other in [&ann, &carol] {
        other
            .edit(&room.channel, &message, "put into his mouth")
            .await
            .problem_code(403, "message/not-author");
        let by_command = other
            .command(
                "message.edit",
                &room.channel,
                &fresh_key(),
                json!({"message": message, "body": "no"}),
            )
            .await;
        by_command.problem_code(403, "message/not-author");
    }
    let read = ann.message(&room.channel, &message).await;
    assert_eq!((&read["body"], &read["version"]), (&json!("my own words"), &json!(1)));
}

#[tokio::test]
async fn nobody_edits_after_deletion() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let message = ann.send(&room.channel, "soon gone").await.str("message");
    ann.delete_message(&room.channel, &message).await.is(201);
    ann.edit(&room.channel, &message, "back again")
        .await
        .problem_code(409, "message/deleted");
    let read = ann.message(&room.channel, &message).await;
    assert_eq!((&read["body"], &read["deleted"]), (&json!(null), &json!(true)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_edits_of_one_version_exactly_one_wins() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let message = ann.send(&room.channel, "first").await.str("message");
    let path = format!("/channels/{}/messages/{message}", room.channel);
    let racing: Vec<_> = (0..10)
        .map(|number| {
            let edit = ann
                .patch(&path)
                .json(&json!({"body": format!("racer {number}"), "expected_version": 1}));
            tokio::spawn(async move { edit.send().await.status })
        })
        .collect();
    let mut answers = vec![];
    for racer in racing {
        answers.push(racer.await.expect("no panic"));
    }
    answers.sort_unstable();
    assert_eq!(answers, [[201].as_slice(), &[409; 9]].concat());
    assert_eq!(ann.message(&room.channel, &message).await["version"], 2);
}
