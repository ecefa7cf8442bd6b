//! Forged and misused tokens. The forger here even has the service's own signing key, so that each refusal is owed to the one thing
//! that is wrong with the token and not to its signature. Whatever is refused leaves nothing behind.

use std::{fs, sync::LazyLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey, pkcs8::DecodePrivateKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use verbatim_tests::{Person, Server, Socket, Stage};

/// A server whose keys are at hand.
static OPEN: LazyLock<Server> = LazyLock::new(Server::start);

struct Forger {
    key: SigningKey,
    header: Value,
    claims: Value,
}

impl Forger {
    /// Has the key, and a good token of this person to begin with.
    fn with_token_of(person: &Person) -> Self {
        let file = OPEN.data().join("keys/access-ed25519.pem");
        let pem = fs::read_to_string(file).expect("the key of the dev profile");
        Self {
            key: SigningKey::from_pkcs8_pem(&pem).expect("an Ed25519 key"),
            header: part(&person.token, 0),
            claims: part(&person.token, 1),
        }
    }

    fn signed(&self, header: &Value, claims: &str) -> String {
        let said = format!("{}.{}", encoded(header.to_string()), encoded(claims));
        let signature = self.key.sign(said.as_bytes());
        format!("{said}.{}", encoded(signature.to_bytes()))
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.signed(&self.header, &claims.to_string())
    }

    fn without_claim(&self, name: &str) -> String {
        let mut claims = self.claims.clone();
        claims.as_object_mut().expect("claims").remove(name);
        self.signed(&self.header, &claims.to_string())
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header.clone();
        header[name] = value;
        self.signed(&header, &self.claims.to_string())
    }

    /// The same claims under another `alg`, with whatever such a signature would be.
    fn by_algorithm(&self, alg: &str, sign: impl FnOnce(&str) -> Vec<u8>) -> String {
        let mut header = self.header.clone();
        header["alg"] = json!(alg);
        let said = format!("{}.{}", encoded(header.to_string()), encoded(self.claims.to_string()));
        let signature = encoded(sign(&said));
        format!("{said}.{signature}")
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

fn hmac(key: &[u8], said: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(said.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

async fn is_refused(stage: &Stage, what: &str, token: &str) {
    let read = stage.get("/api/v1/users/me").token(token).send().await;
    assert_eq!(
        (read.status, &read["code"]),
        (401, &json!("auth/invalid-token")),
        "{what}"
    );
    let body = json!({"name": "Forged"});
    let written = stage.post("/api/v1/spaces").token(token).json(&body).send().await;
    assert_eq!(written.status, 401, "{what} writes");
    let ticket = stage.post("/api/v1/ws/ticket").token(token).send().await;
    assert_eq!(ticket.status, 401, "{what} buys a ticket");
    assert!(!read.text.contains(token), "{what} is quoted");
}

async fn owns_nothing(person: &Person) {
    let spaces = person.read("/spaces").await.is(200);
    assert_eq!(spaces.items().len(), 0, "{}", spaces.text);
}

#[tokio::test]
async fn an_honest_copy_is_taken_so_that_the_refusals_mean_something() {
    let stage = Stage::on(&OPEN);
    let ann = stage.person("ann").await;
    let forger = Forger::with_token_of(&ann);
    let copy = forger.signed(&forger.header, &forger.claims.to_string());
    assert_eq!(
        stage.get("/api/v1/users/me").token(&copy).send().await.is(200)["id"],
        ann.id
    );
}

#[tokio::test]
async fn no_other_algorithm_or_key_signs_for_us() {
    let stage = Stage::on(&OPEN);
    let ann = stage.person("ann").await;
    let forger = Forger::with_token_of(&ann);
    let public = forger.key.verifying_key().to_bytes();
    let jwk = stage.get("/.well-known/jwks.json").send().await.is(200)["keys"][0].clone();
    for alg in ["none", "None", "NONE", ""] {
        is_refused(&stage, alg, &forger.by_algorithm(alg, |_| vec![])).await;
        let kept = ann.token.rsplit('.').next().expect("a signature");
        let kept = URL_SAFE_NO_PAD.decode(kept).expect("base64");
        is_refused(&stage, alg, &forger.by_algorithm(alg, |_| kept)).await;
    }
    for secret in [
        &public[..],
        jwk["x"].as_str().expect("x").as_bytes(),
        jwk.to_string().as_bytes(),
    ] {
        is_refused(
            &stage,
            "HS256 under the public key",
            &forger.by_algorithm("HS256", |said| hmac(secret, said)),
        )
        .await;
    }
    for alg in ["RS256", "ES256", "PS256", "HS512", "ES256K"] {
        let ours = |said: &str| forger.key.sign(said.as_bytes()).to_bytes().to_vec();
        is_refused(&stage, alg, &forger.by_algorithm(alg, ours)).await;
    }
    let stranger = Forger {
        key: SigningKey::from_bytes(&[7; 32]),
        header: forger.header.clone(),
        claims: forger.claims.clone(),
    };
    is_refused(
        &stage,
        "another key",
        &stranger.signed(&stranger.header, &stranger.claims.to_string()),
    )
    .await;
    owns_nothing(&ann).await;
}

#[tokio::test]
async fn a_token_brings_no_key_and_names_none_but_ours() {
    let stage = Stage::on(&OPEN);
    let ann = stage.person("ann").await;
    let honest = Forger::with_token_of(&ann);
    let stranger = Forger {
        key: SigningKey::from_bytes(&[9; 32]),
        header: honest.header.clone(),
        claims: honest.claims.clone(),
    };
    let x = encoded(stranger.key.verifying_key().to_bytes());
    let own = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x, "kid": honest.header["kid"]});
    for (name, value) in [
        ("jwk", own),
        ("jku", json!("http://127.0.0.1:9/keys.json")),
        ("x5u", json!("http://127.0.0.1:9/chain.pem")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
    ] {
        is_refused(&stage, name, &stranger.with_header(name, value.clone())).await;
        // Nothing of ours says such things, so even our own signature does not make up for it.
        is_refused(&stage, name, &honest.with_header(name, value)).await;
    }
    for kid in [
        json!(null),
        json!(""),
        json!("other"),
        json!("../../../../dev/null"),
        json!("keys/access-ed25519.pem"),
        json!("' union select 'x"),
        json!("| cat"),
        json!(7),
        json!([honest.header["kid"]]),
        json!({"$ne": null}),
        json!("k".repeat(1_000)),
    ] {
        is_refused(&stage, &format!("kid {kid}"), &honest.with_header("kid", kid)).await;
    }
    owns_nothing(&ann).await;
}

#[tokio::test]
async fn claims_are_complete_of_the_right_form_and_ours() {
    let stage = Stage::on(&OPEN);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let forger = Forger::with_token_of(&ann);
    let now = forger.claims["iat"].as_i64().expect("seconds");
    for name in ["exp", "iss", "aud", "sub", "sid", "nbf"] {
        is_refused(&stage, &format!("no {name}"), &forger.without_claim(name)).await;
        is_refused(
            &stage,
            &format!("{name} is null"),
            &forger.with_claim(name, json!(null)),
        )
        .await;
    }
    for (name, value) in [
        ("exp", json!(now - 60)),
        ("exp", json!((now + 600).to_string())),
        ("exp", json!(now as f64 + 600.5)),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!(u64::MAX)),
        ("exp", json!([now + 600])),
        ("nbf", json!(now + 600)),
        ("iss", json!("somebody-else")),
        ("iss", json!(["verbatim"])),
        ("aud", json!("somebody-else")),
        ("sub", json!("channel_01h455vb4pex5vsknk084sn02q")),
        ("sub", json!(7)),
        ("sub", json!("user_01h455vb4pex5vsknk084sn02q'--")),
        ("sid", json!("")),
    ] {
        is_refused(&stage, &format!("{name} is {value}"), &forger.with_claim(name, value)).await;
    }
    // Two people in one token: whoever reads the other one is fooled.
    let whole = forger.claims.to_string();
    for twice in [
        whole.replacen('{', &format!("{{\"sub\":\"{}\",", bob.id), 1),
        whole.replacen('{', &format!("{{\"exp\":{},", now + 90_000), 1),
        whole.replacen('{', "{\"aud\":\"somebody-else\",", 1),
    ] {
        is_refused(&stage, "a claim twice", &forger.signed(&forger.header, &twice)).await;
    }
    owns_nothing(&ann).await;
    owns_nothing(&bob).await;
}

#[tokio::test]
async fn a_changed_or_endless_token_is_refused() {
    let stage = Stage::on(&OPEN);
    let ann = stage.person("ann").await;
    let forger = Forger::with_token_of(&ann);
    let parts: Vec<&str> = ann.token.split('.').collect();
    for (what, token) in [
        ("cut off", ann.token[..ann.token.len() - 2].to_owned()),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{}.x", ann.token)),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("dots", "..".to_owned()),
        ("words", "let-me-in".to_owned()),
        ("oversized", forger.with_claim("padding", json!("x".repeat(8_000)))),
    ] {
        is_refused(&stage, what, &token).await;
    }
    owns_nothing(&ann).await;
}

#[tokio::test]
async fn a_ticket_is_no_token_and_a_token_no_ticket() {
    let stage = Stage::on(&OPEN);
    let ann = stage.person("ann").await;
    let ticket = ann.ticket().await;
    is_refused(&stage, "a ticket", &ticket).await;
    let mut socket = Socket::unintroduced(stage.address()).await;
    socket.introduce(&ann.token, &Default::default()).await;
    assert_eq!(socket.close_code().await, Some(4501));
}

#[tokio::test]
async fn a_token_is_taken_from_the_header_alone() {
    let stage = Stage::on(&OPEN);
    let ann = stage.person("ann").await;
    for name in ["access_token", "token", "authorization", "bearer"] {
        let answer = stage
            .get(&format!("/api/v1/users/me?{name}={}", ann.token))
            .send()
            .await;
        assert!(matches!(answer.status, 400 | 401), "{name}: {}", answer.text);
        assert!(!answer.text.contains(&ann.token), "{}", answer.text);
    }
    let basic = stage
        .get("/api/v1/users/me")
        .header("authorization", &format!("Basic {}", ann.token));
    basic.send().await.problem(401);
    let cookie = stage
        .get("/api/v1/users/me")
        .header("cookie", &format!("access_token={}", ann.token));
    cookie.send().await.problem(401);
    let twice = stage.get("/api/v1/users/me").token(&ann.token).token(&ann.token);
    twice.send().await.problem(401);
    let printed = OPEN.printed().join("\n");
    assert!(!printed.contains(&ann.token), "a token reached the log");
}
