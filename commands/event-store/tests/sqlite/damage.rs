//! What happens to a log that something else has written into: the damage is found, never passed on.

use super::*;

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
        let page = log.read_all(0, 10).await.expect("a page around the damage");
        let damaged: Vec<u64> = page.damaged.iter().map(|place| place.position).collect();
        let all = damage.contains("streams");
        assert_eq!(damaged, if all { vec![1, 2, 3] } else { vec![2] }, "{damage}");
        assert_eq!(page.places(), 3);
        if !all {
            let read = log.read_stream(&stream(1), 0, 10).await;
            assert!(matches!(read, Err(ReadError::Damaged { .. })), "{damage}: {read:?}");
            assert_eq!(log.read_all(2, 10).await.expect("the rest is whole").events.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_row_that_is_gone_is_known_by_the_hole_in_its_stream() {
    let (_folder, path) = new_log().await;
    let log = open(&path);
    for n in 1..=6 {
        append(&log, n % 2, Expected::Any, vec![event(n)]).await.expect("taken");
    }
    append(&log, 7, Expected::Any, vec![event(7)]).await.expect("taken");
    append(&log, 8, Expected::Any, vec![event(8)]).await.expect("taken");
    drop(log);
    change(&path, "delete from events where position in (3, 7)");
    let log = open(&path);
    let page = log.read_all(0, 10).await.expect("a page around the holes");
    assert_eq!((page.events.len(), page.scanned_to), (6, 8));
    let places: Vec<_> = page
        .damaged
        .into_iter()
        .map(|place| (place.position, place.stream))
        .collect();
    // The only event of a stream leaves no hole in it.
    assert_eq!(places, [(3, Some(stream(1))), (7, None)]);
    let read = log.read_stream(&stream(1), 0, 10).await;
    assert!(matches!(read, Err(ReadError::Damaged { .. })), "{read:?}");
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
