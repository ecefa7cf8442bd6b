//! What the process prints: structured lines that find a request again, and never what people said or what lets them in.

use serde_json::{Value, json};
use verbatim_tests::{Server, Stage, fresh_key};

const WORDS: &str = "heliotrope-in-a-message";
const PASSWORD: &str = "heliotrope-as-a-password";

#[tokio::test]
async fn lines_are_json_and_find_a_request_by_its_id() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let answer = ann.get("/users/me").send().await.is(200);
    let id = answer.header("x-request-id").expect("a request id").to_owned();
    assert_eq!(server.terminate().await, Some(0));
    let printed = server.printed();
    let lines: Vec<&String> = printed
        .iter()
        .filter(|line| !line.starts_with("listening on http://"))
        .collect();
    assert_eq!(
        lines.len() + 1,
        printed.len(),
        "the address is announced in exactly one line"
    );
    for line in &lines {
        let parsed: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert!(parsed["level"].is_string() && parsed["timestamp"].is_string(), "{line}");
    }
    assert!(
        lines.iter().any(|line| line.contains(&id)),
        "no line names the request {id}"
    );
}

#[tokio::test]
async fn lines_never_show_words_passwords_or_tokens() {
    let mut server = Server::start_with(|options| {
        options.set("RUST_LOG", "debug");
    });
    let stage = Stage::on(&server);
    let account = json!({"handle": "quiet-person", "display_name": "heliotrope-as-a-name", "password": PASSWORD});
    let registered = stage.post("/api/v1/auth/register").json(&account).send().await.is(201);
    let login = json!({"handle": "quiet-person", "password": format!("{PASSWORD}-wrong")});
    stage.post("/api/v1/auth/login").json(&login).send().await.problem(401);
    stage
        .post("/api/v1/auth/register")
        .json(&account)
        .send()
        .await
        .problem(409);
    stage
        .post("/api/v1/auth/login")
        .raw_json(format!("{{\"password\": \"{PASSWORD}"))
        .send()
        .await
        .problem(400);

    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let key = fresh_key();
    let message = ann.send_keyed(&room.channel, &key, WORDS).await.is(201).str("message");
    ann.send_keyed(&room.channel, &key, &format!("{WORDS}-other"))
        .await
        .problem(409);
    ann.send_keyed(&room.channel, &fresh_key(), &WORDS.repeat(1_000))
        .await
        .problem(422);
    ann.edit(&room.channel, &message, &format!("{WORDS}-edited"))
        .await
        .is(201);
    let unknown = json!({"body": WORDS, WORDS: true});
    ann.post(&format!("/channels/{}/messages", room.channel))
        .json(&unknown)
        .send()
        .await
        .problem(422);
    let ticket = ann.ticket().await;
    let mut socket = ann.socket().await;
    socket.subscribe(&room.channel, Some(0)).await;
    socket.say(&room.channel, WORDS).await;
    socket.send_text(format!("{{\"t\": \"cmd\", \"d\": \"{WORDS}")).await;
    socket.expect("err").await;
    socket.send_text(json!({"t": WORDS}).to_string()).await;
    socket.expect("err").await;
    ann.delete_message(&room.channel, &message).await.is(201);
    ann.page(&room.channel, "").await;

    assert_eq!(server.terminate().await, Some(0));
    let printed = server.printed().join("\n");
    for secret in ["heliotrope", &ann.token, &registered.str("access_token"), &ticket] {
        let line = printed.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "the log shows {secret}");
    }
    assert!(
        printed.lines().count() > 5,
        "a server that prints nothing proves nothing"
    );
}
