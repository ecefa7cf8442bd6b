//! What only the SQLite log can promise: damage is found, one writer at a time, a full disk passes, and a killed process loses nothing.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::DateTime;
use event_store::{
    Append, AppendError, Appended, CommitStats, EventLog, Expected, LogLock, NewEvent, OpenError, ReadError, SqliteLog,
    SqliteOptions, StreamName, UnavailableReason,
};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

#[tokio::test]
async fn positions_are_dense() {
    let (_folder, path) = new_log().await;
    let log = open(&path);
    for n in 0..50 {
        let _either = append(&log, n % 3, Expected::Any, vec![event(n)]).await;
        append(&log, n % 3, Expected::Empty, vec![event(n + 1000)])
            .await
            .expect_err("the stream is not empty");
    }
    let page = log.read_all(0, 1000).await.expect("a page");
    let positions: Vec<_> = page.events.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=50).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_damaged_byte_is_found_wherever_it_is() {
    let damages = [
        "update events set payload = x'00' where position = 2",
        "update events set kind = 'message.edited' where position = 2",
        "update events set actor = zeroblob(16) where position = 2",
        "update events set recorded_at = recorded_at + 1 where position = 2",
        "update events set version = 2 where position = 2",
        "update events set key = 'other' where position = 2",
        "update events set part = 1 where position = 2",
        "update events set checksum = checksum + 1 where position = 2",
        "update events set checksum = -1 where position = 2",
        "update streams set name = 'channel-other'",
        "delete from streams",
        "delete from events where position = 2",
    ];
    for damage in damages {
        let (_folder, path) = new_log().await;
        let log = open(&path);
        for n in 1..=3 {
            append(&log, 1, Expected::Any, vec![event(n)]).await.expect("taken");
        }
        drop(log);
        change(&path, damage);

        let log = open(&path);
        let position = if damage.contains("streams") { 1 } else { 2 };
        assert_eq!(
            log.read_all(0, 10).await,
            Err(ReadError::Damaged { position }),
            "{damage}"
        );
        if position == 2 {
            let read = log.read_stream(&stream(1), 0, 10).await;
            assert!(matches!(read, Err(ReadError::Damaged { .. })), "{damage}: {read:?}");
            assert_eq!(log.read_all(2, 10).await.expect("the rest is whole").events.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_log_that_lost_its_end_is_not_opened() {
    let (_folder, path) = new_log().await;
    let log = open(&path);
    append(&log, 1, Expected::Any, vec![event(1), event(2)])
        .await
        .expect("taken");
    drop(log);
    change(&path, "delete from events where position = 2");
    let refused = SqliteLog::open(SqliteOptions::new(&path)).err();
    assert!(
        matches!(refused, Some(OpenError::Damaged { head: 2, newest: 1 })),
        "{refused:?}"
    );
}

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
async fn a_full_disk_refuses_writes_until_there_is_room_and_never_stops_reads() {
    let (_folder, path) = new_log().await;
    let log = open(&path);
    append(&log, 1, Expected::Any, vec![event(1)])
        .await
        .expect("there is room");
    log.limit_pages(Some(1));
    let large = || {
        vec![NewEvent {
            payload: vec![b'x'; 100_000].into(),
            ..event(2)
        }]
    };
    for _ in 0..3 {
        assert_eq!(
            append(&log, 1, Expected::Revision(0), large()).await,
            Err(refused(UnavailableReason::DiskFull))
        );
        let page = log.read_all(0, 10).await.expect("reads go on");
        assert_eq!(page.events.len(), 1);
        assert_eq!(log.head().await.expect("a head").position, 1);
    }
    log.limit_pages(None);
    let taken = append(&log, 1, Expected::Revision(0), large())
        .await
        .expect("room again");
    assert_eq!((taken.events[0].position, taken.replayed), (2, false));
    drop(log);
    assert_eq!(open(&path).read_all(0, 10).await.expect("a page").events.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_queue_appends_are_refused_and_provably_not_written() {
    let (_folder, path) = new_log().await;
    let log = SqliteLog::open(SqliteOptions {
        queue_events_max: 8,
        ..SqliteOptions::new(&path)
    })
    .expect("a log");
    let writers: Vec<_> = (0..200)
        .map(|n| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { (n, append(&log, n % 5, Expected::Any, vec![event(n)]).await) })
        })
        .collect();
    let mut taken = Vec::new();
    for writer in writers {
        match writer.await.expect("a writer") {
            (n, Ok(_)) => taken.push(n),
            (_, Err(error)) => assert_eq!(error, refused(UnavailableReason::Overloaded)),
        }
    }
    let page = log.read_all(0, 1000).await.expect("a page");
    let mut written: Vec<_> = page.events.iter().map(|event| event.event.id.as_u128()).collect();
    written.sort_unstable();
    assert_eq!(written, taken);
    // One call that never fits is refused even while nothing waits.
    let nine = append(&log, 9, Expected::Any, (900..909).map(event).collect()).await;
    assert_eq!(nine, Err(refused(UnavailableReason::Overloaded)));
    append(&log, 9, Expected::Any, (900..908).map(event).collect())
        .await
        .expect("eight fit");
}

/// On one thread, so that the order of things is the test's own.
#[tokio::test]
async fn what_waits_is_committed_together() {
    let (_folder, path) = new_log().await;
    let (release, released) = std::sync::mpsc::channel();
    let (report, mut reported) = tokio::sync::mpsc::unbounded_channel();
    let released = Mutex::new(released);
    let on_commit = move |stats: CommitStats| {
        report.send(stats.events).expect("the test listens");
        // The writer is kept in its first commit; later ones find the other end closed.
        let _ = released.lock().expect("one writer").recv();
    };
    let options = SqliteOptions {
        on_commit: Some(Arc::new(on_commit)),
        ..SqliteOptions::new(&path)
    };
    let log = SqliteLog::open(options).expect("a log");
    let started = Arc::new(AtomicUsize::new(0));
    let send = |n: u128| {
        let (log, started) = (Arc::clone(&log), Arc::clone(&started));
        tokio::spawn(async move {
            started.fetch_add(1, Ordering::Relaxed);
            append(&log, n % 20, Expected::Any, vec![event(n)]).await
        })
    };
    let first = send(0);
    assert_eq!(reported.recv().await, Some(1));

    let writers: Vec<_> = (1..=500).map(send).collect();
    // An append waits in the queue by the time its task pauses for the first time.
    while started.load(Ordering::Relaxed) < 501 {
        tokio::task::yield_now().await;
    }
    drop::<std::sync::mpsc::Sender<()>>(release);
    for writer in writers.into_iter().chain([first]) {
        writer.await.expect("a writer").expect("taken");
    }
    assert_eq!(reported.recv().await, Some(500));
}

#[tokio::test]
async fn a_call_larger_than_a_group_is_split_and_answered_as_a_whole() {
    let (_folder, path) = new_log().await;
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let options = SqliteOptions {
        on_commit: Some(Arc::new(move |_| _ = counted.fetch_add(1, Ordering::Relaxed))),
        ..SqliteOptions::new(&path)
    };
    let log = SqliteLog::open(options).expect("a log");
    let call = (0..30).map(|n| Append {
        stream: stream(n % 2),
        expected: Expected::Any,
        events: (0..100).map(|part| event(n * 1000 + part)).collect(),
    });
    let outcomes = log.append(call.collect()).await;
    for (n, outcome) in (0..30).zip(outcomes) {
        let appended = outcome.expect("taken");
        assert_eq!(appended.events.len(), 100);
        assert_eq!(appended.events[0].event.id, event(n * 1000).id);
        assert_eq!(appended.events[0].position, u64::try_from(n).expect("small") * 100 + 1);
    }
    assert_eq!(commits.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_repetition_that_only_the_index_knows_harms_no_other_append_of_its_group() {
    let (_folder, path) = new_log().await;
    let log = open(&path);
    append(&log, 1, Expected::Any, vec![event(1), event(2)])
        .await
        .expect("taken");
    let one = |n, first| Append {
        stream: stream(n),
        expected: Expected::Any,
        events: vec![event(first), event(first + 1)],
    };
    let outcomes = log
        .append(vec![one(2, 10), one(1, 1), one(1, 3), one(3, 20), one(1, 4)])
        .await;
    let replayed: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().map(|appended| appended.replayed))
        .collect();
    let reused = AppendError::IdReuse { id: event(4).id };
    assert_eq!(replayed, [Ok(false), Ok(true), Ok(false), Ok(false), Err(&reused)]);
    assert_eq!(log.read_all(0, 100).await.expect("a page").events.len(), 8);
}

#[tokio::test]
async fn a_foreign_writer_is_noticed_and_the_log_fails() {
    let (_folder, path) = new_log().await;
    let log = open(&path);
    append(&log, 1, Expected::Any, vec![event(1)]).await.expect("taken");
    change(
        &path,
        "insert into events select position + 1, stream, revision + 1, zeroblob(16), part, kind, version, actor, key, intent,
         request_id, recorded_at, payload, checksum from events",
    );
    assert_eq!(
        append(&log, 1, Expected::Any, vec![event(2)]).await,
        Err(refused(UnavailableReason::Failed))
    );
    assert!(!log.failed().await.is_empty());
    assert_eq!(
        append(&log, 2, Expected::Any, vec![event(3)]).await,
        Err(refused(UnavailableReason::Failed))
    );
    assert_eq!(
        log.read_stream(&stream(1), 0, 1)
            .await
            .expect("reads go on")
            .events
            .len(),
        1
    );
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

/// A child process appends and notes each acknowledgement; it is killed in the middle, again and again, on the same log.
#[test]
fn acknowledged_events_survive_kill_9() {
    const ROUNDS: u64 = 6;
    const ACKS_BEFORE_KILL: usize = 60;
    if let Some(folder) = std::env::var_os(CHILD_FOLDER) {
        return kill::append_until_killed(Path::new(&folder));
    }
    let folder = tempfile::tempdir().expect("folder");
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime
        .block_on(migrations::migrate_log(&folder.path().join("log.db")))
        .expect("a migrated log");
    for round in 1..=ROUNDS {
        kill::run_child_until(folder.path(), ACKS_BEFORE_KILL * round as usize);
        runtime.block_on(kill::expect_all_acknowledged(folder.path()));
    }
}

/// Set for the child only.
const CHILD_FOLDER: &str = "EVENT_STORE_KILL_TEST_FOLDER";

mod kill {
    use std::{
        fs::{File, OpenOptions},
        io::Write as _,
        process::{Command, Stdio},
        time::Duration,
    };

    use super::*;

    const WRITERS: u128 = 4;

    /// Each line that was written whole is an acknowledgement: position, stream and number of an event.
    fn acks(folder: &Path) -> PathBuf {
        folder.join("acks")
    }

    pub(super) fn append_until_killed(folder: &Path) {
        let acks = OpenOptions::new()
            .append(true)
            .create(true)
            .open(acks(folder))
            .expect("acks");
        let log = open(&folder.join("log.db"));
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        runtime.block_on(async {
            let first = u128::from(log.head().await.expect("a head").position);
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let (log, acks) = (Arc::clone(&log), acks.try_clone().expect("acks"));
                    tokio::spawn(append_for_ever(
                        log,
                        acks,
                        first * 1000 + writer * 100_000_000,
                        writer % 3,
                    ))
                })
                .collect();
            for writer in writers {
                writer.await.expect("a writer");
            }
        });
    }

    async fn append_for_ever(log: Arc<SqliteLog>, mut acks: File, first: u128, to: u128) {
        for number in (first..).step_by(2) {
            let events = vec![event(number), event(number + 1)];
            let appended = append(&log, to, Expected::Any, events).await.expect("taken");
            let lines: String = appended
                .events
                .iter()
                .map(|event| format!("{} {} {}\n", event.position, to, event.event.id.as_u128()))
                .collect();
            acks.write_all(lines.as_bytes()).expect("an ack noted");
        }
    }

    pub(super) fn run_child_until(folder: &Path, acknowledged: usize) {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "acknowledged_events_survive_kill_9"])
            .env(CHILD_FOLDER, folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("a child");
        while noted(folder).len() < acknowledged {
            assert!(
                child.try_wait().expect("a child").is_none(),
                "the child ended by itself"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    pub(super) async fn expect_all_acknowledged(folder: &Path) {
        let log = open(&folder.join("log.db"));
        let events = log.read_all(0, usize::MAX).await.expect("the whole log").events;
        for (place, event) in events.iter().enumerate() {
            assert_eq!(event.position, place as u64 + 1);
        }
        // Two events an append: a half one would leave an odd number.
        assert_eq!(events.len() % 2, 0);
        for (position, to, number) in noted(folder) {
            let event = &events[position as usize - 1];
            assert_eq!(
                (event.stream.clone(), event.event.id.as_u128()),
                (stream(to), number),
                "position {position}"
            );
        }
    }

    fn noted(folder: &Path) -> Vec<(u64, u128, u128)> {
        let text = std::fs::read_to_string(acks(folder)).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _cut_off)| whole);
        whole.lines().map(ack).collect()
    }

    fn ack(line: &str) -> (u64, u128, u128) {
        let mut numbers = line.split(' ').map(|number| number.parse::<u128>().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        (u64::try_from(next()).expect("a position"), next(), next())
    }
}

async fn new_log() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("log.db");
    migrations::migrate_log(&path).await.expect("a migrated log");
    (folder, path)
}

fn open(path: &Path) -> Arc<SqliteLog> {
    SqliteLog::open(SqliteOptions::new(path)).expect("a log")
}

fn change(path: &Path, sql: &str) {
    let connection = Connection::open(path).expect("another connection");
    connection
        .execute_batch("pragma ignore_check_constraints = on")
        .expect("a setting");
    connection.execute_batch(sql).expect("a change");
}

async fn append(log: &SqliteLog, to: u128, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, AppendError> {
    let mut outcomes = log
        .append(vec![Append {
            stream: stream(to),
            expected,
            events,
        }])
        .await;
    outcomes.remove(0)
}

fn refused(reason: UnavailableReason) -> AppendError {
    AppendError::Unavailable {
        maybe_committed: false,
        reason,
    }
}

fn stream(number: u128) -> StreamName {
    StreamName::new("channel", Uuid::from_u128(number))
}

fn event(number: u128) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(number),
        kind: "message.sent".into(),
        version: 1,
        actor: Uuid::from_u128(7),
        key: format!("key {number}").into(),
        intent: number.to_be_bytes(),
        request_id: Uuid::from_u128(number ^ 0xffff),
        recorded_at: DateTime::from_timestamp_micros(1_700_000_000_000_000).expect("a date"),
        payload: format!("{{\"number\":{number}}}").into(),
    }
}
