//! `replay import irc` as its user runs it: the real binary on a folder of logs, then a look into the log it left.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use event_store::{EventLog, Recorded, SqliteLog, SqliteOptions};
use serde_json::Value;

/// Bytes that are not UTF-8, an action, a join, blank words, a nickname with odd characters, words with blanks around them.
const FIRST: &[u8] = b"[09:14] <crimsun> hello there\n=== L0sT [~x@y]  has joined #ubuntu\n[09:14] <|QuaD-> na\xefve \xff\n\
[09:15]  * crimsun waves\n[09:15] <crimsun>   two  blanks \nnonsense\n[09:16] <star[2]> \n[09:16] <star[2]> \x02bold\x00\n";

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).expect("written");
    }
    folder
}

fn command(logs: &Path, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command
        .args(["import", "irc", "--format", "json", "--quiet", "--data-dir"])
        .arg(data)
        .arg(logs);
    command
}

fn report(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a JSON report")
}

fn import(logs: &Path, data: &Path) -> Value {
    report(&command(logs, data).output().expect("started"))
}

async fn events(data: &Path) -> Vec<Arc<Recorded>> {
    let log = SqliteLog::open(SqliteOptions::new(data.join("log.sqlite"))).expect("opens");
    let mut events = Vec::new();
    loop {
        let after = events.last().map_or(0, |event: &Arc<Recorded>| event.position);
        let page = log.read_all(after, 10_000).await.expect("readable");
        if page.events.is_empty() {
            return events;
        }
        events.extend(page.events);
    }
}

/// The words of the messages of each channel, in order.
fn words(events: &[Arc<Recorded>]) -> Vec<Vec<String>> {
    let mut channels: std::collections::BTreeMap<&str, Vec<(u64, String)>> = std::collections::BTreeMap::new();
    for event in events.iter().filter(|event| &*event.event.kind == "message.sent") {
        let payload: Value = serde_json::from_slice(&event.event.payload).expect("JSON");
        let body = payload["body"].as_str().expect("words").to_owned();
        channels
            .entry(event.stream.as_str())
            .or_default()
            .push((event.revision, body));
    }
    let mut words: Vec<Vec<String>> = channels
        .into_values()
        .map(|messages| messages.into_iter().map(|(_, body)| body).collect())
        .collect();
    words.sort();
    words
}

#[tokio::test]
async fn every_message_of_a_file_is_in_the_log_in_the_order_of_the_file() {
    let (logs, data) = (
        folder(&[("2004-12-25.txt", FIRST)]),
        tempfile::tempdir().expect("a folder"),
    );
    let report = import(logs.path(), data.path());
    assert_eq!(
        (&report["messages"], &report["new"], &report["people"]),
        (&4.into(), &4.into(), &3.into())
    );
    assert_eq!(
        (&report["skipped_actions"], &report["skipped_events"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&report["skipped_blank"], &report["skipped_other"]),
        (&1.into(), &1.into())
    );
    let expected = ["hello there", "na\u{fffd}ve \u{fffd}", "  two  blanks ", "\u{2}bold"]
        .map(String::from)
        .to_vec();
    assert_eq!(words(&events(data.path()).await), [expected]);
}

#[tokio::test]
async fn importing_twice_doubles_nothing() {
    let logs = folder(&[("a.txt", FIRST), ("b.log", b"[10:00] <ann> one\n[10:01] <ann> one\n")]);
    let data = tempfile::tempdir().expect("a folder");
    import(logs.path(), data.path());
    let before = events(data.path()).await;
    let again = import(logs.path(), data.path());
    assert_eq!((&again["messages"], &again["new"]), (&6.into(), &0.into()));
    assert_eq!(events(data.path()).await, before);
}

#[tokio::test]
async fn a_file_that_has_grown_adds_only_its_new_lines() {
    let data = tempfile::tempdir().expect("a folder");
    let logs = folder(&[("a.txt", b"[10:00] <ann> one\n")]);
    import(logs.path(), data.path());
    std::fs::write(logs.path().join("a.txt"), b"[10:00] <ann> one\n[10:01] <bob> two\n").expect("written");
    assert_eq!(import(logs.path(), data.path())["new"], 1);
    assert_eq!(words(&events(data.path()).await), [["one", "two"]]);
}

#[test]
fn a_file_whose_past_was_changed_is_refused_by_name_and_line() {
    let data = tempfile::tempdir().expect("a folder");
    let logs = folder(&[("a.txt", b"[10:00] <ann> one\n")]);
    import(logs.path(), data.path());
    std::fs::write(logs.path().join("a.txt"), b"[10:00] <ann> another\n").expect("written");
    let refused = command(logs.path(), data.path()).output().expect("started");
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("a.txt line 1") && !told.contains("another"), "{told}");
}

#[test]
fn a_folder_without_logs_is_an_error() {
    let data = tempfile::tempdir().expect("a folder");
    let refused = command(folder(&[]).path(), data.path()).output().expect("started");
    assert_eq!(refused.status.code(), Some(1));
}

#[tokio::test]
async fn an_import_killed_on_the_way_goes_on_without_doubling() {
    const LINES: usize = 20_000;
    let text: String = (0..LINES)
        .map(|n| format!("[10:00] <nick{}> line {n}\n", n % 7))
        .collect();
    let (logs, data) = (
        folder(&[("a.txt", text.as_bytes())]),
        tempfile::tempdir().expect("a folder"),
    );
    for _ in 0..3 {
        let mut child = command(logs.path(), data.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        std::thread::sleep(Duration::from_millis(400));
        // It may have finished already on a fast machine, which is fine too.
        let _gone = child.kill();
        child.wait().expect("reaped");
    }
    import(logs.path(), data.path());
    let expected: Vec<String> = (0..LINES).map(|n| format!("line {n}")).collect();
    assert_eq!(words(&events(data.path()).await), [expected]);
}
