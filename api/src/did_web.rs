//! Identities that people prove by a document at their domain's well-known address: fetched through the guarded client, compared with the
//! account, noted as an event, and looked at again on a schedule. What a `did:web` looks like is decided in the domain.

mod checks;
mod schedule;

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{DidWeb, UserId};
use lru::LruCache;
use parking_lot::Mutex;
use serde_json::Value;
use sqlx::SqlitePool;
use tokio::sync::Semaphore;
use url::Url;

use self::checks::Checks;
pub(crate) use self::schedule::{interval, recheck};
use crate::{
    auth::strict_object,
    outbound::{Outbound, Reach, Refused},
    problem::{Problem, codes},
};

/// A document with a few keys and services in it.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// One person makes us ask somebody so often at most.
const PAUSE: TimeDelta = TimeDelta::seconds(5);
/// People whose last check is remembered for that.
const PEOPLE_MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("more than none");
/// Claims under way at a time: with those of the schedule they are fewer than the fetches of the guarded client, so that slow domains never
/// keep the keys of issuers waiting.
const CLAIMS_AT_ONCE: usize = 8;

/// Why an identity is not proved. It names no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unproved {
    #[error("its document cannot be fetched: {0}")]
    NotFetched(#[from] Refused),
    #[error("its document is not JSON, or names something twice")]
    NoDocument,
    #[error("its document is of another identity")]
    OfAnother,
    #[error("its document does not name this account in `alsoKnownAs`")]
    NotNamed,
}

pub(crate) struct Proving {
    outbound: Arc<Outbound>,
    checks: Checks,
    asked: Mutex<LruCache<UserId, DateTime<Utc>>>,
    turns: Semaphore,
    /// Off with the other rates.
    paced: bool,
}

impl Proving {
    pub(crate) fn new(outbound: Arc<Outbound>, service: SqlitePool, paced: bool) -> Self {
        Self {
            outbound,
            checks: Checks::new(service),
            asked: Mutex::new(LruCache::new(PEOPLE_MAX)),
            turns: Semaphore::new(CLAIMS_AT_ONCE),
            paced,
        }
    }

    pub(crate) fn checks(&self) -> &Checks {
        &self.checks
    }

    /// Asks at the wish of the person, once in a while for each and for a few at a time.
    pub(crate) async fn claim(&self, did: &DidWeb, user: UserId, now: DateTime<Utc>) -> Result<(), Problem> {
        self.admit(user, now)?;
        let turn = self.turns.try_acquire();
        let _turn = turn.map_err(|_| Problem::new(&codes::SERVICE_BUSY))?;
        self.check(did, user).await.map_err(|why| {
            let account = account_uri(user);
            Problem::new(&codes::IDENTITY_UNPROVED).detail(format!("{why}; the account is `{account}`"))
        })
    }

    /// Whether somebody may make us ask now.
    fn admit(&self, user: UserId, now: DateTime<Utc>) -> Result<(), Problem> {
        let mut asked = self.asked.lock();
        let waits = asked.get(&user).map(|last| PAUSE - (now - *last).abs());
        match waits.filter(|wait| self.paced && *wait > TimeDelta::zero()) {
            Some(wait) => {
                let wait = wait.to_std().unwrap_or(Duration::from_secs(1));
                Err(Problem::new(&codes::RATE_LIMITED).retry_after(wait))
            }
            None => {
                asked.put(user, now);
                Ok(())
            }
        }
    }

    /// Asks the identity's domain whether it is this person's.
    async fn check(&self, did: &DidWeb, user: UserId) -> Result<(), Unproved> {
        let document = self
            .outbound
            .get(&self.address(did)?, Reach::Anywhere, DOCUMENT_BYTES_MAX)
            .await?;
        names(&document, did, user)
    }

    /// Over https, unless a test serves the document on this machine.
    fn address(&self, did: &DidWeb) -> Result<Url, Refused> {
        let plain = format!("http://{}", did.authority());
        let scheme = if self.outbound.is_exception(&plain) {
            "http"
        } else {
            "https"
        };
        let address = format!("{scheme}://{}{}", did.authority(), did.path());
        Url::parse(&address).map_err(|_| Refused::Address)
    }
}

/// How a document names an account: `verbatim:user_…`, the same wherever the service is.
fn account_uri(user: UserId) -> String {
    format!("verbatim:{user}")
}

fn names(document: &[u8], did: &DidWeb, user: UserId) -> Result<(), Unproved> {
    let document = strict_object(document).ok_or(Unproved::NoDocument)?;
    if document.get("id").and_then(Value::as_str) != Some(did.as_str()) {
        return Err(Unproved::OfAnother);
    }
    let account = account_uri(user);
    let known_as = document.get("alsoKnownAs").and_then(Value::as_array);
    let named = known_as.is_some_and(|names| names.iter().any(|name| name.as_str() == Some(&account)));
    if named { Ok(()) } else { Err(Unproved::NotNamed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId::from_u128(1);

    fn checked(document: &str) -> Result<(), Unproved> {
        names(
            document.as_bytes(),
            &DidWeb::parse("did:web:example.org").expect("an identity"),
            ANN,
        )
    }

    #[test]
    fn a_document_must_be_of_the_identity_and_name_the_account() {
        let account = account_uri(ANN);
        let document = |id: &str, known_as: &str| format!(r#"{{"id":"{id}","alsoKnownAs":{known_as}}}"#);
        let right = document(
            "did:web:example.org",
            &format!(r#"["https://example.org",7,"{account}"]"#),
        );
        assert_eq!(checked(&right), Ok(()));
        let others = account_uri(UserId::from_u128(2));
        for known_as in [
            "[]",
            "{}",
            "7",
            &format!(r#""{account}""#),
            &format!(r#"["{others}"]"#),
            &format!(r#"["{account}x"]"#),
        ] {
            assert_eq!(
                checked(&document("did:web:example.org", known_as)),
                Err(Unproved::NotNamed),
                "{known_as}"
            );
        }
        let of_another = document("did:web:example.org:ann", &format!(r#"["{account}"]"#));
        assert_eq!(checked(&of_another), Err(Unproved::OfAnother));
        let doubled = right.replacen('{', r#"{"id":"did:web:evil.example","#, 1);
        for nonsense in ["", "[]", "<html>", &doubled] {
            assert_eq!(checked(nonsense), Err(Unproved::NoDocument), "{nonsense}");
        }
    }
}
