//! Blocks between people: nothing new between the two in a conversation of two, whoever set it, and nothing else changes.

use reqwest::Method;
use serde_json::json;
use verbatim_tests::{Answer, Person, Stage, fresh_key};

/// Well-formed, and nobody's.
const NOBODY: &str = "user_01h455vb4pex5vsknk084sn02q";

async fn block(who: &Person, whom: &Person) -> Answer {
    who.put(&format!("/users/me/blocks/{}", whom.id)).send().await
}

async fn unblock(who: &Person, whom: &Person) -> Answer {
    who.delete(&format!("/users/me/blocks/{}", whom.id)).send().await
}

async fn try_open(who: &Person, with: &Person) -> Answer {
    let body = json!({"kind": "direct", "members": [with.id]});
    who.post("/channels").json(&body).send().await
}

#[tokio::test]
async fn blocks_are_set_listed_and_taken_back() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    assert!(ann.read("/users/me/blocks").await.is(200).items().is_empty());
    for (other, replayed) in [(&bob, false), (&eve, false), (&bob, true)] {
        let set = block(&ann, other).await.is(200);
        assert_eq!(
            (&set["id"], &set["handle"], &set["replayed"]),
            (&json!(other.id), &json!(other.handle), &json!(replayed))
        );
    }
    let first = ann.read("/users/me/blocks?limit=1").await.is(200);
    let next = first.str("next");
    let second = ann
        .read(&format!("/users/me/blocks?limit=1&after={next}"))
        .await
        .is(200);
    assert_eq!(second["next"], json!(null));
    assert_eq!(
        (&first.items()[0]["id"], &second.items()[0]["id"]),
        (&json!(bob.id), &json!(eve.id))
    );
    unblock(&ann, &bob).await.is(200);
    assert_eq!(unblock(&ann, &bob).await.is(200)["replayed"], true);
    let left = ann.read("/users/me/blocks").await.is(200);
    assert_eq!(left.items().len(), 1);
    let his = bob.read("/users/me/blocks").await.is(200);
    assert!(his.items().is_empty(), "it is Ann's own list");
}

#[tokio::test]
async fn nobody_blocks_themselves_or_nobody() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    block(&ann, &ann).await.problem_code(422, "user/block-self");
    for method in [Method::PUT, Method::DELETE] {
        let nobody = ann.ask(method.clone(), &format!("/users/me/blocks/{NOBODY}"));
        nobody.send().await.problem_code(404, "user/not-found");
        let tokenless = stage.ask(method, &format!("/api/v1/users/me/blocks/{}", ann.id));
        tokenless.send().await.problem_code(401, "auth/required");
    }
}

#[tokio::test]
async fn between_the_two_nothing_new_is_said_and_neither_is_told_by_whom() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let channel = ann.open_direct(&bob).await.is(201).str("id");
    let hers = ann.send(&channel, "hello").await.str("message");
    let his = bob.send(&channel, "hello to you").await.str("message");
    block(&ann, &bob).await.is(200);
    let mut refusals = vec![];
    for (person, other, message) in [(&ann, &bob, &hers), (&bob, &ann, &his)] {
        let sent = person.send_keyed(&channel, &fresh_key(), "one more thing").await;
        let edited = person.edit(&channel, message, "what I meant").await;
        for refused in [sent, edited] {
            let problem = refused.problem_code(403, "channel/blocked");
            refusals.push((problem["title"].clone(), problem["detail"].clone()));
        }
        let mut socket = person.socket().await;
        let err = socket
            .command("message.send", &channel, &fresh_key(), json!({"body": "by frame"}))
            .await;
        assert_eq!(
            (&err["t"], &err["code"]),
            (&json!("err"), &json!("channel/blocked")),
            "{err}"
        );
        // What there is can be read, opened again and taken back.
        assert_eq!(person.all_messages(&channel).await.len(), 2);
        person.open_direct(other).await.is(200);
        person.delete_message(&channel, message).await.is(201);
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "the two are told different things: {refusals:?}");
    unblock(&ann, &bob).await.is(200);
    bob.send(&channel, "and again").await;
}

#[tokio::test]
async fn no_conversation_is_opened_across_a_block() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    block(&ann, &bob).await.is(200);
    for (who, with) in [(&ann, &bob), (&bob, &ann)] {
        try_open(who, with).await.problem_code(403, "channel/blocked");
    }
    unblock(&ann, &bob).await.is(200);
    try_open(&bob, &ann).await.is(201);
}

#[tokio::test]
async fn groups_and_spaces_go_on() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let group = ann.create_group(&[&bob]).await;
    block(&ann, &bob).await.is(200);
    for channel in [&room.channel, &group] {
        bob.send(channel, "still here").await;
        ann.send(channel, "so am I").await;
    }
}

#[tokio::test]
async fn whoever_is_blocked_mentions_in_vain() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann, &bob, &eve]).await;
    let mention = async |by: &Person| {
        let body = json!({"body": "look here", "mentions": [ann.id]});
        let sent = by.post(&format!("/channels/{}/messages", room.channel)).json(&body);
        sent.send().await.is(201).str("message")
    };
    let counts = async || {
        let listed = ann.listed(&room.channel).await;
        (listed["mentions"].clone(), listed["unread"].clone())
    };
    mention(&bob).await;
    assert_eq!(counts().await, (json!(1), json!(1)));
    block(&ann, &bob).await.is(200);
    let vain = mention(&bob).await;
    assert_eq!(counts().await, (json!(1), json!(2)));
    let edited = json!({"body": "look again", "mentions": [ann.id, eve.id]});
    let path = format!("/channels/{}/messages/{vain}", room.channel);
    bob.patch(&path).json(&edited).send().await.is(201);
    mention(&eve).await;
    assert_eq!(counts().await, (json!(2), json!(3)));
    assert_eq!(eve.listed(&room.channel).await["mentions"], 1);
    unblock(&ann, &bob).await.is(200);
    mention(&bob).await;
    assert_eq!(counts().await, (json!(3), json!(4)));
}
