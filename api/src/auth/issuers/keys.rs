//! The keys of one issuer, as its key set has them: asked when a key is not known or they have grown old, once a minute at most, one
//! fetch at a time. An issuer that cannot be reached keeps the keys it had for a while.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::Jwk;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::signing::Key;
use crate::{
    auth::jwt::strict_object,
    outbound::{Outbound, Reach},
    settings::IssuerSettings,
};

/// Bytes and keys of a key set: some have a key for every node of theirs, none has hundreds.
const SET_BYTES_MAX: usize = 128 * 1024;
const KEYS_MAX: usize = 64;
/// Pause between two questions, whoever asks and whatever was answered.
const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(60);
/// Older keys are good, and asked for anew: this is how soon a key that was withdrawn is no longer taken.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(10);
/// With no word from the issuer for so long, its keys are no longer taken.
const GOOD_FOR: TimeDelta = TimeDelta::hours(1);
/// How long somebody with an unknown key waits for others' fetch.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many may; the next is refused at once.
const WAITING_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// The issuer has no such key.
    Unknown,
    /// Nobody can tell at the moment.
    Unavailable,
}

pub(super) struct KeySet {
    name: String,
    url: Url,
    reach: Reach,
    outbound: Arc<Outbound>,
    known: Mutex<Known>,
    fetching: Arc<tokio::sync::Mutex<()>>,
    waiting: tokio::sync::Semaphore,
}

#[derive(Default)]
struct Known {
    by_id: HashMap<String, Arc<Key>>,
    fetched_at: Option<DateTime<Utc>>,
    asked_at: Option<DateTime<Utc>>,
}

impl Known {
    /// None where the keys are too old to be believed, or there never were any.
    fn age(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.fetched_at.map(|at| (now - at).abs()).filter(|age| *age < GOOD_FOR)
    }

    fn may_ask(&self, now: DateTime<Utc>) -> bool {
        self.asked_at.is_none_or(|at| (now - at).abs() >= ASK_AGAIN_AFTER)
    }
}

impl KeySet {
    pub(super) fn new(settings: &IssuerSettings, outbound: Arc<Outbound>) -> Arc<Self> {
        Arc::new(Self {
            name: settings.name.clone(),
            url: settings.jwks_url.clone(),
            reach: if settings.allow_private {
                Reach::Private
            } else {
                Reach::Configured
            },
            outbound,
            known: Mutex::default(),
            fetching: Arc::default(),
            waiting: tokio::sync::Semaphore::new(WAITING_MAX),
        })
    }

    /// The key with that id, asked for where it is not known.
    pub(super) async fn find(self: &Arc<Self>, id: &str, now: DateTime<Utc>) -> Result<Arc<Key>, Missing> {
        if let Some((key, age)) = self.known(id, now) {
            if age >= FRESH_FOR {
                self.refresh_behind(now);
            }
            return Ok(key);
        }
        self.refresh(now).await;
        match self.known(id, now) {
            Some((key, _)) => Ok(key),
            None if self.known.lock().age(now).is_some() => Err(Missing::Unknown),
            None => Err(Missing::Unavailable),
        }
    }

    fn known(&self, id: &str, now: DateTime<Utc>) -> Option<(Arc<Key>, TimeDelta)> {
        let known = self.known.lock();
        let age = known.age(now)?;
        Some((Arc::clone(known.by_id.get(id)?), age))
    }

    /// Nobody waits for it: the keys at hand are good.
    fn refresh_behind(self: &Arc<Self>, now: DateTime<Utc>) {
        if !self.known.lock().may_ask(now) {
            return;
        }
        if let Ok(turn) = Arc::clone(&self.fetching).try_lock_owned() {
            self.fetch(turn, now);
        }
    }

    async fn refresh(self: &Arc<Self>, now: DateTime<Utc>) {
        if !self.known.lock().may_ask(now) && self.fetching.try_lock().is_ok() {
            return;
        }
        let Ok(_waiting) = self.waiting.try_acquire() else {
            return;
        };
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.fetching).lock_owned()).await;
        // Whoever waited for the fetch of another finds that it is too soon to ask again.
        let may_ask = self.known.lock().may_ask(now);
        if let (Ok(turn), true) = (turn, may_ask) {
            let fetched = self.fetch(turn, now);
            if let Err(error) = fetched.await {
                tracing::error!(%error, "A fetch of keys ended early");
            }
        }
    }

    /// In a task of its own, so that a client who hangs up does not take the one question of this minute away from the others.
    fn fetch(
        self: &Arc<Self>,
        turn: tokio::sync::OwnedMutexGuard<()>,
        now: DateTime<Utc>,
    ) -> tokio::task::JoinHandle<()> {
        self.known.lock().asked_at = Some(now);
        let me = Arc::clone(self);
        tokio::spawn(async move {
            let _turn = turn;
            me.ask(now).await;
        })
    }

    async fn ask(&self, now: DateTime<Utc>) {
        let set = match self.outbound.get(&self.url, self.reach, SET_BYTES_MAX).await {
            Ok(set) => keys(&set),
            Err(why) => {
                return tracing::warn!(issuer = self.name, %why, "The keys of issuer {} cannot be fetched", self.name);
            }
        };
        match set {
            Some(by_id) => {
                let mut known = self.known.lock();
                known.by_id = by_id;
                known.fetched_at = Some(now);
            }
            None => tracing::warn!(issuer = self.name, "The keys of issuer {} are no key set", self.name),
        }
    }
}

/// The usable keys by id. An id that names two of them names none, since nobody could tell which is meant.
fn keys(set: &[u8]) -> Option<HashMap<String, Arc<Key>>> {
    let set = strict_object(set)?;
    let listed = set.get("keys")?.as_array().filter(|listed| listed.len() <= KEYS_MAX)?;
    let (mut by_id, mut twice) = (HashMap::new(), HashSet::new());
    for jwk in listed {
        let Some(id) = jwk.get("kid").and_then(Value::as_str) else {
            continue;
        };
        let Some(key) = Jwk::deserialize(jwk).ok().and_then(|jwk| Key::of(&jwk)) else {
            continue;
        };
        if by_id.insert(id.to_owned(), Arc::new(key)).is_some() {
            twice.insert(id.to_owned());
        }
    }
    by_id.retain(|id, _| !twice.contains(id));
    Some(by_id)
}
