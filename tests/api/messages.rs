//! Sending, replying and reading one message. Edits, deletions and pages have files of their own.

use serde_json::json;
use verbatim_tests::{Stage, fresh_key, until};

#[tokio::test]
async fn a_message_is_acknowledged_with_its_place_and_read_back_as_written() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let body = "  two  spaces, ümläuts, 🦉 and\na second line ";
    let ack = ann.send(&room.channel, body).await;
    assert_eq!(
        (&ack["channel"], &ack["replayed"]),
        (&json!(room.channel), &json!(false))
    );
    assert!(ack.str("event").starts_with("event_") && ack.str("message").starts_with("message_"));
    assert_eq!(ack.header("x-position"), ack["pos"].as_str());
    let message = bob.message(&room.channel, &ack.str("message")).await.is(200);
    assert_eq!(
        (&message["id"], &message["ch"], &message["seq"]),
        (&ack["message"], &json!(room.channel), &ack["seq"])
    );
    assert_eq!(
        (&message["by"], &message["body"], &message["at"]),
        (&json!(ann.id), &json!(body), &ack["at"])
    );
    assert_eq!(
        (&message["version"], &message["edited_at"], &message["deleted"]),
        (&json!(1), &json!(null), &json!(false))
    );
    assert_eq!((&message["reply_to"], &message["mentions"]), (&json!(null), &json!([])));
    assert_eq!(bob.page(&room.channel, "").await.items()[0], message.body);
}

#[tokio::test]
async fn seqs_are_dense_and_follow_the_order_of_acknowledgement() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut last = ann.listed(&room.channel).await["top"].as_u64().expect("a top");
    for turn in 0..10 {
        let sender = if turn % 2 == 0 { &ann } else { &bob };
        let ack = sender.send(&room.channel, &format!("turn {turn}")).await;
        assert_eq!(ack.u64("seq"), last + 1);
        last += 1;
    }
    assert_eq!(ann.listed(&room.channel).await["top"], last);
}

#[tokio::test]
async fn a_message_and_its_event_share_the_id_under_two_prefixes() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let ack = ann.send(&room.channel, "one thing").await;
    let (event, message) = (ack.str("event"), ack.str("message"));
    assert_eq!(event.strip_prefix("event_"), message.strip_prefix("message_"));
}

#[tokio::test]
async fn a_reply_names_a_message_of_the_same_channel() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let elsewhere = ann.create_channel(&room.space, "elsewhere").await;
    let question = ann.send(&room.channel, "tea or coffee?").await;
    let reply = json!({"body": "tea", "reply_to": question["message"]});
    let ack = ann
        .post(&format!("/channels/{}/messages", room.channel))
        .json(&reply)
        .send()
        .await
        .is(201);
    let read = ann.message(&room.channel, &ack.str("message")).await;
    assert_eq!(read["reply_to"], question["message"]);
    ann.post(&format!("/channels/{elsewhere}/messages"))
        .json(&reply)
        .send()
        .await
        .problem_code(404, "message/not-found");
    let nothing = json!({"body": "tea", "reply_to": "message_01h455vb4pex5vsknk084sn02q"});
    ann.post(&format!("/channels/{}/messages", room.channel))
        .json(&nothing)
        .send()
        .await
        .problem(404);
}

#[tokio::test]
async fn mentions_name_members_and_are_kept() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann, &bob]).await;
    let path = format!("/channels/{}/messages", room.channel);
    let ack = ann
        .post(&path)
        .json(&json!({"body": "look, Bob", "mentions": [bob.id]}))
        .send()
        .await
        .is(201);
    assert_eq!(
        bob.message(&room.channel, &ack.str("message")).await["mentions"],
        json!([bob.id])
    );
    ann.post(&path)
        .json(&json!({"body": "look, Eve", "mentions": [eve.id]}))
        .send()
        .await
        .problem(422);
    let crowd: Vec<String> = (0..51).map(|number| format!("user_{number:026}")).collect();
    ann.post(&path)
        .json(&json!({"body": "look, all", "mentions": crowd}))
        .send()
        .await
        .problem(422);
}

#[tokio::test]
async fn bodies_have_bounds_in_characters_and_in_bytes() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    for fits in ["x".repeat(8_000), "é".repeat(8_000), "🦉".repeat(8_000)] {
        let ack = ann.send(&room.channel, &fits).await;
        assert_eq!(ann.message(&room.channel, &ack.str("message")).await["body"], fits);
    }
    let before = ann.all_events(&room.channel).await.len();
    for wrong in [
        "x".repeat(8_001),
        "🦉".repeat(8_001),
        String::new(),
        " \n\t".to_owned(),
        "a\0b".to_owned(),
    ] {
        let answer = ann.send_keyed(&room.channel, &fresh_key(), &wrong).await.problem(422);
        assert!(
            wrong.len() < 100 || !answer.text.contains(&wrong[..100]),
            "the body is echoed"
        );
    }
    assert_eq!(ann.all_events(&room.channel).await.len(), before);
}

#[tokio::test]
async fn a_message_that_does_not_exist_is_not_found() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let elsewhere = ann.create_channel(&room.space, "elsewhere").await;
    let sent = ann.send(&elsewhere, "over here").await.str("message");
    for message in [sent.as_str(), "message_01h455vb4pex5vsknk084sn02q"] {
        ann.message(&room.channel, message)
            .await
            .problem_code(404, "message/not-found");
        ann.edit(&room.channel, message, "changed")
            .await
            .problem_code(404, "message/not-found");
        ann.delete_message(&room.channel, message)
            .await
            .problem_code(404, "message/not-found");
    }
    assert_eq!(ann.page(&elsewhere, "").await.items()[0]["body"], "over here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_senders_get_seqs_without_holes_or_doubles() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let before = ann.all_events(&room.channel).await.len() as u64;
    let sending: Vec<_> = (0..60)
        .map(|number| {
            let (sender, channel) = (
                if number % 2 == 0 { ann.clone() } else { bob.clone() },
                room.channel.clone(),
            );
            tokio::spawn(async move { sender.send(&channel, &format!("racer {number}")).await.u64("seq") })
        })
        .collect();
    let mut seqs = vec![];
    for sent in sending {
        seqs.push(sent.await.expect("no panic"));
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (before + 1..=before + 60).collect::<Vec<_>>());
    // The answer that came last need not be that of the last message, so its position is not enough to wait for.
    let pages = until("the view to catch up", async || {
        let pages = bob.all_messages(&room.channel).await;
        (pages.len() >= seqs.len()).then_some(pages)
    })
    .await;
    assert_eq!(
        pages
            .iter()
            .map(|message| message["seq"].as_u64().expect("a seq"))
            .collect::<Vec<_>>(),
        seqs
    );
}
