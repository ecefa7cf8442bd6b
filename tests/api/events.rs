//! The raw ordered stream of a channel over HTTP, with long polling.

use serde_json::{Value, json};
use verbatim_tests::{Stage, fresh_key, until};

#[tokio::test]
async fn the_stream_is_dense_ordered_and_of_the_promised_shape() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let key = fresh_key();
    let ack = ann.send_keyed(&room.channel, &key, "hello").await.is(201);
    let events = bob.all_events(&room.channel).await;
    let seqs: Vec<_> = events
        .iter()
        .map(|event| event["seq"].as_u64().expect("a seq"))
        .collect();
    assert_eq!(seqs, (1..=ack.u64("seq")).collect::<Vec<_>>());
    assert_eq!(events[0]["type"], "channel.created");
    let times: Vec<_> = events
        .iter()
        .map(|event| event["at"].as_str().expect("a time"))
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(
        times
            .iter()
            .all(|time| time.len() == "2025-01-01T00:00:00.000000Z".len() && time.ends_with('Z')),
        "{times:?}"
    );
    let last = events.last().expect("events");
    assert_eq!(
        (&last["ch"], &last["event"], &last["by"]),
        (&json!(room.channel), &ack["event"], &json!(ann.id))
    );
    assert_eq!(
        (&last["at"], &last["d"]["body"], &last["d"]["message"]),
        (&ack["at"], &json!("hello"), &ack["message"])
    );
    assert_eq!(last.get("t"), None, "an item is the frame without its t");
}

#[tokio::test]
async fn the_key_is_shown_to_its_author_only() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let key = fresh_key();
    let after = ann.send_keyed(&room.channel, &key, "mine").await.is(201).u64("seq") - 1;
    assert_eq!(ann.events_after(&room.channel, after).await[0]["key"], key);
    let seen_by_bob = json!(bob.events_after(&room.channel, after).await).to_string();
    assert!(!seen_by_bob.contains(&key), "{seen_by_bob}");
}

#[tokio::test]
async fn pages_of_the_stream_meet() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    for number in 0..12 {
        ann.send(&room.channel, &format!("number {number}")).await;
    }
    let path = |after: u64, limit: &str| format!("/channels/{}/events?after={after}&limit={limit}", room.channel);
    let mut walked: Vec<Value> = vec![];
    while walked.len() < 14 {
        let page = ann.get(&path(walked.len() as u64, "4")).send().await.is(200);
        assert!((1..=4).contains(&page.items().len()), "{}", page.text);
        walked.extend(page.items().clone());
    }
    assert_eq!(walked, ann.all_events(&room.channel).await);
    for wrong in ["0", "-1", "many"] {
        ann.get(&path(0, wrong)).send().await.problem(422);
    }
    let larger = ann.get(&path(0, "101")).send().await;
    assert!(larger.status == 422 || larger.is(200).items().len() == 14);
}

#[tokio::test]
async fn a_long_poll_answers_when_something_happens() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    for number in 0..5 {
        let top = ann.listed(&room.channel).await["top"].as_u64().expect("a top");
        let path = format!("/channels/{}/events?after={top}&wait_ms=25000", room.channel);
        let (poll, sent) = tokio::join!(bob.get(&path).send(), async {
            // Whether the poll or the message comes first, the poll has it.
            tokio::task::yield_now().await;
            ann.send(&room.channel, &format!("number {number}")).await
        });
        let items = poll.is(200).items().clone();
        assert_eq!((items.len(), &items[0]["event"]), (1, &sent["event"]));
    }
}

#[tokio::test]
async fn a_long_poll_without_news_ends_empty() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let top = ann.listed(&room.channel).await["top"].as_u64().expect("a top");
    let path = format!("/channels/{}/events?after={top}&wait_ms=50", room.channel);
    assert!(ann.get(&path).send().await.is(200).items().is_empty());
    let endless = format!("/channels/{}/events?after={top}&wait_ms=30001", room.channel);
    ann.get(&endless).send().await.problem(422);
}

#[tokio::test]
async fn a_long_poll_of_a_removed_member_shows_nothing_more() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let top = ann.listed(&room.channel).await["top"].as_u64().expect("a top");
    let path = format!("/channels/{}/events?after={top}&wait_ms=25000", room.channel);
    let (poll, removed) = tokio::join!(bob.get(&path).send(), async {
        tokio::task::yield_now().await;
        let removed = ann.remove_member(&room.channel, &bob).await.accepted().u64("seq");
        ann.send(&room.channel, "now that he is gone").await;
        removed
    });
    if poll.status == 200 {
        assert!(
            poll.items().iter().all(|event| event["seq"].as_u64() <= Some(removed)),
            "{}",
            poll.text
        );
    } else {
        poll.problem(404);
    }
    let refused = until("the stream to close", async || {
        let answer = bob
            .get(&format!("/channels/{}/events?after=0", room.channel))
            .send()
            .await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    refused.problem_code(404, "channel/not-found");
}
