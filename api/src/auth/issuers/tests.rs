//! Which tokens of an issuer are taken, and when its keys are asked for. The issuer is a server of this machine that counts.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::json;

use super::*;
use crate::{
    outbound::site::{Site, ok},
    settings::ClaimNames,
};

const ISSUER: &str = "https://id.example.org";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn jwk(id: &str, seed: u8) -> Value {
    let x = URL_SAFE_NO_PAD.encode(key(seed).verifying_key().to_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "use": "sig", "alg": "EdDSA", "x": x})
}

fn set(keys: &[Value]) -> String {
    ok(&json!({"keys": keys}).to_string())
}

fn claims() -> Value {
    let now = Utc::now().timestamp();
    json!({"iss": ISSUER, "aud": "chat", "sub": "ann", "exp": now + 300, "iat": now, "jti": "1", "preferred_username": "Ann"})
}

fn signed_text(header: &str, claims: &str, seed: u8) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = key(seed).sign(message.as_bytes()).to_bytes();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn signed(header: &Value, claims: &Value, seed: u8) -> String {
    signed_text(&header.to_string(), &claims.to_string(), seed)
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": "one", "typ": "at+jwt"})
}

fn token(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    change(&mut claims);
    signed(&header(), &claims, 1)
}

fn with_header(change: impl FnOnce(&mut Value)) -> String {
    let mut header = header();
    change(&mut header);
    signed(&header, &claims(), 1)
}

async fn site() -> Site {
    Site::answering(vec![set(&[jwk("one", 1)])]).await
}

fn issuers(site: &Site) -> Issuers {
    let settings = IssuerSettings {
        name: "corp".to_owned(),
        issuer: ISSUER.to_owned(),
        jwks_url: site.url("/keys"),
        audiences: vec!["chat".to_owned()],
        algorithms: vec![SigningAlgorithm::EdDsa],
        claims: ClaimNames {
            subject: "sub".to_owned(),
            handle: "preferred_username".to_owned(),
            display_name: "name".to_owned(),
        },
        create_accounts: true,
        require_dpop: false,
        allow_private: false,
    };
    Issuers::new(&[settings], &Arc::new(site.outbound()))
}

async fn verified(issuers: &Issuers, token: &str) -> Result<Foreign, NotTaken> {
    issuers.verify(token, Utc::now()).await
}

#[tokio::test]
async fn a_token_of_a_named_issuer_is_taken_and_its_keys_are_asked_for_once() {
    let site = site().await;
    let issuers = issuers(&site);
    for _ in 0..3 {
        let foreign = verified(&issuers, &token(|_| {})).await.expect("valid");
        assert_eq!((&*foreign.subject, foreign.handle.as_deref()), ("ann", Some("Ann")));
    }
    assert_eq!(site.visits(), 1);
}

#[tokio::test]
async fn the_same_session_has_the_same_id_and_others_have_others() {
    let site = site().await;
    let issuers = issuers(&site);
    let session = async |change: fn(&mut Value)| verified(&issuers, &token(change)).await.expect("valid").session;
    let first = session(|_| {}).await;
    assert_eq!(session(|claims| claims["iat"] = json!(1)).await, first);
    assert_ne!(session(|claims| claims["jti"] = json!("2")).await, first);
    assert_ne!(session(|claims| claims["sub"] = json!("bob")).await, first);
    let long = session(|claims| claims["sid"] = json!("s")).await;
    let renewed = session(|claims| {
        claims["sid"] = json!("s");
        claims["jti"] = json!("2");
    });
    assert_eq!(renewed.await, long);
}

#[tokio::test]
async fn what_is_wrong_at_a_glance_is_refused_and_nobody_is_asked() {
    let site = site().await;
    let issuers = issuers(&site);
    let now = Utc::now().timestamp();
    let mut wrong = vec![String::new(), "a.b.c".to_owned(), "x".repeat(TOKEN_BYTES_MAX + 1)];
    for (claim, values) in [
        (
            "iss",
            vec![
                json!("https://other.example"),
                json!("https://id.example.org/"),
                json!([ISSUER]),
                Value::Null,
            ],
        ),
        (
            "aud",
            vec![
                json!("other"),
                json!([]),
                json!(["chat", 7]),
                json!({"chat": 1}),
                Value::Null,
            ],
        ),
        (
            "sub",
            vec![json!(""), json!(7), json!(" "), json!("x".repeat(300)), Value::Null],
        ),
        (
            "exp",
            vec![
                json!(now - 6),
                json!(now + 90_000),
                json!((now + 60).to_string()),
                json!(now as f64 + 60.5),
                json!(-1),
                Value::Null,
            ],
        ),
        ("nbf", vec![json!(now + 60), json!("0"), json!(0.5), Value::Null]),
        ("iat", vec![json!(now + 60), json!("0"), Value::Null]),
    ] {
        for value in values {
            wrong.push(token(|claims| claims[claim] = value.clone()));
        }
    }
    for claim in ["iss", "aud", "sub", "exp"] {
        wrong.push(token(|claims| {
            claims.as_object_mut().expect("an object").remove(claim);
        }));
    }
    for (name, values) in [
        (
            "alg",
            vec![
                json!("none"),
                json!("HS256"),
                json!("RS256"),
                json!("ES256"),
                json!("eddsa"),
                json!(["EdDSA"]),
                Value::Null,
            ],
        ),
        (
            "typ",
            vec![json!("dpop+jwt"), json!("logout+jwt"), json!(7), Value::Null],
        ),
        ("kid", vec![json!(""), json!(7), json!("x".repeat(300)), Value::Null]),
        ("jku", vec![json!(site.url("/keys"))]),
        ("x5u", vec![json!(site.url("/keys"))]),
        ("jwk", vec![jwk("one", 1)]),
        ("x5c", vec![json!([])]),
        ("crit", vec![json!(["exp"])]),
    ] {
        for value in values {
            wrong.push(with_header(|header| header[name] = value.clone()));
        }
    }
    let doubled = claims().to_string().replacen('{', "{\"sub\":\"admin\",", 1);
    wrong.push(signed_text(&header().to_string(), &doubled, 1));
    for token in wrong {
        assert_eq!(verified(&issuers, &token).await, Err(NotTaken::Invalid), "{token}");
    }
    assert_eq!(site.visits(), 0);
}

#[tokio::test]
async fn a_signature_of_another_key_is_refused() {
    let site = site().await;
    let issuers = issuers(&site);
    assert_eq!(
        verified(&issuers, &signed(&header(), &claims(), 2)).await,
        Err(NotTaken::Invalid)
    );
    let good = token(|_| {});
    let others = token(|claims| claims["sub"] = json!("bob"));
    let (good, others): (Vec<_>, Vec<_>) = (good.split('.').collect(), others.split('.').collect());
    let swapped = [good[0], others[1], good[2]].join(".");
    assert_eq!(verified(&issuers, &swapped).await, Err(NotTaken::Invalid));
}

#[tokio::test]
async fn ids_of_keys_that_name_paths_or_nothing_are_unknown() {
    let site = site().await;
    let issuers = issuers(&site);
    for id in ["../../dev/null", "' or 1=1", "one\u{0}", "ONE", "two"] {
        let token = with_header(|header| header["kid"] = json!(id));
        assert_eq!(verified(&issuers, &token).await, Err(NotTaken::Invalid), "{id}");
    }
    assert_eq!(site.visits(), 1);
}

#[tokio::test]
async fn a_new_key_is_asked_for_once_a_minute_at_most() {
    let site = site().await;
    let issuers = issuers(&site);
    let start = Utc::now();
    let rotated = signed(&json!({"alg": "EdDSA", "kid": "two"}), &claims(), 2);
    assert_eq!(issuers.verify(&rotated, start).await, Err(NotTaken::Invalid));
    site.says(set(&[jwk("one", 1), jwk("two", 2)]));
    for second in [0, 1, 30, 59] {
        let refused = issuers.verify(&rotated, start + TimeDelta::seconds(second)).await;
        assert_eq!(refused, Err(NotTaken::Invalid));
        assert_eq!(site.visits(), 1);
    }
    assert!(issuers.verify(&rotated, start + TimeDelta::seconds(60)).await.is_ok());
    assert_eq!(site.visits(), 2);
}

#[tokio::test]
async fn many_with_an_unknown_key_cause_one_fetch_and_all_are_served_by_it() {
    let site = site().await;
    site.pauses(Duration::from_millis(100));
    let issuers = issuers(&site);
    let token = token(|_| {});
    let all = futures_util::future::join_all((0..40).map(|_| verified(&issuers, &token))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(site.visits(), 1);
}

#[tokio::test]
async fn somebody_who_hangs_up_does_not_take_the_fetch_along() {
    let site = site().await;
    site.pauses(Duration::from_millis(100));
    let issuers = issuers(&site);
    let token = token(|_| {});
    let impatient = tokio::time::timeout(Duration::from_millis(20), verified(&issuers, &token)).await;
    assert!(impatient.is_err());
    assert!(verified(&issuers, &token).await.is_ok());
    assert_eq!(site.visits(), 1);
}

#[tokio::test]
async fn an_issuer_that_cannot_be_reached_keeps_its_keys_for_a_while() {
    let site = site().await;
    let issuers = issuers(&site);
    let start = Utc::now();
    let at = |minutes: i64| start + TimeDelta::minutes(minutes);
    let long = token(|claims| claims["exp"] = json!(start.timestamp() + 7_200));
    assert!(issuers.verify(&long, at(0)).await.is_ok());
    site.says("HTTP/1.1 500 Down\r\ncontent-length: 0\r\n\r\n".to_owned());
    assert!(issuers.verify(&long, at(20)).await.is_ok());
    assert!(issuers.verify(&long, at(59)).await.is_ok());
    assert_eq!(issuers.verify(&long, at(61)).await, Err(NotTaken::NoKeys));
    site.says(set(&[jwk("one", 1)]));
    assert!(issuers.verify(&long, at(63)).await.is_ok());
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_no_longer_taken_soon() {
    let site = site().await;
    let issuers = issuers(&site);
    let start = Utc::now();
    let token = token(|_| {});
    let later = start + TimeDelta::minutes(3);
    assert!(issuers.verify(&token, start).await.is_ok());
    site.says(set(&[jwk("two", 2)]));
    assert!(issuers.verify(&token, later).await.is_ok(), "the keys are fresh");
    // Times of the keys, not of the token: they grow old while the token stays good.
    let long = signed(
        &header(),
        &{
            let mut claims = claims();
            claims["exp"] = json!(start.timestamp() + 3_600);
            claims
        },
        1,
    );
    let old = start + TimeDelta::minutes(11);
    assert!(issuers.verify(&long, old).await.is_ok(), "asked for behind our back");
    let gone = async || issuers.verify(&long, old).await == Err(NotTaken::Invalid);
    for _ in 0..200 {
        if gone().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the key is still taken");
}

#[tokio::test]
async fn a_key_set_that_is_none_or_too_much_changes_nothing() {
    let many: Vec<Value> = (0..65).map(|number| jwk(&format!("{number}"), 1)).collect();
    for answer in [
        ok("nonsense"),
        ok("[]"),
        ok(r#"{"keys":{}}"#),
        ok(&format!(r#"{{"keys":[{0}],"keys":[{0}]}}"#, jwk("one", 1))),
        set(&many),
        ok(&format!("{}{}", " ".repeat(200_000), json!({"keys": [jwk("one", 1)]}))),
    ] {
        let site = Site::answering(vec![answer]).await;
        let issuers = issuers(&site);
        assert_eq!(verified(&issuers, &token(|_| {})).await, Err(NotTaken::NoKeys));
    }
}

#[tokio::test]
async fn an_id_that_names_two_keys_names_none() {
    let site = Site::answering(vec![set(&[jwk("one", 1), jwk("one", 2), jwk("two", 1)])]).await;
    let issuers = issuers(&site);
    assert_eq!(verified(&issuers, &token(|_| {})).await, Err(NotTaken::Invalid));
    assert!(
        verified(&issuers, &with_header(|header| header["kid"] = json!("two")))
            .await
            .is_ok()
    );
}
