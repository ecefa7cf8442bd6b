//! The floor under every acknowledgement: how long one small append and its sync take on the disk of the server's log.

use std::{fs::File, io::Write, path::Path, time::Instant};

use crate::report::Latency;

/// About what one message leaves in a log.
const APPEND_BYTES: usize = 512;
/// Appends of one measurement; a fraction of a second on any disk worth measuring.
const APPENDS: usize = 100;
const FILE: &str = "fsync.tmp";

/// Appends and syncs beside the log, when nothing else is played.
pub(crate) fn measure(folder: &Path) -> std::io::Result<Latency> {
    let path = folder.join(FILE);
    let mut file = File::create(&path)?;
    let mut latency = Latency::new();
    for _ in 0..APPENDS {
        let start = Instant::now();
        file.write_all(&[b'x'; APPEND_BYTES])?;
        file.sync_data()?;
        latency.record(start.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(latency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_append_is_timed_and_nothing_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let latency = measure(folder.path()).expect("a disk");
        assert_eq!(latency.count(), APPENDS as u64);
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 0);
    }
}
