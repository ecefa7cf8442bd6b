//! Tokens of an outside issuer, over HTTP: whose account they open, and that no wrong one has any effect.

use reqwest::Method;
use serde_json::{Value, json};
use verbatim_tests::{Issuer, Server, SigningKey, Stage, part, seconds_now};

fn server(issuer: &Issuer, more: &str) -> Server {
    let mut server = Server::prepared_with(|_| {});
    std::fs::write(server.folder().join("verbatim.toml"), issuer.settings(more)).expect("written");
    server.launch();
    server
}

fn es256() -> SigningKey {
    SigningKey::new("one", "ES256")
}

/// A server that trusts an issuer of its own, which signs with one key.
fn trusting(more: &str) -> (SigningKey, Issuer, Server, Stage) {
    let key = es256();
    let issuer = Issuer::with_keys(&[&key]);
    let server = server(&issuer, more);
    let stage = Stage::on(&server);
    (key, issuer, server, stage)
}

#[tokio::test]
async fn a_first_token_opens_an_account_and_every_later_one_is_the_same_person() {
    let (key, issuer, _server, stage) = trusting("create_accounts = true");
    let me = stage
        .get("/api/v1/users/me")
        .token(&issuer.token(&key, "Ann"))
        .send()
        .await
        .is(200);
    assert_eq!(
        (me["handle"].as_str(), me["display_name"].as_str()),
        (Some("ann"), Some("Ann of corp"))
    );
    let again = stage
        .get("/api/v1/users/me")
        .token(&issuer.token(&key, "Ann"))
        .send()
        .await
        .is(200);
    assert_eq!(again["id"], me["id"]);
    let other = stage
        .get("/api/v1/users/me")
        .token(&issuer.token(&key, "bob"))
        .send()
        .await
        .is(200);
    assert_ne!(other["id"], me["id"]);
    // They write, and take part in sockets, like anybody else.
    let token = issuer.token(&key, "Ann");
    stage
        .post("/api/v1/spaces")
        .token(&token)
        .json(&json!({"name": "Readers"}))
        .send()
        .await
        .is(201);
    stage.post("/api/v1/ws/ticket").token(&token).send().await.is(201);
    // Only its issuer can end such a session, and nobody is told otherwise.
    stage
        .post("/api/v1/auth/logout")
        .token(&token)
        .raw_json("{}")
        .send()
        .await
        .problem_code(409, "auth/session-elsewhere");
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn every_kind_of_key_is_understood() {
    let keys = ["RS256", "PS256", "ES256", "EdDSA"].map(|algorithm| SigningKey::new(algorithm, algorithm));
    let issuer = Issuer::with_keys(&keys.each_ref());
    let server = server(&issuer, "create_accounts = true");
    let stage = Stage::on(&server);
    for key in &keys {
        stage
            .get("/api/v1/users/me")
            .token(&issuer.token(key, "ann"))
            .send()
            .await
            .is(200);
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn many_first_requests_of_one_person_open_one_account_and_a_restart_keeps_it() {
    let key = es256();
    let issuer = Issuer::with_keys(&[&key]);
    let mut server = server(&issuer, "create_accounts = true");
    let stage = Stage::on(&server);
    let asking = (0..20).map(|_| {
        let ask = stage.get("/api/v1/users/me").token(&issuer.token(&key, "ann"));
        async move { ask.send().await.is(200).str("id") }
    });
    let mut ids = futures_util::future::join_all(asking).await;
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    server.restart();
    let stage = Stage::on(&server);
    let after = stage
        .get("/api/v1/users/me")
        .token(&issuer.token(&key, "ann"))
        .send()
        .await
        .is(200);
    assert_eq!(after.str("id"), ids[0]);
}

#[tokio::test]
async fn a_taken_or_impossible_handle_becomes_a_free_one() {
    let (key, issuer, _server, stage) = trusting("create_accounts = true");
    let ann = stage.person("ann").await;
    let named = async |subject: &str, wish: Value| {
        let mut claims = issuer.claims(subject);
        claims["preferred_username"] = wish;
        let token = key.sign(&key.header(), &claims);
        stage
            .get("/api/v1/users/me")
            .token(&token)
            .send()
            .await
            .is(200)
            .str("handle")
    };
    let second = named("1", json!(ann.handle)).await;
    assert!(second != ann.handle, "{second}");
    assert_eq!(named("2", json!("Zoë Müller@example.org")).await, "zo--m-ller");
    assert!(named("3", json!("..")).await.starts_with("user-"));
    assert!(named("4", json!(7)).await.starts_with("user-"));
}

#[tokio::test]
async fn without_accounts_for_everybody_an_unknown_subject_hears_what_a_wrong_token_hears() {
    let (key, issuer, _server, stage) = trusting("");
    let unknown = stage
        .get("/api/v1/users/me")
        .token(&issuer.token(&key, "ann"))
        .send()
        .await;
    let unknown = unknown.problem_code(401, "auth/invalid-token");
    let wrong = stage
        .get("/api/v1/users/me")
        .token("a.b.c")
        .send()
        .await
        .problem_code(401, "auth/invalid-token");
    assert_eq!(
        (&unknown.body["detail"], &unknown.body["title"]),
        (&wrong.body["detail"], &wrong.body["title"])
    );
    let ann = stage.person("watcher").await;
    ann.get("/users?handle=ann").send().await.problem(404);
}

#[tokio::test]
async fn wrong_tokens_have_no_effect_at_all() {
    let (key, stranger) = (es256(), SigningKey::new("one", "ES256"));
    let rsa = SigningKey::new("two", "RS256");
    let issuer = Issuer::with_keys(&[&key, &rsa]);
    let server = server(&issuer, "create_accounts = true");
    let stage = Stage::on(&server);
    let watcher = stage.person("watcher").await;
    let now = seconds_now();
    let (header, claims) = (key.header(), issuer.claims("mallory"));
    let changed = |of: &Value, name: &str, value: Value| {
        let mut of = of.clone();
        of[name] = value;
        of
    };
    let mut unasked = vec![];
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("others")),
        ("exp", json!(now - 60)),
        ("exp", json!((now + 60).to_string())),
        ("exp", json!(now as f64 + 60.5)),
        ("exp", json!(now + 1_000_000)),
        ("nbf", json!(now + 600)),
        ("sub", json!("")),
    ] {
        unasked.push(key.sign(&header, &changed(&claims, name, value)));
    }
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("jku", json!(format!("{}/keys", issuer.origin))),
        ("x5u", json!(format!("{}/keys", issuer.origin))),
        ("jwk", stranger.bare_jwk()),
        ("x5c", json!(["MIIB"])),
        ("typ", json!("logout+jwt")),
    ] {
        unasked.push(stranger.sign(&changed(&header, name, value), &claims));
    }
    unasked.push(format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims)));
    unasked.push(format!("{}.{}.{}", part(&header), part(&claims), "A".repeat(20_000)));
    for token in &unasked {
        let refused = stage.get("/api/v1/users/me").token(token).send().await;
        assert!(matches!(refused.status, 401 | 400 | 431), "{}", refused.text);
    }
    assert_eq!(issuer.asked(), 0, "a wrong token made us ask");
    // These are seen through only with the keys at hand.
    let mut asked = vec![
        stranger.sign(&header, &claims),
        key.sign(&changed(&header, "kid", json!("two")), &claims),
    ];
    asked.push(key.sign(
        &changed(&changed(&header, "kid", json!("two")), "alg", json!("RS256")),
        &claims,
    ));
    let good = key.sign(&header, &claims);
    let parts: Vec<_> = good.split('.').collect();
    asked.push([parts[0], &part(&changed(&claims, "sub", json!("root"))), parts[2]].join("."));
    for token in &asked {
        stage
            .get("/api/v1/users/me")
            .token(token)
            .send()
            .await
            .problem_code(401, "auth/invalid-token");
    }
    assert_eq!(issuer.asked(), 1);
    for handle in ["mallory", "root"] {
        watcher.read(&format!("/users?handle={handle}")).await.problem(404);
    }
    // In a query string no token is one.
    let in_query = stage
        .ask(Method::GET, &format!("/api/v1/users/me?access_token={good}"))
        .send()
        .await;
    assert!(matches!(in_query.status, 400 | 401), "{}", in_query.text);
}

#[tokio::test]
async fn a_new_key_is_fetched_once_and_an_unreachable_issuer_is_told() {
    let (old, new) = (es256(), SigningKey::new("new", "EdDSA"));
    let issuer = Issuer::with_keys(&[&old, &new]);
    issuer.withdraw("/keys");
    let server = server(&issuer, "create_accounts = true");
    let stage = Stage::on(&server);
    for _ in 0..5 {
        let answer = stage
            .get("/api/v1/users/me")
            .token(&issuer.token(&old, "ann"))
            .send()
            .await;
        let answer = answer.problem_code(503, "auth/issuer-unavailable");
        assert!(answer.header("retry-after").is_some());
    }
    // Within the same minute nobody asks again.
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn whoever_is_suspended_is_out_with_tokens_of_others_too() {
    let key = es256();
    let issuer = Issuer::with_keys(&[&key]);
    let mut server = server(&issuer, "create_accounts = true");
    let olga = Stage::on(&server).person("olga").await;
    server.terminate().await;
    let granted = server.run(&["grant", &olga.handle, "operator"]);
    assert!(granted.status.success(), "{granted:?}");
    server.launch();
    let stage = Stage::on(&server);
    let token = issuer.token(&key, "ann");
    let ann = stage
        .get("/api/v1/users/me")
        .token(&token)
        .send()
        .await
        .is(200)
        .str("id");
    let olga = stage.signed_in(&olga.handle).await;
    let because = json!({"reason": "sells things in every channel"});
    olga.post(&format!("/admin/users/{ann}/suspend"))
        .json(&because)
        .send()
        .await
        .accepted();
    for token in [&token, &issuer.token(&key, "ann")] {
        stage
            .get("/api/v1/users/me")
            .token(token)
            .send()
            .await
            .problem_code(401, "auth/invalid-token");
    }
    olga.post(&format!("/admin/users/{ann}/reinstate"))
        .json(&because)
        .send()
        .await
        .accepted();
    stage.get("/api/v1/users/me").token(&token).send().await.is(200);
}

#[test]
fn wrong_issuers_are_told_all_at_once_and_production_wants_https() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("v.toml");
    let table = "[[issuers]]\nname = \"a\"\nissuer = \"https://a\"\njwks_url = \"http://a.example/keys\"\naudiences = [\"x\"]\n\
                 algorithms = [\"ES256\"]\n[[issuers]]\nname = \"b\"\nalgorithms = [\"HS256\"]\nnonsense = 1\n";
    std::fs::write(
        &file,
        format!("outbound_test_origins = [\"http://127.0.0.1:1\"]\n{table}"),
    )
    .expect("written");
    let run = verbatim_tests::run_to_end(
        &["check-config", "--config", file.to_str().expect("UTF-8")],
        &[("VERBATIM_PROFILE", "production")],
    );
    assert_eq!(run.status.code(), Some(78));
    let told = String::from_utf8_lossy(&run.stderr);
    for mistake in [
        "issuers (a): jwks_url",
        "issuers[2] in",
        "issuer: is missing",
        "jwks_url: is missing",
        "audiences: must be",
        "`HS256` is none of",
        "nonsense: there is no such setting",
        "VERBATIM_OUTBOUND_TEST_ORIGINS",
    ] {
        assert!(told.contains(mistake), "{mistake} is not in {told}");
    }
}
