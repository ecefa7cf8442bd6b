//! A process that is killed while it writes loses nothing that it acknowledged.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use super::*;

/// A child process appends and notes each acknowledgement; it is killed in the middle, again and again, on the same log.
#[test]
fn acknowledged_events_survive_kill_9() {
    const ROUNDS: u64 = 6;
    const ACKS_BEFORE_KILL: usize = 60;
    if let Some(folder) = std::env::var_os(CHILD_FOLDER) {
        return append_until_killed(Path::new(&folder));
    }
    let folder = tempfile::tempdir().expect("folder");
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime
        .block_on(migrations::migrate_log(&folder.path().join("log.db")))
        .expect("a migrated log");
    for round in 1..=ROUNDS {
        run_child_until(folder.path(), ACKS_BEFORE_KILL * round as usize);
        runtime.block_on(expect_all_acknowledged(folder.path()));
    }
}

/// Set for the child only.
const CHILD_FOLDER: &str = "EVENT_STORE_KILL_TEST_FOLDER";

const WRITERS: u128 = 4;

/// Each line that was written whole is an acknowledgement: position, stream and number of an event.
fn acks(folder: &Path) -> PathBuf {
    folder.join("acks")
}

fn append_until_killed(folder: &Path) {
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

fn run_child_until(folder: &Path, acknowledged: usize) {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "kill::acknowledged_events_survive_kill_9"])
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

async fn expect_all_acknowledged(folder: &Path) {
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
