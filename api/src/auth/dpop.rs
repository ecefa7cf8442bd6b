//! Proofs of possession (RFC 9449): that whoever shows a token bound to a key has that key, shown for this one request. A proof is good
//! for a minute and once.

mod replays;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Validation, decode,
    jwk::{Jwk, ThumbprintHash},
};
use prometheus_client::metrics::gauge::Gauge;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use self::replays::Replays;
use super::{
    issuers::{Key, SigningAlgorithm, algorithm_named, algorithm_names},
    jwt::Shape,
};

/// The header a proof comes in.
pub(crate) const PROOF_HEADER: &str = "dpop";
/// The type of a proof, so that nothing else can be passed off as one.
const TYPE: &str = "dpop+jwt";
/// With an RSA key in it.
const PROOF_BYTES_MAX: usize = 8 * 1024;
const ID_CHARS_MAX: usize = 128;
/// How old a proof may be, and how far ahead of ours its maker's clock.
const AGE_MAX_SECONDS: i64 = 60;
const AHEAD_MAX_SECONDS: i64 = 5;
/// Members of a JWK that are nobody else's business. Whoever sends them has given their key away.
const SECRETS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The request that a proof is shown with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) proof: &'a str,
    pub(crate) method: &'a str,
    /// Where the request went, as its sender knows it; several where that cannot be told from here.
    pub(crate) targets: &'a [Url],
    /// The token it is shown with; none where a token is asked for.
    pub(crate) token: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unproved {
    Wrong,
    /// It cannot be remembered that it was shown.
    Busy,
}

#[derive(Default)]
pub(crate) struct Proofs {
    replays: Replays,
}

impl Proofs {
    pub(crate) fn new(kept: Gauge) -> Self {
        Self {
            replays: Replays::new(kept),
        }
    }

    /// The thumbprint of the key whose possession is proved.
    pub(crate) fn check(&self, shown: &Shown<'_>, now: DateTime<Utc>) -> Result<String, Unproved> {
        let shape = Shape::of_proof(shown.proof, PROOF_BYTES_MAX).ok_or(Unproved::Wrong)?;
        let made_at = shape.time("iat").ok_or(Unproved::Wrong)?;
        let now = now.timestamp();
        let in_time = (now - AGE_MAX_SECONDS..=now + AHEAD_MAX_SECONDS).contains(&made_at);
        if !in_time || !is_for(&shape, shown) {
            return Err(Unproved::Wrong);
        }
        let (algorithm, jwk) = key(&shape).ok_or(Unproved::Wrong)?;
        if !signed(shown.proof, algorithm, &jwk) {
            return Err(Unproved::Wrong);
        }
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| Unproved::Wrong)?;
        let id = shape
            .claim("jti")
            .filter(|id| (1..=ID_CHARS_MAX).contains(&id.chars().count()));
        let id = id.ok_or(Unproved::Wrong)?;
        self.replays
            .first(&thumbprint, id, made_at + AGE_MAX_SECONDS + 1, now)?;
        Ok(thumbprint)
    }
}

/// The algorithms a proof may be signed with, as challenges name them.
pub(crate) fn algorithms() -> String {
    algorithm_names().collect::<Vec<_>>().join(" ")
}

/// Method, address and token are those of this request.
fn is_for(shape: &Shape, shown: &Shown<'_>) -> bool {
    let typ = shape.header("typ") == Some(TYPE);
    let method = shape.claim("htm") == Some(shown.method);
    let address = shape.claim("htu").and_then(|text| Url::parse(text).ok()).map(bare);
    let address = address.is_some_and(|address| shown.targets.iter().any(|target| bare(target.clone()) == address));
    let token = match shown.token {
        Some(token) => shape.claim("ath") == Some(&URL_SAFE_NO_PAD.encode(Sha256::digest(token))),
        None => true,
    };
    typ && method && address && token
}

/// Without query and fragment; the parser has done the rest of what RFC 3986 calls normalisation.
fn bare(mut url: Url) -> Url {
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn key(shape: &Shape) -> Option<(SigningAlgorithm, Jwk)> {
    let algorithm = algorithm_named(shape.header("alg")?)?;
    let jwk = shape.header.get("jwk")?;
    let public = SECRETS.iter().all(|secret| jwk.get(secret).is_none());
    let jwk = Jwk::deserialize(jwk).ok().filter(|_| public)?;
    Some((algorithm, jwk))
}

/// With the algorithm pinned, which must be one of the key's.
fn signed(proof: &str, algorithm: SigningAlgorithm, jwk: &Jwk) -> bool {
    let Some(key) = Key::of(jwk).filter(|key| key.algorithms.contains(&algorithm)) else {
        return false;
    };
    let mut validation = Validation::new(algorithm.into());
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode::<Value>(proof, &key.decoding, &validation).is_ok()
}

#[cfg(test)]
mod tests;
