//! Tokens bound to a key, over HTTP: good only with a fresh proof for the very request, and never as plain bearer tokens.

use reqwest::Method;
use serde_json::{Value, json};
use verbatim_tests::{Answer, Issuer, Options, Server, SigningKey, Stage, seconds_now, thumbprint, token_hash};

struct Bound {
    stage: Stage,
    issuer: Issuer,
    signing: SigningKey,
    own: SigningKey,
    _server: Server,
}

impl Bound {
    fn set(more: &str) -> Self {
        Self::set_with(more, |_| {})
    }

    fn set_with(more: &str, choose: impl FnOnce(&mut Options)) -> Self {
        let signing = SigningKey::new("one", "ES256");
        let issuer = Issuer::with_keys(&[&signing]);
        let mut server = Server::prepared_with(choose);
        std::fs::write(server.folder().join("verbatim.toml"), issuer.settings(more)).expect("written");
        server.launch();
        Self {
            stage: Stage::on(&server),
            issuer,
            signing,
            own: SigningKey::new("", "ES256"),
            _server: server,
        }
    }

    fn token(&self, confirmation: Value) -> String {
        let mut claims = self.issuer.claims("ann");
        claims["cnf"] = confirmation;
        self.signing.sign(&self.signing.header(), &claims)
    }

    fn bound_token(&self) -> String {
        self.token(json!({"jkt": thumbprint(&self.own)}))
    }

    /// A right proof, unless it is changed.
    fn proof(&self, key: &SigningKey, token: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "jti": uuid::Uuid::new_v4(), "htm": "GET", "htu": self.stage.address().http("/api/v1/users/me"), "iat": seconds_now(),
            "ath": token_hash(token),
        });
        change(&mut claims);
        key.sign(
            &json!({"typ": "dpop+jwt", "alg": key.algorithm, "jwk": key.bare_jwk()}),
            &claims,
        )
    }

    async fn me(&self, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
        let mut ask = self
            .stage
            .ask(Method::GET, "/api/v1/users/me")
            .header("authorization", &format!("{scheme} {token}"));
        for proof in proofs {
            ask = ask.header("dpop", proof);
        }
        ask.send().await
    }
}

#[tokio::test]
async fn a_bound_token_is_good_with_a_proof_of_its_key_once() {
    let bound = Bound::set("create_accounts = true");
    let token = bound.bound_token();
    let proof = bound.proof(&bound.own, &token, |_| {});
    bound.me("DPoP", &token, &[&proof]).await.is(200);
    let again = bound
        .me("DPoP", &token, &[&proof])
        .await
        .problem_code(401, "auth/invalid-dpop-proof");
    let challenge = again.header("www-authenticate").expect("a challenge").to_owned();
    assert!(
        challenge.contains("invalid_dpop_proof") && challenge.contains("ES256"),
        "{challenge}"
    );
    let fresh = bound.proof(&bound.own, &token, |_| {});
    bound.me("dpop", &token, &[&fresh]).await.is(200);
}

#[tokio::test]
async fn behind_a_public_origin_proofs_are_for_it_whatever_host_a_proxy_names() {
    let bound = Bound::set_with("create_accounts = true", |options| {
        options.set("VERBATIM_PUBLIC_ORIGIN", "https://chat.example.org");
    });
    let token = bound.bound_token();
    let for_this_address = bound.proof(&bound.own, &token, |_| {});
    bound
        .me("DPoP", &token, &[&for_this_address])
        .await
        .problem_code(401, "auth/invalid-dpop-proof");
    let for_the_origin = bound.proof(&bound.own, &token, |claims| {
        claims["htu"] = json!("https://chat.example.org/api/v1/users/me");
    });
    bound.me("DPoP", &token, &[&for_the_origin]).await.is(200);
}

#[tokio::test]
async fn a_bound_token_without_its_proof_opens_nothing_not_even_an_account() {
    let bound = Bound::set("create_accounts = true");
    let (token, other) = (bound.bound_token(), SigningKey::new("", "ES256"));
    let proof = || bound.proof(&bound.own, &token, |_| {});
    bound
        .me("Bearer", &token, &[])
        .await
        .problem_code(401, "auth/invalid-token");
    bound
        .me("Bearer", &token, &[&proof()])
        .await
        .problem_code(401, "auth/invalid-token");
    bound
        .me("DPoP", &token, &[])
        .await
        .problem_code(401, "auth/invalid-dpop-proof");
    bound
        .me("DPoP", &token, &[&proof(), &proof()])
        .await
        .problem_code(401, "auth/invalid-dpop-proof");
    let of_another = bound.proof(&other, &token, |_| {});
    bound
        .me("DPoP", &token, &[&of_another])
        .await
        .problem_code(401, "auth/invalid-token");
    for (name, value) in [
        ("htm", json!("POST")),
        ("htu", json!(bound.stage.address().http("/api/v1/spaces"))),
        ("htu", json!("https://evil.example/api/v1/users/me")),
        ("iat", json!(seconds_now() - 120)),
        ("iat", json!(seconds_now() + 120)),
        ("ath", json!(token_hash("another token"))),
    ] {
        let wrong = bound.proof(&bound.own, &token, |claims| claims[name] = value.clone());
        bound
            .me("DPoP", &token, &[&wrong])
            .await
            .problem_code(401, "auth/invalid-dpop-proof");
    }
    let watcher = bound.stage.person("watcher").await;
    watcher.read("/users?handle=ann").await.problem(404);
}

#[tokio::test]
async fn no_token_is_taken_in_the_way_of_the_other_kind() {
    let bound = Bound::set("create_accounts = true");
    let unbound = bound.issuer.token(&bound.signing, "ann");
    let proof = bound.proof(&bound.own, &unbound, |_| {});
    bound
        .me("DPoP", &unbound, &[&proof])
        .await
        .problem_code(401, "auth/invalid-token");
    let person = bound.stage.person("bob").await;
    let proof = bound.proof(&bound.own, &person.token, |_| {});
    bound
        .me("DPoP", &person.token, &[&proof])
        .await
        .problem_code(401, "auth/invalid-token");
    for confirmation in [
        json!({"x5t#S256": "abc"}),
        json!({}),
        json!("x"),
        json!({"jkt": 7}),
        Value::Null,
    ] {
        let token = bound.token(confirmation);
        bound
            .me("Bearer", &token, &[])
            .await
            .problem_code(401, "auth/invalid-token");
        let proof = bound.proof(&bound.own, &token, |_| {});
        bound
            .me("DPoP", &token, &[&proof])
            .await
            .problem_code(401, "auth/invalid-token");
    }
}

#[tokio::test]
async fn an_issuer_may_have_to_bind_its_tokens() {
    let bound = Bound::set("create_accounts = true\nrequire_dpop = true");
    let unbound = bound.issuer.token(&bound.signing, "ann");
    bound
        .me("Bearer", &unbound, &[])
        .await
        .problem_code(401, "auth/invalid-token");
    let token = bound.bound_token();
    let proof = bound.proof(&bound.own, &token, |_| {});
    bound.me("DPoP", &token, &[&proof]).await.is(200);
}
