//! A server on a disk that fails on demand: the shim is compiled for the test and put before the C library.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use verbatim_tests::Server;

/// Where the log is written first.
const WRITE_AHEAD_LOG: &str = "/log.sqlite-wal";

pub(crate) struct FailingDisk {
    folder: TempDir,
}

impl FailingDisk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        compile(&folder.path().join("failing_disk.so"));
        Self { folder }
    }

    /// A server whose log lies on this disk.
    pub(crate) fn serve(&self) -> Server {
        let path = |name: &str| self.path(name).to_string_lossy().into_owned();
        let server = Server::start_with(|options| {
            options.set("LD_PRELOAD", path("failing_disk.so"));
            options.set("FAILING_DISK_TARGET", WRITE_AHEAD_LOG);
            options.set("FAILING_DISK_NO_SYNC", path("no_sync"));
            options.set("FAILING_DISK_FULL", path("full"));
        });
        let target = server.data().join(&WRITE_AHEAD_LOG[1..]);
        assert!(
            target.exists(),
            "the log is not written to {}, so nothing would fail",
            target.display()
        );
        server
    }

    pub(crate) fn stop_syncing(&self) {
        std::fs::write(self.path("no_sync"), "").expect("a trigger");
    }

    pub(crate) fn sync_again(&self) {
        std::fs::remove_file(self.path("no_sync")).expect("the trigger");
    }

    pub(crate) fn fill(&self) {
        std::fs::write(self.path("full"), "").expect("a trigger");
    }

    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.path("full")).expect("the trigger");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn compile(library: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/failing_disk.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .arg(library)
        .arg(source)
        .arg("-ldl")
        .output();
    let compiled = compiled.expect("a C compiler named cc, which Rust's linker needs anyway");
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
}
