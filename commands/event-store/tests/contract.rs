//! Every adapter against the contract of the port.

use std::{path::Path, sync::Arc};

use event_store::{EventLog, MemoryLog, SqliteLog, SqliteOptions, contract::Harness, event_store_contract};

event_store_contract! { memory => MemoryHarness::default(), sqlite => SqliteHarness::new() }

#[derive(Default)]
struct MemoryHarness {
    newest: Option<Arc<MemoryLog>>,
}

#[async_trait::async_trait]
impl Harness for MemoryHarness {
    async fn open(&mut self) -> Arc<dyn EventLog> {
        let log = MemoryLog::new();
        self.newest = Some(Arc::clone(&log));
        log
    }

    async fn reopen(&mut self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        log
    }

    async fn damage(&mut self, log: Arc<dyn EventLog>, position: u64) -> Arc<dyn EventLog> {
        self.newest.as_ref().expect("a log was opened").damage(position);
        log
    }
}

/// Every log in a folder of its own; the newest one can be reopened.
struct SqliteHarness {
    folders: Vec<tempfile::TempDir>,
}

impl SqliteHarness {
    fn new() -> Self {
        Self { folders: Vec::new() }
    }

    fn open_newest(&self) -> Arc<dyn EventLog> {
        let folder = self.folders.last().expect("a log was opened").path();
        SqliteLog::open(SqliteOptions::new(log_in(folder))).expect("a log that nobody else has open")
    }
}

#[async_trait::async_trait]
impl Harness for SqliteHarness {
    async fn open(&mut self) -> Arc<dyn EventLog> {
        self.folders.push(tempfile::tempdir().expect("folder"));
        let folder = self.folders.last().expect("just pushed").path();
        migrations::migrate_log(&log_in(folder)).await.expect("a migrated log");
        self.open_newest()
    }

    async fn reopen(&mut self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        drop(log);
        self.open_newest()
    }

    async fn damage(&mut self, log: Arc<dyn EventLog>, position: u64) -> Arc<dyn EventLog> {
        drop(log);
        let folder = self.folders.last().expect("a log was opened").path();
        rusqlite::Connection::open(log_in(folder))
            .and_then(|file| {
                file.execute(
                    "update events set payload = x'00' where position = $1",
                    [position as i64],
                )
            })
            .expect("a changed row");
        self.open_newest()
    }
}

fn log_in(folder: &Path) -> std::path::PathBuf {
    folder.join("log.db")
}

#[test]
fn every_case_that_is_written_is_run() {
    let list = include_str!("../src/contract.rs");
    let files = [
        include_str!("../src/contract/identity.rs"),
        include_str!("../src/contract/limits.rs"),
        include_str!("../src/contract/racing.rs"),
        include_str!("../src/contract/reading.rs"),
        include_str!("../src/contract/repeating.rs"),
        include_str!("../src/contract/tailing.rs"),
        include_str!("../src/contract/writing.rs"),
    ];
    let written = files
        .iter()
        .flat_map(|file| file.lines())
        .filter_map(|line| line.strip_prefix("pub async fn "));
    let cases: Vec<_> = written.filter_map(|line| line.split('(').next()).collect();
    assert!(cases.len() > 25);
    for case in cases {
        assert!(
            list.lines().any(|line| line.trim() == case),
            "{case} is not in the list of event_store_contract!"
        );
    }
}
