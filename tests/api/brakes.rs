//! Spam is slowed down: the same words again and again, links of new accounts, mentions without end. Over HTTP and sockets alike, and
//! never a retry of what was accepted.

use serde_json::json;
use verbatim_tests::{Answer, Options, Server, Stage, fresh_key};

fn strict(options: &mut Options) {
    options.set("VERBATIM_RATE_LIMITS", "on");
    options.set("VERBATIM_LIMIT_REPEATS", "3");
    options.set("VERBATIM_LIMIT_NEW_ACCOUNT_LINKS_PER_HOUR", "2");
    options.set("VERBATIM_LIMIT_MENTIONS_PER_MINUTE", "4");
}

#[track_caller]
fn assert_braked(answer: Answer, code: &str) {
    let answer = answer.problem_code(429, code);
    assert!(
        answer["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0),
        "{}",
        answer.text
    );
    assert!(answer.header("retry-after").is_some(), "{}", answer.text);
}

#[tokio::test]
async fn the_same_words_are_held_over_all_channels_and_by_every_way() {
    let server = Server::start_with(strict);
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let (one, other) = (stage.room(&[&ann, &bob]).await, stage.room(&[&ann]).await);
    let key = fresh_key();
    ann.send_keyed(&one.channel, &key, "Buy now!").await.is(201);
    ann.send_keyed(&other.channel, &fresh_key(), "buy   NOW").await.is(201);
    ann.send_keyed(&one.channel, &fresh_key(), "Buy, now...").await.is(201);
    assert_braked(
        ann.send_keyed(&other.channel, &fresh_key(), "buy now").await,
        "brake/repeated",
    );
    let mut socket = ann.socket().await;
    let id = socket.post_message(&one.channel, &fresh_key(), "BUY NOW").await;
    let refused = socket.answer(&id).await;
    assert_eq!(
        (&refused["t"], &refused["code"]),
        (&json!("err"), &json!("brake/repeated")),
        "{refused}"
    );
    assert_eq!(refused["retryable"], true, "{refused}");
    assert!(
        refused["retry_after_ms"].as_u64().is_some_and(|wait| wait <= 60_000),
        "{refused}"
    );
    // What was accepted is answered again, by either way.
    assert_eq!(
        ann.send_keyed(&one.channel, &key, "Buy now!").await.is(200)["replayed"],
        true
    );
    let id = socket.post_message(&one.channel, &key, "Buy now!").await;
    assert_eq!(socket.answer(&id).await["replayed"], true);
    // Other words and other people are as free as before.
    ann.send_keyed(&one.channel, &fresh_key(), "I take it back")
        .await
        .is(201);
    bob.send_keyed(&one.channel, &fresh_key(), "Buy now!").await.is(201);
    let metrics = stage.get("/metrics").send().await.is(200).text;
    assert!(
        metrics.contains("rate_limit_refusals_total{class=\"brake-repeated\"} 2"),
        "{metrics}"
    );
}

#[tokio::test]
async fn what_was_refused_or_repeated_does_not_count() {
    let server = Server::start_with(strict);
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&bob]).await;
    for _ in 0..6 {
        // Ann is not in Bob's room: she is told what every stranger is.
        ann.send_keyed(&room.channel, &fresh_key(), "let me in")
            .await
            .problem_code(404, "channel/not-found");
    }
    let mine = stage.room(&[&ann]).await;
    let key = fresh_key();
    ann.send_keyed(&mine.channel, &key, "let me in").await.is(201);
    for _ in 0..6 {
        ann.send_keyed(&mine.channel, &key, "let me in").await.is(200);
    }
    ann.send_keyed(&mine.channel, &fresh_key(), "let me in").await.is(201);
    ann.send_keyed(&mine.channel, &fresh_key(), "let me in").await.is(201);
    assert_braked(
        ann.send_keyed(&mine.channel, &fresh_key(), "let me in").await,
        "brake/repeated",
    );
}

#[tokio::test]
async fn new_accounts_send_links_slowly() {
    let server = Server::start_with(strict);
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    ann.send_keyed(&room.channel, &fresh_key(), "see https://a.example")
        .await
        .is(201);
    let message = ann
        .send_keyed(&room.channel, &fresh_key(), "and www.b.example")
        .await
        .is(201);
    assert_braked(
        ann.send_keyed(&room.channel, &fresh_key(), "or http://c.example").await,
        "brake/links",
    );
    // Nor by way of an edit.
    let edit = ann
        .patch(&format!(
            "/channels/{}/messages/{}",
            room.channel,
            message.str("message")
        ))
        .json(&json!({"body": "http://d.example"}));
    assert_braked(edit.send().await, "brake/links");
    ann.send_keyed(&room.channel, &fresh_key(), "no link at all")
        .await
        .is(201);
}

#[tokio::test]
async fn accounts_of_some_age_may_send_links() {
    let server = Server::start_with(|options| {
        strict(options);
        options.set("VERBATIM_LIMIT_NEW_ACCOUNT_HOURS", "0");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    for number in 0..6 {
        let body = format!("see https://{number}.example");
        ann.send_keyed(&room.channel, &fresh_key(), &body).await.is(201);
    }
}

#[tokio::test]
async fn mentions_are_counted_over_messages() {
    let server = Server::start_with(strict);
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let call = |body: String| {
        let body = json!({"body": body, "mentions": [bob.id, ann.id]});
        ann.post(&format!("/channels/{}/messages", room.channel))
            .json(&body)
            .send()
    };
    call("you two".to_owned()).await.is(201);
    call("again".to_owned()).await.is(201);
    assert_braked(call("and again".to_owned()).await, "brake/mentions");
    ann.send_keyed(&room.channel, &fresh_key(), "nobody in particular")
        .await
        .is(201);
}

#[tokio::test]
async fn where_rates_are_lifted_so_are_brakes() {
    let server = Server::start_with(|options| {
        strict(options);
        options.set("VERBATIM_RATE_LIMITS", "off");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    for _ in 0..10 {
        ann.send_keyed(&room.channel, &fresh_key(), "https://a.example")
            .await
            .is(201);
    }
}
