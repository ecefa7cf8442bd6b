//! The process's own secrets: the key that signs access tokens and the one that hashes intents. Made on the first start, each in a file
//! of its own that only its owner can read. Losing them signs everyone out and makes old idempotency keys unrecognisable.

use std::path::Path;

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
}

impl Keys {
    /// Reads the keys in `folder`; those that are missing are made.
    pub fn load_or_make(folder: &Path) -> Result<Self, KeyError> {
        let access_path = folder.join(ACCESS_KEY_FILE);
        // Drawn before it is known to be needed, since a file is made without a chance to fail half way.
        let fresh = new_access_key()?;
        let pem = Zeroizing::new(private_file::load_or_make(&access_path, || fresh.to_vec())?);
        let access = std::str::from_utf8(&pem)
            .ok()
            .and_then(|pem| SigningKey::from_pkcs8_pem(pem).ok());
        Ok(Self {
            access: access.ok_or(PrivateFileError::Content { path: access_path })?,
            intent: IntentKey::load_or_make(&folder.join(INTENT_KEY_FILE))?,
        })
    }
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
