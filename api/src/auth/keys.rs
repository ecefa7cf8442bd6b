//! The process's own secrets: the key that signs access tokens and the one that hashes intents. Made on the first start, each in a file
//! of its own that only its owner can read; in profile production by `verbatim keys create` alone. Losing them signs everyone out and
//! makes old idempotency keys unrecognisable.

use std::{collections::HashSet, io::ErrorKind, path::Path};

use commands::{
    IntentKey,
    private_file::{self, PrivateFileError},
};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use rand::TryRng;
use zeroize::Zeroizing;

const ACCESS_KEY_FILE: &str = "access-ed25519.pem";
const INTENT_KEY_FILE: &str = "intent.key";

/// What in a file of this kind is secret, if it is one.
type Seed = fn(&[u8]) -> Option<Zeroizing<[u8; 32]>>;

/// Every file of keys.
const FILES: [(&str, Seed); 2] = [(ACCESS_KEY_FILE, access_seed), (INTENT_KEY_FILE, intent_seed)];

pub struct Keys {
    /// Signs access tokens.
    pub access: SigningKey,
    /// Hashes intents; it stays the same as long as the log does.
    pub intent: IntentKey,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(transparent)]
    File(#[from] PrivateFileError),
    #[error("the machine gives no random numbers")]
    Random,
    #[error("{0}")]
    Refused(String),
}

impl Keys {
    /// Reads the keys in `folder`, which must all be there: a new key in place of a lost one is an operator's decision.
    pub fn load(folder: &Path) -> Result<Self, KeyError> {
        match Self::mistakes(folder).into_iter().next() {
            Some(mistake) => Err(KeyError::Refused(mistake)),
            None => Self::load_or_make(folder),
        }
    }

    /// What keeps the files in `folder` from being keys to rely on, each in a sentence that says what to do.
    pub fn mistakes(folder: &Path) -> Vec<String> {
        let mistake = |(name, seed): &(&str, Seed)| mistake_of(&folder.join(name), *seed);
        FILES.iter().filter_map(mistake).collect()
    }

    /// Reads the keys in `folder`; those that are missing are made.
    pub fn load_or_make(folder: &Path) -> Result<Self, KeyError> {
        let access_path = folder.join(ACCESS_KEY_FILE);
        // Drawn before it is known to be needed, since a file is made without a chance to fail half way.
        let fresh = new_access_key()?;
        let pem = Zeroizing::new(private_file::load_or_make(&access_path, || fresh.to_vec())?);
        let access = access_seed(&pem).map(|seed| SigningKey::from_bytes(&seed));
        Ok(Self {
            access: access.ok_or(PrivateFileError::Content { path: access_path })?,
            intent: IntentKey::load_or_make(&folder.join(INTENT_KEY_FILE))?,
        })
    }
}

fn access_seed(pem: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let key = SigningKey::from_pkcs8_pem(std::str::from_utf8(pem).ok()?).ok()?;
    Some(Zeroizing::new(key.to_bytes()))
}

fn intent_seed(content: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    content.try_into().ok().map(Zeroizing::new)
}

fn mistake_of(path: &Path, seed: Seed) -> Option<String> {
    let shown = path.display();
    let content = match private_file::load(path) {
        Ok(content) => Zeroizing::new(content),
        Err(PrivateFileError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Some(format!(
                "the key file {shown} is missing; restore it, or make the keys of a new service with `verbatim keys create`"
            ));
        }
        Err(other) => return Some(other.to_string()),
    };
    match seed(&content) {
        None => Some(format!(
            "the key file {shown} does not hold a key of its kind; restore it from a backup"
        )),
        Some(seed) if is_no_secret(&seed) => Some(format!(
            "the key file {shown} holds a key that anyone can guess; remove it and run `verbatim keys create`"
        )),
        Some(_) => None,
    }
}

/// Bytes that somebody put there to fill the place: hardly any that differ. Of 32 random ones fewer than 12 differ never.
fn is_no_secret(seed: &[u8; 32]) -> bool {
    const DIFFERENT_MIN: usize = 12;
    seed.iter().collect::<HashSet<_>>().len() < DIFFERENT_MIN
}

fn new_access_key() -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let key = SigningKey::from_bytes(&*random()?);
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Random)?;
    Ok(Zeroizing::new(pem.as_bytes().to_vec()))
}

fn random() -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::rngs::SysRng
        .try_fill_bytes(&mut *bytes)
        .map_err(|_| KeyError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_read_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Keys::load_or_make(folder.path()).expect("made");
        let read = Keys::load_or_make(folder.path()).expect("read");
        assert_eq!(made.access.to_bytes(), read.access.to_bytes());
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        Keys::load_or_make(folder.path()).expect("made");
        std::fs::write(folder.path().join(INTENT_KEY_FILE), b"short").expect("written");
        let refused = Keys::load_or_make(folder.path());
        assert!(
            matches!(refused, Err(KeyError::File(PrivateFileError::Content { path })) if path.ends_with(INTENT_KEY_FILE))
        );
        assert_eq!(
            std::fs::read(folder.path().join(INTENT_KEY_FILE)).expect("still there"),
            b"short"
        );
    }

    #[test]
    fn where_keys_must_be_there_none_is_made() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(Keys::load(folder.path()), Err(KeyError::Refused(_))));
        assert_eq!(Keys::mistakes(folder.path()).len(), FILES.len());
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        Keys::load_or_make(folder.path()).expect("made");
        assert_eq!(Keys::mistakes(folder.path()), [""; 0]);
        Keys::load(folder.path()).expect("there now");
    }

    #[test]
    fn keys_that_are_short_or_easily_guessed_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(INTENT_KEY_FILE);
        Keys::load_or_make(folder.path()).expect("made");
        for (content, complaint) in [
            (&b"changeme"[..], "does not hold a key"),
            (&[7; 32], "can guess"),
            (b"verbatimverbatimverbatimverbatim", "can guess"),
            (&[7; 33], "does not hold a key"),
        ] {
            std::fs::write(&path, content).expect("written");
            let found = Keys::mistakes(folder.path());
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].contains(complaint) && found[0].contains(INTENT_KEY_FILE),
                "{found:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_readable_by_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        Keys::load_or_make(folder.path()).expect("made");
        for file in [ACCESS_KEY_FILE, INTENT_KEY_FILE] {
            let path = folder.path().join(file);
            let mode = std::fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("changed");
            assert!(
                matches!(
                    Keys::load_or_make(folder.path()),
                    Err(KeyError::File(PrivateFileError::Exposed { .. }))
                ),
                "{file}"
            );
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("changed back");
        }
    }
}
