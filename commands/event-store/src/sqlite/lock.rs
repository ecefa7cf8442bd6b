//! One writer per log across processes: an advisory lock on a file beside the database, which the operating system drops with its
//! holder however that ends. Tools that work on a log offline take the same lock.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::options::OpenError;

/// Held until dropped. The file itself stays, since removing it would race with the next holder.
#[derive(Debug)]
pub struct LogLock {
    _file: File,
}

impl LogLock {
    pub fn acquire(log: &Path) -> Result<Self, OpenError> {
        let path = beside(log);
        let file = private_file(&path).map_err(|source| OpenError::Lock {
            path: path.clone(),
            source,
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: log.to_owned() }),
            Err(TryLockError::Error(source)) => Err(OpenError::Lock { path, source }),
        }
    }
}

fn beside(log: &Path) -> PathBuf {
    let mut name = OsString::from(log);
    name.push(".lock");
    name.into()
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
