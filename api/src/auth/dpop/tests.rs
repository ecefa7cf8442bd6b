//! Which proofs are taken, and that each is good for one request alone.

use ed25519_dalek::{Signer, SigningKey};
use serde_json::json;

use super::*;

const ADDRESS: &str = "https://chat.example.org/api/v1/users/me";
const TOKEN: &str = "the token";

fn signing() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn jwk() -> Value {
    let x = URL_SAFE_NO_PAD.encode(signing().verifying_key().to_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "x": x})
}

fn header() -> Value {
    json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk()})
}

fn claims() -> Value {
    json!({
        "jti": "1", "htm": "GET", "htu": ADDRESS, "iat": noon().timestamp(),
        "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(TOKEN)),
    })
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("in range")
}

fn proof(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = signing().sign(message.as_bytes()).to_bytes();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn checked(proofs: &Proofs, proof: &str) -> Result<String, Unproved> {
    let targets = [Url::parse(ADDRESS).expect("an address")];
    let shown = Shown {
        proof,
        method: "GET",
        targets: &targets,
        token: Some(TOKEN),
    };
    proofs.check(&shown, noon())
}

fn changed(of: Value, name: &str, value: Value) -> Value {
    let mut of = of;
    match value {
        Value::Null => {
            of.as_object_mut().expect("an object").remove(name);
        }
        value => of[name] = value,
    }
    of
}

#[test]
fn a_proof_tells_the_thumbprint_of_its_key_once() {
    let proofs = Proofs::default();
    let proof = proof(&header(), &claims());
    let parameters = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":{}}}"#, jwk()["x"]);
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(parameters));
    assert_eq!(checked(&proofs, &proof), Ok(thumbprint));
    assert_eq!(checked(&proofs, &proof), Err(Unproved::Wrong));
}

#[test]
fn a_proof_of_something_else_is_refused() {
    for (name, values) in [
        ("htm", vec![json!("POST"), json!("get"), Value::Null]),
        (
            "htu",
            vec![
                json!("https://chat.example.org/api/v1/users/you"),
                json!("http://chat.example.org/api/v1/users/me"),
                json!("https://evil.example/api/v1/users/me"),
                json!("https://chat.example.org:8443/api/v1/users/me"),
                json!("/api/v1/users/me"),
                Value::Null,
            ],
        ),
        (
            "iat",
            vec![
                json!(noon().timestamp() - 61),
                json!(noon().timestamp() + 6),
                json!(noon().timestamp().to_string()),
                json!(noon().timestamp() as f64 + 0.5),
                Value::Null,
            ],
        ),
        ("ath", vec![json!("other"), json!(TOKEN), Value::Null]),
        ("jti", vec![json!(""), json!(7), json!("x".repeat(200)), Value::Null]),
    ] {
        for value in values {
            let wrong = proof(&header(), &changed(claims(), name, value.clone()));
            assert_eq!(
                checked(&Proofs::default(), &wrong),
                Err(Unproved::Wrong),
                "{name} {value}"
            );
        }
    }
}

#[test]
fn a_proof_with_another_type_algorithm_or_key_is_refused() {
    let with_secret = changed(jwk(), "d", json!("c2VjcmV0"));
    let others = changed(jwk(), "x", json!(URL_SAFE_NO_PAD.encode([9; 32])));
    for (name, values) in [
        (
            "typ",
            vec![json!("JWT"), json!("at+jwt"), json!("DPOP+JWT"), Value::Null],
        ),
        (
            "alg",
            vec![
                json!("none"),
                json!("HS256"),
                json!("ES256"),
                json!("RS256"),
                Value::Null,
            ],
        ),
        (
            "jwk",
            vec![
                with_secret,
                others,
                json!({"kty": "oct", "k": "c2VjcmV0"}),
                json!("x"),
                json!({}),
                Value::Null,
            ],
        ),
        ("jku", vec![json!("https://evil.example/keys")]),
        ("crit", vec![json!(["b64"])]),
    ] {
        for value in values {
            let wrong = proof(&changed(header(), name, value.clone()), &claims());
            assert_eq!(
                checked(&Proofs::default(), &wrong),
                Err(Unproved::Wrong),
                "{name} {value}"
            );
        }
    }
    let good = proof(&header(), &claims());
    let unsigned = format!("{}.", good.rsplit_once('.').expect("three parts").0);
    for wrong in [
        unsigned,
        format!("{good}x"),
        String::new(),
        "x".repeat(PROOF_BYTES_MAX + 1),
    ] {
        assert_eq!(checked(&Proofs::default(), &wrong), Err(Unproved::Wrong));
    }
}

#[test]
fn query_fragment_and_notation_of_the_address_do_not_matter() {
    for address in [
        "https://chat.example.org/api/v1/users/me?x=1#y",
        "HTTPS://CHAT.example.org:443/api/v1/./users/me",
    ] {
        let proof = proof(&header(), &changed(claims(), "htu", json!(address)));
        assert!(checked(&Proofs::default(), &proof).is_ok(), "{address}");
    }
}
