//! Registering and signing in. What a person may do once signed in is tested with the thing they do it to.

use serde_json::{Value, json};
use verbatim_tests::{Answer, PASSWORD, Server, Stage, fresh_key, until};

async fn register(stage: &Stage, body: Value) -> Answer {
    stage.post("/api/v1/auth/register").json(&body).send().await
}

async fn login(stage: &Stage, handle: &str, password: &str) -> Answer {
    stage
        .post("/api/v1/auth/login")
        .json(&json!({"handle": handle, "password": password}))
        .send()
        .await
}

fn somebody(handle: &str) -> Value {
    json!({"handle": handle, "display_name": "Somebody", "password": PASSWORD})
}

fn fresh_handle() -> String {
    format!("h{}", &fresh_key().replace('-', "")[..20])
}

#[tokio::test]
async fn registering_answers_with_a_session_and_a_token_that_works() {
    let stage = Stage::shared();
    let handle = fresh_handle();
    let answer = register(&stage, somebody(&handle)).await.is(201);
    assert_eq!(answer["user"]["handle"], handle);
    assert_eq!(answer["user"]["display_name"], "Somebody");
    assert!(answer["user"]["id"].as_str().expect("an id").starts_with("user_"));
    assert!(answer.str("session_id").starts_with("session_"));
    assert!((1..=900).contains(&answer.u64("expires_in")), "{}", answer.text);
    let me = stage
        .get("/api/v1/users/me")
        .token(&answer.str("access_token"))
        .send()
        .await
        .is(200);
    assert_eq!(me["id"], answer["user"]["id"]);
}

#[tokio::test]
async fn signing_in_starts_another_session_of_the_same_person() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let again = ann.another_session().await;
    assert_eq!(again.id, ann.id);
    assert_ne!(again.session, ann.session);
    assert_ne!(again.token, ann.token);
    again.get("/users/me").send().await.is(200);
    ann.get("/users/me").send().await.is(200);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_handle_are_told_apart_by_nobody() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let wrong = login(&stage, &ann.handle, "not the password at all").await.problem(401);
    let unknown = login(&stage, &fresh_handle(), "not the password at all")
        .await
        .problem(401);
    assert_eq!(wrong["code"], unknown["code"]);
    assert_eq!(wrong["detail"], unknown["detail"]);
    assert_eq!(wrong.header("set-cookie"), None);
}

#[tokio::test]
async fn a_handle_belongs_to_one_person_whatever_its_capitals() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    register(&stage, somebody(&ann.handle)).await.problem(409);
    register(&stage, somebody(&ann.handle.to_uppercase()))
        .await
        .problem(409);
    login(&stage, &ann.handle.to_uppercase(), PASSWORD).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_registrations_of_one_handle_exactly_one_wins() {
    let stage = Stage::shared();
    let handle = fresh_handle();
    let racing = (0..8).map(|_| {
        tokio::spawn({
            let (stage, body) = (stage.clone(), somebody(&handle));
            async move { register(&stage, body).await.status }
        })
    });
    let mut answers = vec![];
    for racer in racing {
        answers.push(racer.await.expect("no panic"));
    }
    answers.sort_unstable();
    assert_eq!(answers, [[201].as_slice(), &[409; 7]].concat());
    login(&stage, &handle, PASSWORD).await.is(200);
}

#[tokio::test]
async fn handles_names_and_passwords_have_bounds() {
    let stage = Stage::shared();
    for (wrong, value) in [
        ("handle", "ab".to_owned()),
        ("handle", "x".repeat(33)),
        ("handle", "has space".to_owned()),
        ("handle", "-dash".to_owned()),
        ("handle", String::new()),
        ("display_name", "n".repeat(65)),
        ("display_name", " ".to_owned()),
        ("display_name", "two\nlines".to_owned()),
        ("password", String::new()),
        ("password", "short".to_owned()),
        ("password", "p".repeat(10_000)),
    ] {
        let mut body = somebody(&fresh_handle());
        body[wrong] = value.clone().into();
        let answer = register(&stage, body).await.problem(422);
        // Short values are words that a sentence may well contain.
        assert!(
            value.len() < 20 || !answer.text.contains(&value),
            "echoed: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn every_mistake_of_a_form_is_named_by_its_pointer() {
    let stage = Stage::shared();
    let body = json!({"handle": "x", "display_name": "Somebody", "password": PASSWORD});
    let answer = register(&stage, body).await.problem(422);
    let errors = answer["errors"].as_array().expect("a list of mistakes");
    assert!(
        errors
            .iter()
            .any(|error| error["pointer"].as_str().is_some_and(|at| at.contains("handle"))),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn nothing_of_ones_own_answers_without_a_good_token() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut forged = ann.token.clone();
    let last = forged.pop().expect("a token has characters");
    forged.push(if last == 'A' { 'Q' } else { 'A' });
    for path in ["/api/v1/users/me", "/api/v1/spaces", "/api/v1/channels"] {
        stage.get(path).send().await.problem(401);
        stage.get(path).token("nonsense").send().await.problem(401);
        stage.get(path).token(&unsigned(&ann.token)).send().await.problem(401);
        stage
            .get(path)
            .header("authorization", "Basic YW5uOmFubg==")
            .send()
            .await
            .problem(401);
    }
    let middle = ann.token.len() - 20;
    let mut broken = ann.token.clone().into_bytes();
    broken[middle] = if broken[middle] == b'A' { b'B' } else { b'A' };
    let broken = String::from_utf8(broken).expect("ascii");
    stage.get("/api/v1/users/me").token(&broken).send().await.problem(401);
}

/// The same claims under the header `{"alg":"none"}`.
fn unsigned(token: &str) -> String {
    let claims = token.split('.').nth(1).expect("claims");
    format!("eyJhbGciOiJub25lIn0.{claims}.")
}

#[tokio::test]
async fn a_token_in_the_query_is_no_token() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let answer = stage
        .get(&format!("/api/v1/users/me?access_token={}", ann.token))
        .send()
        .await;
    answer.problem_code(400, "request/token-in-query");
}

#[tokio::test]
async fn a_token_expires() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_ACCESS_TOKEN_SECONDS", "1");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let refused = until("the token to expire", async || {
        let answer = ann.get("/users/me").send().await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    refused.problem(401);
    ann.another_session().await.get("/users/me").send().await.is(200);
}

#[tokio::test]
async fn the_published_keys_are_public_ones() {
    let stage = Stage::shared();
    let answer = stage.get("/.well-known/jwks.json").send().await.is(200);
    let keys = answer["keys"].as_array().expect("keys");
    assert!(!keys.is_empty(), "{}", answer.text);
    for key in keys {
        assert_eq!(
            (&key["kty"], &key["crv"], &key.get("d")),
            (&json!("OKP"), &json!("Ed25519"), &None),
            "{key}"
        );
        assert!(key["x"].is_string() && key["kid"].is_string(), "{key}");
    }
}
