//! The process's own secrets: the key that signs access tokens and the one that hashes intents. Made on the first start, each in a file
//! of its own that only its owner can read. Losing them signs everyone out and makes old idempotency keys unrecognisable.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
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
    pub intent: [u8; 32],
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key file {} cannot be used", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the key file {} does not hold a key of its kind", path.display())]
    Content { path: PathBuf },
    #[error("the key file {} can be read by others than its owner; change its mode to 600", path.display())]
    Exposed { path: PathBuf },
    #[error("the machine gives no random numbers")]
    Random,
}

impl Keys {
    /// Reads the keys in `folder`; those that are missing are made.
    pub fn load_or_make(folder: &Path) -> Result<Self, KeyError> {
        let access_path = folder.join(ACCESS_KEY_FILE);
        let pem = load_or_make(&access_path, new_access_key)?;
        let access = std::str::from_utf8(&pem)
            .ok()
            .and_then(|pem| SigningKey::from_pkcs8_pem(pem).ok());
        let intent_path = folder.join(INTENT_KEY_FILE);
        let intent = load_or_make(&intent_path, || random().map(|key| Zeroizing::new(key.to_vec())))?;
        Ok(Self {
            access: access.ok_or(KeyError::Content { path: access_path })?,
            intent: intent
                .as_slice()
                .try_into()
                .map_err(|_| KeyError::Content { path: intent_path })?,
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

fn load_or_make(
    path: &Path,
    make: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, KeyError>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let unusable = |source| KeyError::File {
        path: path.to_owned(),
        source,
    };
    match std::fs::read(path) {
        Ok(content) if is_private(path).map_err(unusable)? => Ok(Zeroizing::new(content)),
        Ok(_) => Err(KeyError::Exposed { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let content = make()?;
            write_private(path, &content).map_err(unusable)?;
            Ok(content)
        }
        Err(error) => Err(unusable(error)),
    }
}

/// Written beside and renamed, so that a crash leaves a whole key or none.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut new = std::fs::OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    let mut file = new.open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    path.parent()
        .map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
}

#[cfg(unix)]
fn is_private(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> io::Result<bool> {
    Ok(true)
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
        assert_eq!(made.intent, read.intent);
        assert_ne!(made.intent, [0; 32]);
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        Keys::load_or_make(folder.path()).expect("made");
        std::fs::write(folder.path().join(INTENT_KEY_FILE), b"short").expect("written");
        let refused = Keys::load_or_make(folder.path());
        assert!(matches!(refused, Err(KeyError::Content { path }) if path.ends_with(INTENT_KEY_FILE)));
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
                matches!(Keys::load_or_make(folder.path()), Err(KeyError::Exposed { .. })),
                "{file}"
            );
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("changed back");
        }
    }
}
