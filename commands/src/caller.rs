//! Who sends a command, under which key and when: what the edge knows and the rules need.

use chrono::{DateTime, Utc};
use domain::{Actor, IdempotencyKey};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
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

    /// The first 16 bytes of HMAC-SHA256 over the command's canonical JSON.
    pub(crate) fn hash(&self, command: &impl Serialize) -> [u8; 16] {
        let text = serde_json::to_vec(command).expect("commands are plain values, which always serialize");
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&text);
        let full = mac.finalize().into_bytes();
        std::array::from_fn(|place| full[place])
    }
}
