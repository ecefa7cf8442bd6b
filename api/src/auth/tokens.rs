//! Access tokens: JWTs signed with Ed25519, short-lived, verified strictly. Sessions outlive them; how is not decided here.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use domain::{SessionId, UserId};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::request::Who;

/// Who issues the tokens, and for whom: this service, both times.
const ISSUER: &str = "verbatim";
const AUDIENCE: &str = "verbatim";
/// RFC 9068: no other kind of JWT is taken for an access token.
const TYPE: &str = "at+jwt";
const ALGORITHM: &str = "EdDSA";
/// How far the clocks of two nodes may differ.
const LEEWAY_SECONDS: u64 = 5;
/// Longer than any token of ours, and short enough to refuse at a glance.
const TOKEN_BYTES_MAX: usize = 2_048;

/// The header of our tokens, and nothing else: whoever names a key or an extension in it wants something of us. Members that come twice are
/// refused here, and in the claims, as unknown ones are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    typ: String,
    alg: String,
    kid: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Uuid,
}

pub struct Tokens {
    key_id: String,
    public: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    life: Duration,
}

impl Tokens {
    pub fn new(key: &SigningKey, life: Duration) -> Self {
        let public = key.verifying_key().to_bytes();
        let private = key.to_pkcs8_der().expect("an Ed25519 key has a PKCS#8 form");
        Self {
            key_id: URL_SAFE_NO_PAD.encode(&Sha256::digest(public)[..12]),
            public: URL_SAFE_NO_PAD.encode(public),
            signing: EncodingKey::from_ed_der(private.as_bytes()),
            verifying: DecodingKey::from_ed_der(&public),
            validation: validation(),
            life,
        }
    }

    /// A token for the session, and when it ends.
    pub fn issue(&self, user: UserId, session: SessionId, at: DateTime<Utc>) -> (String, DateTime<Utc>) {
        let expires_at = at + self.life;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            iat: at.timestamp(),
            nbf: at.timestamp(),
            exp: expires_at.timestamp(),
            jti: Uuid::new_v4(),
        };
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(self.key_id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let token = encode(&header, &claims, &self.signing).expect("plain claims are signed by a valid key");
        (token, expires_at)
    }

    /// Who the token stands for, if everything about it is right.
    pub fn verify(&self, token: &str) -> Option<Who> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let head = head(token)?;
        // Nothing else is ever issued, so anything else is not ours; `alg` is checked again below, against the key.
        if head.typ != TYPE || head.alg != ALGORITHM || head.kid != self.key_id {
            return None;
        }
        let claims = decode::<Claims>(token, &self.verifying, &self.validation).ok()?.claims;
        let expires_at = DateTime::from_timestamp(claims.exp, 0)?;
        // From a time with longer lives: ended sessions are not remembered for so long any more.
        if claims.exp.checked_sub(claims.iat)? > self.life.as_secs().cast_signed() {
            return None;
        }
        Some(Who {
            user: claims.sub,
            session: claims.sid,
            expires_at,
        })
    }

    pub fn life(&self) -> Duration {
        self.life
    }

    /// RFC 8037.
    pub fn jwks(&self) -> Value {
        json!({"keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": self.key_id, "x": self.public,
        }]})
    }
}

fn head(token: &str) -> Option<Head> {
    let (head, _) = token.split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).ok()?).ok()
}

fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY_SECONDS;
    validation
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::Signer;

    use super::*;

    const ANN: UserId = UserId::from_u128(1);
    const SESSION: SessionId = SessionId::from_u128(2);
    const LIFE: Duration = Duration::from_secs(900);

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn tokens() -> Tokens {
        Tokens::new(&key(1), LIFE)
    }

    /// Signed by our own key, with the header and claims of a forger's choice.
    fn forged(header: &Header, change: impl FnOnce(&mut Value)) -> String {
        let tokens = tokens();
        let (token, _) = tokens.issue(ANN, SESSION, Utc::now());
        let mut claims: Value = part(&token, 1);
        change(&mut claims);
        encode(header, &claims, &tokens.signing).expect("signed")
    }

    fn header() -> Header {
        Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(tokens().key_id),
            ..Header::new(Algorithm::EdDSA)
        }
    }

    fn part(token: &str, index: usize) -> Value {
        let part = token.split('.').nth(index).expect("three parts");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    }

    /// The token with another header, and a signature that says nothing.
    fn with_header(token: &str, header: &Value, signature: &[u8]) -> String {
        let claims = token.split('.').nth(1).expect("three parts");
        format!(
            "{}.{claims}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(signature)
        )
    }

    #[test]
    fn a_token_stands_for_its_person_and_session() {
        let (token, expires_at) = tokens().issue(ANN, SESSION, Utc::now());
        let who = tokens().verify(&token).expect("valid");
        assert_eq!((who.user, who.session), (ANN, SESSION));
        assert_eq!(who.expires_at.timestamp(), expires_at.timestamp());
        assert_eq!(
            part(&token, 0),
            json!({"alg": "EdDSA", "typ": "at+jwt", "kid": tokens().key_id})
        );
    }

    #[test]
    fn an_unchanged_forgery_is_valid_so_that_the_changed_ones_mean_something() {
        assert!(tokens().verify(&forged(&header(), |_| {})).is_some());
    }

    #[test]
    fn an_expired_or_not_yet_valid_token_is_refused() {
        let now = Utc::now().timestamp();
        assert!(
            tokens()
                .verify(&forged(&header(), |claims| claims["exp"] = json!(now - 6)))
                .is_none()
        );
        assert!(
            tokens()
                .verify(&forged(&header(), |claims| claims["nbf"] = json!(now + 60)))
                .is_none()
        );
        let (old, _) = tokens().issue(ANN, SESSION, Utc::now() - Duration::from_secs(1000));
        assert!(tokens().verify(&old).is_none());
    }

    #[test]
    fn another_issuer_or_audience_and_missing_claims_are_refused() {
        for (claim, value) in [
            ("aud", json!("other")),
            ("iss", json!("other")),
            ("sub", json!("channel_x")),
        ] {
            assert!(
                tokens()
                    .verify(&forged(&header(), |claims| claims[claim] = value.clone()))
                    .is_none(),
                "{claim}"
            );
        }
        for claim in ["aud", "iss", "exp", "nbf", "sub", "sid"] {
            let without = |claims: &mut Value| {
                claims.as_object_mut().expect("an object").remove(claim);
            };
            assert!(tokens().verify(&forged(&header(), without)).is_none(), "{claim}");
        }
    }

    #[test]
    fn another_key_id_or_another_key_is_refused() {
        let renamed = Header {
            kid: Some("other".to_owned()),
            ..header()
        };
        assert!(tokens().verify(&forged(&renamed, |_| {})).is_none());
        let nameless = Header { kid: None, ..header() };
        assert!(tokens().verify(&forged(&nameless, |_| {})).is_none());
        let (foreign, _) = Tokens::new(&key(9), LIFE).issue(ANN, SESSION, Utc::now());
        assert!(tokens().verify(&foreign).is_none());
        let header = json!({"alg": "EdDSA", "typ": TYPE, "kid": tokens().key_id});
        let posing = with_header(&foreign, &header, &[7; 64]);
        assert!(tokens().verify(&posing).is_none());
    }

    #[test]
    fn no_algorithm_and_the_public_key_as_a_shared_secret_are_refused() {
        let (token, _) = tokens().issue(ANN, SESSION, Utc::now());
        for alg in ["none", "None", "HS256", "RS256"] {
            let header = json!({"alg": alg, "typ": TYPE, "kid": tokens().key_id});
            assert!(tokens().verify(&with_header(&token, &header, b"")).is_none(), "{alg}");
        }
        let secret = EncodingKey::from_secret(&key(1).verifying_key().to_bytes());
        let hmac = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(tokens().key_id),
            ..Header::new(Algorithm::HS256)
        };
        let signed = encode(&hmac, &part(&token, 1), &secret).expect("signed");
        assert!(tokens().verify(&signed).is_none());
    }

    /// Signed by our own key, whatever the texts are.
    fn signed(header: &str, claims: &str) -> String {
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = key(1).sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn header_text() -> String {
        json!({"alg": "EdDSA", "typ": TYPE, "kid": tokens().key_id}).to_string()
    }

    fn claims_text() -> String {
        part(&tokens().issue(ANN, SESSION, Utc::now()).0, 1).to_string()
    }

    /// The object with one more member in front, so that it comes twice where it was there.
    fn with_member(object: &str, member: &str) -> String {
        object.replacen('{', &format!("{{{member},"), 1)
    }

    #[test]
    fn what_is_signed_by_hand_is_valid_so_that_the_changed_ones_mean_something() {
        assert!(tokens().verify(&signed(&header_text(), &claims_text())).is_some());
    }

    #[test]
    fn keys_addresses_and_extensions_in_the_header_are_refused() {
        let own = json!({"kty": "OKP", "crv": "Ed25519", "x": tokens().public});
        for member in [
            &format!("\"jwk\":{own}"),
            "\"jku\":\"https://evil.example/keys\"",
            "\"x5u\":\"https://evil.example/cert\"",
            "\"x5c\":[\"MIIB\"]",
            "\"x5t\":\"AAAA\"",
            "\"crit\":[\"exp\"]",
            "\"crit\":[\"b64\"],\"b64\":false",
            "\"zip\":\"DEF\"",
            "\"cty\":\"JWT\"",
        ] {
            let header = with_member(&header_text(), member);
            assert!(tokens().verify(&signed(&header, &claims_text())).is_none(), "{member}");
        }
    }

    #[test]
    fn tricks_with_the_key_id_are_refused() {
        let id = tokens().key_id;
        for kid in [
            json!(""),
            json!("../../../../dev/null"),
            json!("' or 1=1 --"),
            json!(format!("{id}\u{0}")),
            json!(format!(" {id}")),
            json!(id.to_lowercase() + "x"),
            json!([id]),
            json!({"kid": id}),
            json!(null),
            json!(0),
        ] {
            let header = json!({"alg": "EdDSA", "typ": TYPE, "kid": kid}).to_string();
            assert!(tokens().verify(&signed(&header, &claims_text())).is_none(), "{kid}");
        }
    }

    #[test]
    fn other_kinds_of_jwt_are_no_access_tokens() {
        for typ in [
            json!("JWT"),
            json!("dpop+jwt"),
            json!("id+jwt"),
            json!("application/at+jwt"),
            json!("AT+JWT"),
            json!(null),
        ] {
            let header = json!({"alg": "EdDSA", "typ": typ, "kid": tokens().key_id}).to_string();
            assert!(tokens().verify(&signed(&header, &claims_text())).is_none(), "{typ}");
        }
        let bare = json!({"alg": "EdDSA", "kid": tokens().key_id}).to_string();
        assert!(tokens().verify(&signed(&bare, &claims_text())).is_none());
    }

    #[test]
    fn members_that_come_twice_are_refused() {
        let later = Utc::now().timestamp() + 600;
        for member in [
            &format!("\"exp\":{later}"),
            "\"aud\":\"verbatim\"",
            "\"iss\":\"verbatim\"",
            &format!("\"sub\":\"{ANN}\""),
            &format!("\"sid\":\"{SESSION}\""),
        ] {
            let claims = with_member(&claims_text(), member);
            assert!(tokens().verify(&signed(&header_text(), &claims)).is_none(), "{member}");
        }
        for member in ["\"alg\":\"EdDSA\"", "\"alg\":\"none\"", "\"typ\":\"at+jwt\""] {
            let header = with_member(&header_text(), member);
            assert!(tokens().verify(&signed(&header, &claims_text())).is_none(), "{member}");
        }
    }

    #[test]
    fn times_that_are_no_whole_numbers_are_refused() {
        let now = Utc::now().timestamp();
        for claim in ["exp", "nbf", "iat"] {
            for wrong in [
                json!((now + 60).to_string()),
                json!((now + 60) as f64 + 0.5),
                json!((now + 60) as f64),
                json!(null),
                json!([now + 60]),
                json!(true),
                json!(u64::MAX),
                json!(i64::MIN),
            ] {
                let forged = forged(&header(), |claims| claims[claim] = wrong.clone());
                assert!(tokens().verify(&forged).is_none(), "{claim} {wrong}");
            }
        }
    }

    #[test]
    fn more_than_one_audience_and_unknown_claims_are_refused() {
        let two = forged(&header(), |claims| claims["aud"] = json!(["verbatim", "other"]));
        assert!(tokens().verify(&two).is_none());
        let more = forged(&header(), |claims| claims["roles"] = json!(["operator"]));
        assert!(tokens().verify(&more).is_none());
    }

    #[test]
    fn a_token_that_lives_longer_than_ours_do_is_refused() {
        let longer = |seconds: i64| {
            forged(&header(), |claims| {
                claims["exp"] = json!(claims["iat"].as_i64().expect("a time") + seconds);
            })
        };
        let life = LIFE.as_secs().cast_signed();
        assert!(tokens().verify(&longer(life)).is_some());
        assert!(tokens().verify(&longer(life + 1)).is_none());
    }

    #[test]
    fn an_oversized_token_is_refused_however_good_it_is() {
        let spaces = " ".repeat(TOKEN_BYTES_MAX);
        let claims = claims_text().replacen('{', &format!("{{{spaces}"), 1);
        assert!(tokens().verify(&signed(&header_text(), &claims)).is_none());
        let few = claims_text().replacen('{', "{ ", 1);
        assert!(tokens().verify(&signed(&header_text(), &few)).is_some());
    }

    #[test]
    fn a_changed_token_and_nonsense_are_refused() {
        let (token, _) = tokens().issue(ANN, SESSION, Utc::now());
        let (others, _) = tokens().issue(UserId::from_u128(3), SESSION, Utc::now());
        let mut parts: Vec<&str> = token.split('.').collect();
        parts[1] = others.split('.').nth(1).expect("three parts");
        assert!(tokens().verify(&parts.join(".")).is_none());
        for nonsense in ["", "...", "a.b.c", &"x".repeat(TOKEN_BYTES_MAX + 1)] {
            assert!(tokens().verify(nonsense).is_none());
        }
    }
}
