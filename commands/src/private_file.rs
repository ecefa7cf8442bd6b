//! Secrets in files: each made once, readable by its owner alone, whole or not there. What the bytes mean is their user's business.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    #[error("the key file {} cannot be used", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the key file {} does not hold a key of its kind", path.display())]
    Content { path: PathBuf },
    #[error("the key file {} can be read by others than its owner; change its mode to 600", path.display())]
    Exposed { path: PathBuf },
}

/// The content of a private file.
pub fn load(path: &Path) -> Result<Vec<u8>, PrivateFileError> {
    let unusable = |source| PrivateFileError::File {
        path: path.to_owned(),
        source,
    };
    let content = std::fs::read(path).map_err(unusable)?;
    if is_private(path).map_err(unusable)? {
        Ok(content)
    } else {
        Err(PrivateFileError::Exposed { path: path.to_owned() })
    }
}

/// The content of a private file; if there is none it is made.
pub fn load_or_make(path: &Path, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, PrivateFileError> {
    match load(path) {
        Err(PrivateFileError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            write_private(path, &make()).map_err(|source| PrivateFileError::File {
                path: path.to_owned(),
                source,
            })?;
            // Of two first starts both go on with the file that won.
            load(path)
        }
        loaded => loaded,
    }
}

/// Written beside and linked into place, so that a crash leaves a whole file or none, and nobody's file is replaced.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension(format!("unfinished-{}", std::process::id()));
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
    match std::fs::hard_link(&unfinished, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::fs::remove_file(&unfinished)?;
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
