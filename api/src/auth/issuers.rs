//! Tokens of others: issuers the operator has named. Everything that costs nothing is checked before anything is fetched, keys come from
//! the issuer's configured address alone, and a token is only good for what its issuer was named for. Whose account it is, is decided in
//! `identities.rs`.

mod keys;
mod signing;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::SessionId;
use jsonwebtoken::{Validation, decode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use self::keys::{KeySet, Missing};
pub(super) use self::signing::Key;
pub use self::signing::{SigningAlgorithm, named as algorithm_named, names as algorithm_names};
use super::jwt::Shape;
use crate::{outbound::Outbound, settings::IssuerSettings};

/// How far the clocks of an issuer and ours may differ.
const LEEWAY_SECONDS: i64 = 5;
/// With all the claims that issuers like to put into one.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Nobody's session is trusted for longer without its issuer being asked: we cannot end it in their place.
const LIFE_MAX_SECONDS: i64 = 24 * 3_600;
/// Characters of a subject; it is stored.
const SUBJECT_CHARS_MAX: usize = 255;
const KEY_ID_CHARS_MAX: usize = 256;
/// The namespace of the sessions of others' tokens, so that one and the same session always has the same id.
const SESSIONS: Uuid = Uuid::from_u128(0x6e3f_1b52_8c0d_4f6e_9a51_77c2_d04b_e813);

/// What a token of somebody else's says, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub(crate) issuer: Arc<IssuerSettings>,
    pub(crate) subject: String,
    /// Wishes for a new account.
    pub(crate) handle: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) session: SessionId,
    pub(crate) expires_at: DateTime<Utc>,
    /// What the token says of a key it is bound to, whether or not we understand it.
    pub(crate) bound: Option<Value>,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    Invalid,
    /// It may be right: its issuer's keys cannot be had at the moment.
    NoKeys,
}

pub(crate) struct Issuers {
    all: Vec<Issuer>,
}

struct Issuer {
    settings: Arc<IssuerSettings>,
    keys: Arc<KeySet>,
}

impl Issuers {
    pub(crate) fn new(settings: &[IssuerSettings], outbound: &Arc<Outbound>) -> Self {
        let issuer = |settings: &IssuerSettings| Issuer {
            keys: KeySet::new(settings, Arc::clone(outbound)),
            settings: Arc::new(settings.clone()),
        };
        Self {
            all: settings.iter().map(issuer).collect(),
        }
    }

    pub(crate) async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Foreign, NotTaken> {
        if self.all.is_empty() {
            return Err(NotTaken::Invalid);
        }
        let shape = Shape::of_token(token, TOKEN_BYTES_MAX).ok_or(NotTaken::Invalid)?;
        let named = shape.claim("iss").ok_or(NotTaken::Invalid)?;
        let issuer = self.all.iter().find(|issuer| issuer.settings.issuer == named);
        issuer.ok_or(NotTaken::Invalid)?.verify(token, &shape, now).await
    }
}

impl Issuer {
    /// From the cheap to the dear: what the token claims, then the key, which may have to be fetched, then the signature.
    async fn verify(&self, token: &str, shape: &Shape, now: DateTime<Utc>) -> Result<Foreign, NotTaken> {
        let foreign = self.claimed(shape, now).ok_or(NotTaken::Invalid)?;
        let algorithm = self.algorithm(shape).ok_or(NotTaken::Invalid)?;
        let key_id = shape
            .header("kid")
            .filter(|id| !id.is_empty() && id.len() <= KEY_ID_CHARS_MAX);
        let key = self.keys.find(key_id.ok_or(NotTaken::Invalid)?, now).await;
        let key = key.map_err(|missing| match missing {
            Missing::Unknown => NotTaken::Invalid,
            Missing::Unavailable => NotTaken::NoKeys,
        })?;
        if !signed_by(&key, algorithm, token) {
            return Err(NotTaken::Invalid);
        }
        Ok(foreign)
    }

    fn algorithm(&self, shape: &Shape) -> Option<SigningAlgorithm> {
        let algorithm = algorithm_named(shape.header("alg")?)?;
        let typ_fits = shape
            .header
            .get("typ")
            .is_none_or(|typ| typ.as_str().is_some_and(is_access_type));
        (typ_fits && self.settings.algorithms.contains(&algorithm)).then_some(algorithm)
    }

    /// What the token says of itself, if all of it is right.
    fn claimed(&self, shape: &Shape, now: DateTime<Utc>) -> Option<Foreign> {
        let now = now.timestamp();
        let expires = shape.time("exp")?;
        let in_time = expires > now - LEEWAY_SECONDS && expires <= now + LIFE_MAX_SECONDS + LEEWAY_SECONDS;
        let begun = ["nbf", "iat"]
            .iter()
            .all(|name| not_later(shape, name, now + LEEWAY_SECONDS));
        let (sub, audience) = (shape.claim("sub")?, shape.claims.get("aud")?);
        let mapped = |name: &str| shape.claim(name).filter(|text| !text.trim().is_empty());
        let claims = &self.settings.claims;
        let subject = mapped(&claims.subject).filter(|subject| subject.chars().count() <= SUBJECT_CHARS_MAX)?;
        if !in_time || !begun || sub.is_empty() || !self.is_for_us(audience) {
            return None;
        }
        Some(Foreign {
            issuer: Arc::clone(&self.settings),
            subject: subject.to_owned(),
            handle: mapped(&claims.handle).map(str::to_owned),
            display_name: mapped(&claims.display_name).map(str::to_owned),
            session: session(shape, &self.settings.issuer, sub),
            expires_at: DateTime::from_timestamp(expires, 0)?,
            bound: shape.claims.get("cnf").cloned(),
        })
    }

    fn is_for_us(&self, audience: &Value) -> bool {
        let ours = |text: &str| self.settings.audiences.iter().any(|audience| audience == text);
        match audience {
            Value::String(one) => ours(one),
            Value::Array(many) => many.iter().all(Value::is_string) && many.iter().filter_map(Value::as_str).any(ours),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
        }
    }
}

/// Absent, or a time that has come.
fn not_later(shape: &Shape, name: &str, latest: i64) -> bool {
    match shape.claims.get(name) {
        None => true,
        Some(_) => shape.time(name).is_some_and(|time| time <= latest),
    }
}

/// RFC 9068, and what issuers sent before it. Tokens of other kinds (logout, events, proofs) have types of their own.
fn is_access_type(typ: &str) -> bool {
    ["JWT", "at+jwt", "application/at+jwt"]
        .iter()
        .any(|access| access.eq_ignore_ascii_case(typ))
}

/// The algorithm is pinned for this one verification; times, audience and the rest were read strictly before.
fn signed_by(key: &Key, algorithm: SigningAlgorithm, token: &str) -> bool {
    if !key.algorithms.contains(&algorithm) {
        return false;
    }
    let mut validation = Validation::new(algorithm.into());
    validation.leeway = LEEWAY_SECONDS.unsigned_abs();
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    decode::<Value>(token, &key.decoding, &validation).is_ok()
}

/// The issuer's own name for the session where it has one, else the token's.
fn session(shape: &Shape, issuer: &str, sub: &str) -> SessionId {
    let named = [
        ("sid", shape.claim("sid")),
        ("jti", shape.claim("jti")),
        ("sub", Some(sub)),
    ];
    let (kind, name) = named
        .into_iter()
        .find_map(|(kind, name)| Some((kind, name?)))
        .unwrap_or(("sub", sub));
    let mut text = Sha256::new();
    for part in [issuer, kind, sub, name] {
        text.update(part.len().to_be_bytes());
        text.update(part);
    }
    Uuid::new_v5(&SESSIONS, &text.finalize()).into()
}

#[cfg(test)]
mod tests;
