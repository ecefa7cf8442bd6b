//! Passwords: hashed with Argon2id on threads that may block, a few at a time. Nothing here knows whose they are.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};
use zxcvbn::{Score, zxcvbn};

use crate::problem::{Problem, codes};

pub const PASSWORD_CHARS_MIN: usize = 8;
/// Long enough for any passphrase; more would only make us hash more.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// The parameters of the OWASP password storage sheet: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Of five grades the fourth: some hundred million guesses.
const SCORE_MIN: Score = Score::Three;
/// Judging takes longer the longer a text is; what is good so far does not get worse.
const JUDGED_CHARS: usize = 100;
/// The first word that comes to mind here.
const OUR_NAME: &str = "verbatim";

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

    /// What is wrong with a new password, if anything; `about` is what others know of its owner.
    pub async fn weakness(&self, password: &SecretString, about: &[&str]) -> Result<Option<&'static str>, Problem> {
        if let Some(weakness) = out_of_bounds(password.expose_secret()) {
            return Ok(Some(weakness));
        }
        let _admitted = self.admit()?;
        let password = password.clone();
        let about: Vec<String> = about.iter().map(|&text| text.to_owned()).collect();
        let guessable = self
            .work(move || is_guessable(password.expose_secret(), &about))
            .await?;
        Ok(guessable.then_some("password is easy to guess; take more words, or words that do not go together"))
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

/// Whether a hash was made with other parameters than today's.
pub(super) fn is_outdated(hash: &str) -> bool {
    let today = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let made_with = PasswordHash::new(hash)
        .ok()
        .and_then(|hash| Params::try_from(&hash).ok());
    made_with.is_none_or(|made_with| {
        today.is_ok_and(|today| {
            (made_with.m_cost(), made_with.t_cost(), made_with.p_cost())
                != (today.m_cost(), today.t_cost(), today.p_cost())
        })
    })
}

/// Whether somebody with lists of passwords, names and patterns gets there by trying. No rules of composition.
fn is_guessable(password: &str, about: &[String]) -> bool {
    let start: String = password.chars().take(JUDGED_CHARS).collect();
    let about: Vec<&str> = about.iter().map(String::as_str).chain([OUR_NAME]).collect();
    zxcvbn(&start, &about).score() < SCORE_MIN
}

fn out_of_bounds(password: &str) -> Option<&'static str> {
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
    fn a_password_has_bounds() {
        assert!(out_of_bounds("1234567").is_some());
        assert!(out_of_bounds("äöüäöüäö").is_none());
        assert!(out_of_bounds(&"x".repeat(PASSWORD_BYTES_MAX)).is_none());
        assert!(out_of_bounds(&"x".repeat(PASSWORD_BYTES_MAX + 1)).is_some());
    }

    #[test]
    fn what_others_would_try_first_is_refused() {
        let about = ["annabel-lee".to_owned(), "Annabel Lee".to_owned()];
        for guessable in [
            "password",
            "Passw0rd!",
            "12345678",
            "qwertyuiop",
            "annabel-lee",
            "Annabel Lee1",
            "verbatim1",
            &"a".repeat(200),
        ] {
            assert!(is_guessable(guessable, &about), "{guessable}");
        }
        for good in [
            "correct horse battery",
            "äöüß mag Käse",
            "3kX-9fQ.t7",
            &"so long a tale ".repeat(60),
        ] {
            assert!(!is_guessable(good, &about), "{good}");
        }
    }

    #[tokio::test]
    async fn a_hash_is_outdated_when_it_was_made_with_other_parameters() {
        let today = Passwords::new(4).hash(secret("correct horse")).await.expect("hashed");
        assert!(!is_outdated(&today));
        assert!(is_outdated(&today.replace("m=19456", "m=9728")));
        assert!(is_outdated(&today.replace("t=2", "t=1")));
        assert!(is_outdated("nonsense"));
    }
}
