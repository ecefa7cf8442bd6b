//! Passwords: hashed with Argon2id on threads that may block, a few at a time. Nothing here knows whose they are.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::problem::{Problem, codes};

pub const PASSWORD_CHARS_MIN: usize = 8;
/// Long enough for any passphrase; more would only make us hash more.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// The parameters of the OWASP password storage sheet: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A real hash of a password that nobody has, so that an unknown handle costs as much time as a known one.
const NOBODYS_PASSWORD: &str = "this is the password of no account at all";

pub struct Passwords {
    /// Each hash takes a core and its memory for a while.
    working: Arc<Semaphore>,
    /// Those at work and those who wait for it.
    admitted: Semaphore,
    nobodys_hash: String,
}

impl Passwords {
    pub fn new(queue_max: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let nobodys_hash = hash(NOBODYS_PASSWORD).expect("constant parameters and a short password are valid");
        Self {
            working: Arc::new(Semaphore::new(cores)),
            admitted: Semaphore::new(queue_max + cores),
            nobodys_hash,
        }
    }

    /// A PHC string with a salt of its own.
    pub async fn hash(&self, password: SecretString) -> Result<String, Problem> {
        let _admitted = self.admit()?;
        self.work(move || hash(password.expose_secret()))
            .await?
            .map_err(|error| Problem::internal(&error))
    }

    /// Whether the password is that of `hash`; without a hash the answer is no, after the same work.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool, Problem> {
        let _admitted = self.admit()?;
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobodys_hash.clone());
        let right = self.work(move || matches(password.expose_secret(), &hash)).await?;
        Ok(right && known)
    }

    /// A place in the queue, or the news that it is full.
    fn admit(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.admitted
            .try_acquire()
            .map_err(|_| Problem::new(&codes::SERVICE_BUSY))
    }

    /// The permit goes with the work: a sender who hangs up does not make room for more than the cores can do.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let working = Arc::clone(&self.working)
            .acquire_owned()
            .await
            .map_err(|error| Problem::internal(&error))?;
        let done = tokio::task::spawn_blocking(move || {
            let _working = working;
            work()
        });
        done.await.map_err(|error| Problem::internal(&error))
    }
}

fn hasher() -> Argon2<'static> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).expect("constant parameters within the algorithm's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    hasher().hash_password(password.as_bytes()).map(|hash| hash.to_string())
}

fn matches(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok())
}

/// What is wrong with a new password, if anything. No rules of composition: length is what counts.
pub(super) fn weakness(password: &str) -> Option<&'static str> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        Some("password is shorter than 8 characters")
    } else if password.len() > PASSWORD_BYTES_MAX {
        Some("password is longer than 1024 bytes")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.into()
    }

    #[tokio::test]
    async fn the_right_password_and_no_other_is_accepted() {
        let passwords = Passwords::new(4);
        let hash = passwords.hash(secret("correct horse")).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(
            passwords
                .verify(secret("correct horse"), Some(hash.clone()))
                .await
                .expect("verified")
        );
        assert!(
            !passwords
                .verify(secret("correct hors"), Some(hash))
                .await
                .expect("verified")
        );
    }

    #[tokio::test]
    async fn the_same_password_is_hashed_differently_each_time() {
        let passwords = Passwords::new(4);
        let one = passwords.hash(secret("correct horse")).await.expect("hashed");
        assert_ne!(one, passwords.hash(secret("correct horse")).await.expect("hashed"));
    }

    #[tokio::test]
    async fn nobody_signs_in_without_an_account() {
        let passwords = Passwords::new(4);
        assert!(
            !passwords
                .verify(secret(NOBODYS_PASSWORD), None)
                .await
                .expect("verified")
        );
    }

    #[tokio::test]
    async fn a_full_queue_is_told_at_once() {
        let passwords = Passwords::new(0);
        let _everyone = passwords
            .admitted
            .acquire_many(passwords.admitted.available_permits() as u32)
            .await;
        let refused = passwords.hash(secret("correct horse")).await.expect_err("full");
        assert_eq!(refused.code(), "service/busy");
    }

    #[test]
    fn only_length_makes_a_password_weak() {
        assert!(weakness("1234567").is_some());
        assert!(weakness("äöüäöüäö").is_none());
        assert!(weakness(&"x".repeat(PASSWORD_BYTES_MAX)).is_none());
        assert!(weakness(&"x".repeat(PASSWORD_BYTES_MAX + 1)).is_some());
    }
}
