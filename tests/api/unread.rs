//! Read marks, receipts, unread and mention counters: all of them equal what the log says.

use serde_json::{Value, json};
use verbatim_tests::{Person, Stage, until};

async fn receipt_of(asker: &Person, channel: &str, person: &Person) -> Value {
    let receipts = asker.read(&format!("/channels/{channel}/receipts")).await.is(200);
    let found = receipts.items().iter().find(|receipt| receipt["user"] == person.id);
    found
        .unwrap_or_else(|| panic!("nobody of that id in {}", receipts.text))
        .clone()
}

#[tokio::test]
async fn messages_of_others_count_as_unread_until_they_are_read() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    assert_eq!(bob.listed(&room.channel).await["unread"], 0);
    let mut seqs = vec![];
    for number in 0..5 {
        seqs.push(ann.send(&room.channel, &format!("number {number}")).await.u64("seq"));
    }
    let listed = bob.listed(&room.channel).await;
    assert_eq!((&listed["unread"], &listed["top"]), (&json!(5), &json!(seqs[4])));
    assert_eq!(
        ann.listed(&room.channel).await["unread"],
        0,
        "one's own words are no news"
    );
    bob.mark_read(&room.channel, seqs[1]).await;
    let listed = bob.listed(&room.channel).await;
    assert_eq!((&listed["unread"], &listed["read"]), (&json!(3), &json!(seqs[1])));
    bob.mark_read(&room.channel, seqs[4]).await;
    assert_eq!(bob.listed(&room.channel).await["unread"], 0);
    ann.send(&room.channel, "one more").await;
    assert_eq!(bob.listed(&room.channel).await["unread"], 1);
    assert_eq!(bob.read(&format!("/channels/{}", room.channel)).await["unread"], 1);
}

#[tokio::test]
async fn marks_only_ever_rise() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let first = ann.send(&room.channel, "first").await.u64("seq");
    let second = ann.send(&room.channel, "second").await.u64("seq");
    bob.mark_read(&room.channel, second).await;
    bob.mark_read(&room.channel, first).await;
    let listed = bob.listed(&room.channel).await;
    assert_eq!((&listed["read"], &listed["unread"]), (&json!(second), &json!(0)));
    let beyond = bob
        .put(&format!("/channels/{}/read", room.channel))
        .json(&json!({"seq": second + 1_000}))
        .send()
        .await;
    if beyond.status >= 400 {
        beyond.assert_problem_shape();
    }
    ann.send(&room.channel, "third").await;
    assert_eq!(
        bob.listed(&room.channel).await["unread"],
        1,
        "nobody has read what was not written yet"
    );
}

#[tokio::test]
async fn edits_and_deletions_leave_no_phantom_unread() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let first = ann.send(&room.channel, "first").await;
    let second = ann.send(&room.channel, "second").await;
    bob.mark_read(&room.channel, first.u64("seq")).await;
    ann.edit(&room.channel, &first.str("message"), "first, corrected")
        .await
        .is(201);
    assert_eq!(bob.listed(&room.channel).await["unread"], 1);
    ann.delete_message(&room.channel, &second.str("message")).await.is(201);
    assert_eq!(bob.listed(&room.channel).await["unread"], 0);
}

#[tokio::test]
async fn mentions_are_counted_for_the_person_mentioned() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    let path = format!("/channels/{}/messages", room.channel);
    let sent = ann
        .post(&path)
        .json(&json!({"body": "Bob?", "mentions": [bob.id, ann.id]}))
        .send()
        .await
        .is(201);
    ann.send(&room.channel, "never mind").await;
    let counters = async |person: &Person| {
        let listed = person.listed(&room.channel).await;
        (
            listed["unread"].as_u64().expect("a number"),
            listed["mentions"].as_u64().expect("a number"),
        )
    };
    assert_eq!(
        (counters(&ann).await, counters(&bob).await, counters(&carol).await),
        ((0, 0), (2, 1), (2, 0))
    );
    bob.mark_read(&room.channel, sent.u64("seq")).await;
    assert_eq!(counters(&bob).await, (1, 0));
    let edit = json!({"body": "Carol?", "mentions": [carol.id]});
    ann.patch(&format!("{path}/{}", sent.str("message")))
        .json(&edit)
        .send()
        .await
        .is(201);
    assert_eq!((counters(&bob).await, counters(&carol).await), ((1, 0), (2, 1)));
    ann.delete_message(&room.channel, &sent.str("message")).await.is(201);
    assert_eq!(counters(&carol).await, (1, 0));
}

#[tokio::test]
async fn receipts_show_how_far_each_member_has_read() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let seq = ann.send(&room.channel, "hello").await.u64("seq");
    assert!(receipt_of(&ann, &room.channel, &bob).await["read"].as_u64() < Some(seq));
    bob.mark_read(&room.channel, seq).await;
    until("the receipt", async || {
        (receipt_of(&ann, &room.channel, &bob).await["read"] == seq).then_some(())
    })
    .await;
    let receipt = receipt_of(&ann, &room.channel, &bob).await;
    assert_eq!(
        (&receipt["read"], &receipt["got"]),
        (&json!(seq), &json!(seq)),
        "what was read has arrived"
    );
}

#[tokio::test]
async fn reading_is_no_event_of_the_channel() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let seq = ann.send(&room.channel, "hello").await.u64("seq");
    let before = ann.all_events(&room.channel).await;
    bob.mark_read(&room.channel, seq).await;
    bob.mark_read(&room.channel, seq).await;
    assert_eq!(bob.listed(&room.channel).await["read"], seq);
    assert_eq!(ann.all_events(&room.channel).await, before);
}
