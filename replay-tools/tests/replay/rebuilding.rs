//! `rebuild`: offline on a folder, and by asking a service, which is played here by a listener with prepared answers.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::mpsc,
};

use event_store::{SqliteLog, SqliteOptions};
use serde_json::{Value, json};

use crate::{
    views::{change, fold},
    world::{Ended, World, replay},
};

#[tokio::test]
async fn a_view_is_rebuilt_offline_and_serves_when_it_is_equal() {
    let world = World::new().await;
    fold(&world).await;
    let report = world.json(&["rebuild", "timeline"]).remove(0);
    assert_eq!(
        (
            &report["generation"],
            &report["position"],
            &report["equal"],
            &report["promoted"]
        ),
        (&json!(2), &json!(26), &json!(true), &json!(true))
    );
    world
        .replay(&["diff", "views", "--projection", "timeline", "--generations", "1,2"])
        .is(0);
    world.replay(&["verify"]).is(0);
    // The service goes on with it.
    fold(&world).await;
}

#[tokio::test]
async fn a_view_that_was_altered_is_told_and_replaced_only_when_asked_to() {
    let world = World::new().await;
    fold(&world).await;
    change(&world, "timeline.1.sqlite", "update digest set sum_low = sum_low + 1");
    let report = world
        .replay(&["rebuild", "timeline", "--format", "json"])
        .is(3)
        .json()
        .remove(0);
    assert_eq!((&report["equal"], &report["promoted"]), (&json!(false), &json!(false)));
    let report = world
        .replay(&["rebuild", "timeline", "--promote", "always", "--format", "json"])
        .is(3)
        .json()
        .remove(0);
    assert_eq!(report["promoted"], true);
    world.replay(&["rebuild", "timeline"]).is(0);
}

#[tokio::test]
async fn a_folder_that_the_service_holds_is_left_to_the_service() {
    let world = World::new().await;
    let service = SqliteLog::open(SqliteOptions::new(world.log())).expect("the service has the log");
    let told = world.replay(&["rebuild", "timeline"]).is(1).err;
    assert!(told.contains("--server"), "{told}");
    drop(service);
    world.replay(&["rebuild", "no_such_view"]).is(2);
    world
        .replay(&["rebuild", "timeline", "--server", "http://127.0.0.1:1"])
        .is(2);
    world.replay(&["rebuild", "timeline", "--cancel"]).is(2);
}

/// Answers each request with the next of these, and tells what was asked.
fn service(answers: Vec<(u16, Value)>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (asked, hears) = mpsc::channel();
    std::thread::spawn(move || {
        for (status, answer) in answers {
            let (stream, _) = listener.accept().expect("a connection");
            // Whoever no longer listens has failed already.
            let _told = asked.send(answer_one(stream, status, &answer));
        }
    });
    (address, hears)
}

/// The first line, the token and the body of the request.
fn answer_one(mut stream: TcpStream, status: u16, answer: &Value) -> String {
    let mut reader = BufReader::new(stream.try_clone().expect("a reader"));
    let (mut first, mut token, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first).expect("a line");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if header.starts_with("authorization:") {
            token = line.trim().to_owned();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let answer = answer.to_string();
    write!(
        stream,
        "HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    )
    .expect("answered");
    format!("{} {token} {}", first.trim(), String::from_utf8_lossy(&body))
}

fn row(generation: u64, state: &str, more: Value) -> Value {
    let mut row = json!({"name": "timeline", "generation": generation, "state": state, "checkpoint": 1, "head": 9});
    for (name, value) in more.as_object().into_iter().flatten() {
        row[name] = value.clone();
    }
    row
}

fn rows(new: Value) -> (u16, Value) {
    (200, json!({"items": [row(1, "serving", json!({})), new], "next": null}))
}

fn token() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "the-token\n").expect("written");
    (folder, file)
}

fn ask(address: &str, more: &[&str]) -> Ended {
    let (_folder, file) = token();
    let file = file.to_string_lossy().into_owned();
    let arguments = [
        "rebuild",
        "timeline",
        "--server",
        address,
        "--token-file",
        &file,
        "--format",
        "json",
    ];
    replay(&[&arguments[..], more].concat())
}

#[test]
fn the_service_is_asked_and_watched_until_the_new_generation_serves() {
    let progress = json!({"progress": {"events": 4, "of": 9, "rate": 2.0, "eta_s": 2.5, "paused": false}});
    let (address, asked) = service(vec![
        (202, row(2, "building", json!({}))),
        rows(row(2, "building", progress)),
        rows(row(2, "ready", json!({}))),
        rows(row(2, "serving", json!({"digest": "00ff"}))),
    ]);
    let ended = ask(&address, &["--reason", "after the incident"]).is(0);
    assert_eq!(
        ended.json(),
        [json!({"view": "timeline", "generation": 2, "state": "serving", "digest": "00ff", "reason": null})]
    );
    let first = asked.recv().expect("asked");
    assert!(
        first.starts_with("POST /api/v1/admin/projections/timeline/rebuild HTTP/1.1"),
        "{first}"
    );
    assert!(first.to_lowercase().contains("bearer the-token"), "{first}");
    assert!(
        first.contains("\"promote\":\"when_equal\"") && first.contains("after the incident"),
        "{first}"
    );
    assert!(
        asked
            .recv()
            .expect("asked")
            .starts_with("GET /api/v1/admin/projections HTTP/1.1")
    );
}

#[test]
fn a_generation_that_is_not_equal_is_a_difference() {
    let (address, _asked) = service(vec![
        (202, row(2, "building", json!({}))),
        rows(row(2, "ready", json!({"reason": "its digest is another"}))),
    ]);
    assert_eq!(ask(&address, &[]).is(3).json()[0]["reason"], "its digest is another");
}

#[test]
fn a_rebuild_that_runs_already_is_watched_and_one_that_is_cancelled_is_told() {
    let (address, _asked) = service(vec![
        (409, json!({"code": "projection/rebuild-running"})),
        rows(row(7, "catching_up", json!({}))),
        rows(row(7, "serving", json!({}))),
    ]);
    let ended = ask(&address, &[]).is(0);
    assert!(
        ended.err.contains("already") && ended.out.contains("\"generation\":7"),
        "{ended:?}"
    );
    let (address, _asked) = service(vec![
        (202, row(2, "building", json!({}))),
        (200, json!({"items": [row(1, "serving", json!({}))]})),
    ]);
    assert!(ask(&address, &[]).is(1).err.contains("cancelled"));
    let (address, asked) = service(vec![(202, row(2, "retired", json!({})))]);
    ask(&address, &["--cancel"]).is(0);
    assert!(
        asked
            .recv()
            .expect("asked")
            .starts_with("POST /api/v1/admin/projections/timeline/cancel")
    );
}

#[test]
fn refusals_are_told_in_the_words_of_the_service_and_without_the_token() {
    let (address, _asked) = service(vec![(
        403,
        json!({"code": "auth/role-required", "detail": "operators only"}),
    )]);
    let told = ask(&address, &[]).is(1).err;
    assert!(
        told.contains("auth/role-required") && !told.contains("the-token"),
        "{told}"
    );
    assert!(ask("http://127.0.0.1:1", &[]).is(1).err.contains("cannot be reached"));
}
