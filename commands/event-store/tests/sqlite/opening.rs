//! Opening and closing: one process at a time, only with the settings that make it durable.

use super::*;

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_is_gone() {
    let (_folder, path) = new_log().await;
    let log = open(&path);
    assert!(matches!(
        SqliteLog::open(SqliteOptions::new(&path)).err(),
        Some(OpenError::InUse { .. })
    ));
    assert!(matches!(LogLock::acquire(&path).err(), Some(OpenError::InUse { .. })));
    drop(log);
    let tool = LogLock::acquire(&path).expect("the log is closed");
    assert!(matches!(
        SqliteLog::open(SqliteOptions::new(&path)).err(),
        Some(OpenError::InUse { .. })
    ));
    drop(tool);
    open(&path);
}

#[tokio::test]
async fn what_is_no_log_is_not_opened() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("log.db");
    assert!(matches!(
        SqliteLog::open(SqliteOptions::new(&path)).err(),
        Some(OpenError::Missing { .. })
    ));
    Connection::open(&path)
        .expect("file")
        .execute_batch("create table other (id)")
        .expect("other tables");
    assert!(matches!(
        SqliteLog::open(SqliteOptions::new(&path)).err(),
        Some(OpenError::NotMigrated)
    ));
}

#[tokio::test]
async fn a_journal_mode_that_would_not_be_durable_is_changed_or_refused() {
    let (_folder, path) = new_log().await;
    let other = Connection::open(&path).expect("another connection");
    other
        .execute_batch("pragma journal_mode = delete; begin; select * from head")
        .expect("a read that goes on");
    let options = SqliteOptions {
        busy_timeout: std::time::Duration::from_millis(1),
        ..SqliteOptions::new(&path)
    };
    let refused = SqliteLog::open(options).err();
    let kept = matches!(
        refused,
        Some(
            OpenError::Setting {
                setting: "journal_mode",
                ..
            } | OpenError::Sqlite(_)
        )
    );
    assert!(kept, "{refused:?}");
    drop(other);

    let log = open(&path);
    let other = Connection::open(&path).expect("another connection");
    let mode: String = other
        .query_row("pragma journal_mode", [], |row| row.get(0))
        .expect("a mode");
    assert_eq!(mode, "wal");
    drop(log);
}

#[tokio::test]
async fn closing_leaves_one_file_with_everything_in_it() {
    let (folder, path) = new_log().await;
    let log = open(&path);
    for n in 0..10 {
        append(&log, 1, Expected::Any, vec![event(n)]).await.expect("taken");
    }
    drop(log);
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    assert_eq!(names, ["log.db", "log.db.lock"]);
    assert_eq!(open(&path).head().await.expect("a head").position, 10);
}
