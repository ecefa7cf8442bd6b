//! How long a socket may stay: as long as the access it was opened with, and on with each new ticket of the same person.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use verbatim_tests::{Options, Person, Server, Socket, Stage, fresh_key};

/// A server whose access tokens are good for so short a time that it can be waited for.
fn brief(seconds: u64) -> Server {
    Server::start_with(|options: &mut Options| {
        options.set("VERBATIM_LIMIT_ACCESS_TOKEN_SECONDS", seconds.to_string());
    })
}

async fn reauth(socket: &mut Socket, ticket: &str) -> Value {
    let id = socket.next_id();
    socket.send(&json!({"t": "reauth", "id": id, "ticket": ticket})).await;
    socket.answer(&id).await
}

fn time(value: &Value) -> DateTime<Utc> {
    let text = value.as_str().expect("a time");
    text.parse().expect("RFC 3339")
}

async fn ticket(person: &Person) -> String {
    person.ticket().await
}

#[tokio::test]
async fn a_socket_is_closed_when_its_access_ends() {
    let server = brief(5);
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let mut socket = ann.socket().await;
    let welcomed = Instant::now();
    let left = time(&socket.welcome["expires_at"]) - time(&socket.welcome["server_time"]);
    assert_eq!(socket.close_code().await, Some(4502));
    let stayed = welcomed.elapsed() + Duration::from_millis(500);
    assert!(stayed >= left.to_std().expect("the future"), "{stayed:?} of {left}");
}

#[tokio::test]
async fn a_new_ticket_lets_the_socket_go_on() {
    let server = brief(8);
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    socket.subscribe(&room.channel, None).await;
    let first_end = time(&socket.welcome["expires_at"]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let again = ann.another_session().await;
    let answer = reauth(&mut socket, &ticket(&again).await).await;
    assert_eq!(answer["t"], "reauth_ok", "{answer}");
    assert!(time(&answer["expires_at"]) > first_end, "{answer}");
    // The first access is over then, the second is not.
    while Utc::now() <= first_end + Duration::from_millis(200) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ok = socket
        .command(
            "message.send",
            &room.channel,
            &fresh_key(),
            json!({"body": "still here"}),
        )
        .await;
    assert_eq!(ok["t"], "ok", "{ok}");
    assert_eq!(socket.event(&room.channel).await["seq"], ok["seq"]);
    assert_eq!(socket.close_code().await, Some(4502));
}

#[tokio::test]
async fn a_bad_ticket_changes_nothing() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    let good = ticket(&ann).await;
    assert_eq!(reauth(&mut socket, &good).await["t"], "reauth_ok");
    for bad in [good.as_str(), "nonsense", ""] {
        let err = reauth(&mut socket, bad).await;
        assert_eq!(
            (&err["t"], &err["code"], &err["retryable"]),
            (&json!("err"), &json!("auth/invalid-ticket"), &json!(false)),
            "{err}"
        );
    }
    socket.say(&room.channel, "and still here").await;
}

#[tokio::test]
async fn a_ticket_of_somebody_else_ends_the_socket() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    let theirs = ticket(&bob).await;
    let said = |body: &str| json!({"t": "cmd", "id": "c", "op": "message.send", "ch": room.channel, "key": fresh_key(), "d": {"body": body}});
    socket
        .send(&json!([{"t": "reauth", "id": "r", "ticket": theirs}, said("as whom?")]))
        .await;
    assert_eq!(socket.close_code().await, Some(4603));
    assert!(ann.all_messages(&room.channel).await.is_empty());
    // The ticket is used all the same.
    let mut other = bob.socket().await;
    assert_eq!(reauth(&mut other, &theirs).await["code"], "auth/invalid-ticket");
}

#[tokio::test]
async fn event_streams_and_long_polls_end_with_the_access() {
    let server = brief(5);
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let top = ann.send(&room.channel, "the last").await.u64("seq");
    let started = Instant::now();
    let mut stream = ann.event_stream(&room.channel, "").await;
    let polled = ann.get(&format!("/channels/{}/events?after={top}&wait_ms=30000", room.channel));
    let to_the_end = async { while stream.block().await.is_some() {} };
    let (polled, ()) = tokio::join!(polled.send(), to_the_end);
    assert_eq!(polled.is(401).str("code"), "auth/invalid-token");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}
