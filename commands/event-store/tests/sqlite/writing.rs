//! The writer: groups, the bounds of its queue, a full disk, and its write-ahead log.

use super::*;

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
async fn the_write_ahead_log_begins_again_instead_of_growing() {
    const PAGE: u64 = 4096;
    let (folder, path) = new_log().await;
    let log = SqliteLog::open(SqliteOptions {
        wal_autocheckpoint: 10,
        ..SqliteOptions::new(&path)
    })
    .expect("a log");
    for n in 0..300 {
        append(&log, n % 5, Expected::Any, vec![event(n)]).await.expect("taken");
    }
    // Each append changes four pages at least.
    let wal = std::fs::metadata(folder.path().join("log.db-wal")).expect("a write-ahead log");
    assert!(wal.len() < 100 * PAGE, "{} pages", wal.len() / PAGE);
}
