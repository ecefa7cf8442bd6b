//! A log that is only read: without the writer's lock, beside it or without it, and never changed.

use std::ops::ControlFlow;

use event_store::{ReadOnlyLog, Scanned};

use super::*;

/// Everything a scan finds, in words.
fn scanned(log: &ReadOnlyLog, to: u64) -> Vec<String> {
    let mut found = Vec::new();
    let mut scanner = log.scanner().expect("a connection");
    scanner
        .scan(0, to, &mut |scanned| {
            found.push(match scanned {
                Scanned::Event(event) if event.intact => format!("{} whole", event.position),
                Scanned::Event(event) => format!("{} damaged", event.position),
                Scanned::Unreadable { position, column } => format!("{position} no {column}"),
                Scanned::Broken { after } => format!("broken after {after}"),
            });
            ControlFlow::Continue(())
        })
        .expect("readable");
    found
}

#[tokio::test]
async fn it_reads_beside_the_writer_and_sees_what_it_adds() {
    let (_folder, path) = new_log().await;
    let log = open(&path);
    append(&log, 1, Expected::Any, vec![event(1)]).await.expect("taken");
    let reader = ReadOnlyLog::open(&path).expect("no lock is needed");
    assert_eq!(scanned(&reader, 9), ["1 whole"]);
    append(&log, 1, Expected::Any, vec![event(2)]).await.expect("taken");
    append(&log, 2, Expected::Any, vec![event(3)]).await.expect("taken");
    assert_eq!(scanned(&reader, 9), ["1 whole", "2 whole", "3 whole"]);
    assert_eq!(reader.head().await, log.head().await);
    assert_eq!(reader.read_all(0, 9).await, log.read_all(0, 9).await);
    assert_eq!(
        reader.read_stream(&stream(1), 1, 9).await,
        log.read_stream(&stream(1), 1, 9).await
    );
    assert_eq!(reader.positions_of(Uuid::from_u128(3)).await, Ok(vec![3]));
    let names = reader.streams("channel-".to_owned(), None, 9).await.expect("readable");
    assert_eq!(
        names
            .iter()
            .map(|brief| (brief.name.clone(), brief.events))
            .collect::<Vec<_>>(),
        [(stream(1), 2), (stream(2), 1)]
    );
    let refused_append = reader
        .append(vec![Append {
            stream: stream(1),
            expected: Expected::Any,
            events: vec![event(4)],
        }])
        .await;
    assert_eq!(refused_append, [Err(refused(UnavailableReason::Closed))]);
}

#[tokio::test]
async fn the_file_is_not_touched_even_when_its_writer_died() {
    let (folder, path) = new_log().await;
    let log = open(&path);
    append(&log, 1, Expected::Any, vec![event(1)]).await.expect("taken");
    // What a killed process leaves behind: the newest events are in the write-ahead log alone.
    let copy = folder.path().join("copy.db");
    for end in ["", "-wal"] {
        std::fs::copy(
            folder.path().join(format!("log.db{end}")),
            format!("{}{end}", copy.display()),
        )
        .expect("copied");
    }
    let bytes = |end: &str| std::fs::read(format!("{}{end}", copy.display())).expect("a file");
    let before = (bytes(""), bytes("-wal"));
    assert!(!before.1.is_empty());
    let reader = ReadOnlyLog::open(&copy).expect("a log");
    assert_eq!(scanned(&reader, 9), ["1 whole"]);
    drop(reader);
    assert!(before == (bytes(""), bytes("-wal")), "the log was changed");
}

#[tokio::test]
async fn damage_is_told_and_does_not_end_a_scan() {
    let (_folder, path) = new_log().await;
    let log = open(&path);
    for n in 1..=5 {
        append(&log, 1, Expected::Any, vec![event(n)]).await.expect("taken");
    }
    drop(log);
    change(
        &path,
        "update events set payload = x'00' where position = 2;
         update events set actor = x'00' where position = 3;
         delete from events where position = 4",
    );
    let reader = ReadOnlyLog::open(&path).expect("a log");
    assert_eq!(scanned(&reader, 9), ["1 whole", "2 damaged", "3 no actor", "5 whole"]);
    change(&path, "delete from events where position = 5");
    let ends = reader.ends().await.expect("readable");
    assert_eq!((ends.declared, ends.newest), (5, 3));
}

#[tokio::test]
async fn what_is_no_log_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("log.db");
    assert!(matches!(
        ReadOnlyLog::open(&path).err(),
        Some(OpenError::Missing { .. })
    ));
    Connection::open(&path)
        .expect("file")
        .execute_batch("create table other (id)")
        .expect("other tables");
    assert!(matches!(ReadOnlyLog::open(&path).err(), Some(OpenError::NotMigrated)));
}
