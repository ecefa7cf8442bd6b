//! Who sends a command, under which key and when: what the edge knows and the rules need.

use std::path::Path;

use chrono::{DateTime, Utc};
use domain::{Actor, IdempotencyKey, user::ServiceRole};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::private_file::{self, PrivateFileError};

#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    /// A role over the whole service which the edge has seen that they have, where the command needs one.
    pub acting_as: Option<ServiceRole>,
    /// Retrying with the same key gives the same result, for ever.
    pub key: IdempotencyKey,
    pub request_id: Uuid,
    /// The edge's reading of the clock. Within a stream recorded times never fall, whatever it says.
    pub at: DateTime<Utc>,
}

/// The secret under which intents are hashed, so that the log tells a retry from a reused key without revealing content by its hash.
/// It must stay the same as long as old keys shall be recognised.
#[derive(Clone)]
pub struct IntentKey([u8; 32]);

impl IntentKey {
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// Reads the secret from its file, or makes the file with a fresh one.
    pub fn load_or_make(path: &Path) -> Result<Self, PrivateFileError> {
        let secret = private_file::load_or_make(path, fresh_secret)?;
        let content = || PrivateFileError::Content { path: path.to_owned() };
        secret.try_into().map(Self).map_err(|_| content())
    }

    /// 160 bits that nobody without the secret can guess, the same again for the same purpose: codes that are handed out and never kept.
    pub fn code(&self, purpose: &str) -> [u8; 20] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        // Commands are hashed as JSON, which never begins like this.
        mac.update(b"code\n");
        mac.update(purpose.as_bytes());
        let full = mac.finalize().into_bytes();
        std::array::from_fn(|place| full[place])
    }

    /// The first 16 bytes of HMAC-SHA256 over the command's canonical JSON.
    pub(crate) fn hash(&self, command: &impl Serialize) -> [u8; 16] {
        let text = serde_json::to_vec(command).expect("commands are plain values, which always serialize");
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&text);
        let full = mac.finalize().into_bytes();
        std::array::from_fn(|place| full[place])
    }
}

/// 256 bits from the machine's generator, by way of the UUIDs that it fills.
fn fresh_secret() -> Vec<u8> {
    let drawn = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()]
        .map(Uuid::into_bytes)
        .concat();
    Sha256::digest(drawn).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_from_then_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("intent.key");
        let first = IntentKey::load_or_make(&path).expect("made");
        let second = IntentKey::load_or_make(&path).expect("read");
        assert_eq!(first.hash(&"command"), second.hash(&"command"));
        assert_ne!(first.hash(&"command"), first.hash(&"other"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 1);
    }

    #[test]
    fn a_code_follows_from_its_purpose_and_is_no_intent() {
        let (one, other) = (IntentKey::new([1; 32]), IntentKey::new([2; 32]));
        assert_eq!(one.code("invite"), one.code("invite"));
        assert_ne!(one.code("invite"), one.code("invites"));
        assert_ne!(one.code("invite"), other.code("invite"));
        assert_ne!(one.code("invite")[..16], one.hash(&"invite"));
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("intent.key");
        std::fs::write(&path, "not a key").expect("written");
        assert!(IntentKey::load_or_make(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "not a key");
    }
}
