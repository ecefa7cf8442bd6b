//! `verify`: a whole log is told to be whole, and each kind of damage is named at its place.

use domain::EventId;
use event_store::{SqliteLog, SqliteOptions, StreamName};
use serde_json::{Value, json};

use crate::world::{ANN, GENERAL, Pen, World};

/// (what, position) of every finding.
fn findings(world: &World) -> Vec<(String, Value)> {
    let report = world.replay(&["verify", "--format", "json"]).is(3).json().remove(0);
    let list = report["findings"].as_array().expect("a list").clone();
    assert_eq!(report["findings_count"], list.len());
    list.iter()
        .map(|finding| {
            (
                finding["what"].as_str().expect("a word").to_owned(),
                finding["position"].clone(),
            )
        })
        .collect()
}

fn found(what: &str, position: impl Into<Value>) -> (String, Value) {
    (what.to_owned(), position.into())
}

#[tokio::test]
async fn a_whole_log_is_whole_on_any_number_of_threads() {
    let world = World::new().await;
    for threads in ["1", "2", "3", "50"] {
        let report = world.json(&["verify", "--threads", threads]).remove(0);
        assert_eq!((&report["events"], &report["findings_count"]), (&json!(26), &json!(0)));
    }
    let report = world.json(&["verify", "--floor"]).remove(0);
    assert!(report["floor"]["ratio"].as_f64().expect("a ratio") > 0.0);
    assert!(
        world
            .replay(&["verify"])
            .is(0)
            .out
            .contains("26 events in 8 streams: whole")
    );
}

#[tokio::test]
async fn it_works_beside_the_service_and_leaves_no_trace_in_the_log() {
    let world = World::new().await;
    let service = SqliteLog::open(SqliteOptions::new(world.log())).expect("the service has the log");
    world.replay(&["verify"]).is(0);
    drop(service);
    let before = std::fs::read(world.log()).expect("the log");
    world.replay(&["verify"]).is(0);
    assert!(before == std::fs::read(world.log()).expect("the log"));
    let again = SqliteLog::open(SqliteOptions::new(world.log()));
    assert!(again.is_ok(), "the tool kept no lock");
}

#[tokio::test]
async fn a_flipped_bit_is_found_at_its_place() {
    let world = World::new().await;
    world.damage("update events set payload = cast(replace(cast(payload as text), 'one,', 'onf,') as blob) where kind = 'message.sent'");
    let report = world.replay(&["verify", "--format", "json"]).is(3).json().remove(0);
    let stream = format!("channel-{}", GENERAL.uuid());
    let finding = &report["findings"][0];
    assert_eq!(report["findings_count"], 1);
    assert_eq!(
        (&finding["what"], &finding["stream"], &finding["seq"]),
        (&json!("checksum"), &json!(stream), &json!(4))
    );
    let told = world.replay(&["verify"]).is(3).out;
    assert!(told.contains(&stream) && !told.contains("onf,"), "{told}");
}

#[tokio::test]
async fn a_lost_event_is_missed_in_the_log_and_in_its_stream() {
    let world = World::new().await;
    world.damage("delete from events where position = 13");
    assert_eq!(
        findings(&world),
        [found("missing_position", 13), found("revision_hole", 14)]
    );
    for threads in ["1", "2", "7"] {
        let report = world
            .replay(&["verify", "--format", "json", "--threads", threads])
            .is(3)
            .json()
            .remove(0);
        assert_eq!(report["findings_count"], 2, "on {threads} threads: {report}");
    }
}

#[tokio::test]
async fn a_lost_end_is_missed() {
    let world = World::new().await;
    world.damage("delete from events where position = 26");
    assert_eq!(
        findings(&world),
        [found("head", 26), found("empty_stream", Value::Null)]
    );
}

#[tokio::test]
async fn holes_doubles_and_strangers_are_told_apart() {
    let changes = [
        (
            "update events set revision = revision + 50 where position = 14",
            vec!["checksum", "revision_hole", "revision_hole"],
        ),
        (
            "update events set actor = x'00' where position = 14",
            vec!["broken_row", "revision_hole"],
        ),
        ("delete from streams where name like 'inbox-%'", vec!["no_stream"]),
        (
            "drop index events_by_id; create index events_by_id on events (stream, event_id);
             update events set event_id = (select event_id from events where position = 13) where position = 14",
            vec!["checksum", "double_id"],
        ),
        ("update head set position = 30", vec!["head"]),
    ];
    for (change, expected) in changes {
        let world = World::new().await;
        world.damage(change);
        let mut what: Vec<String> = findings(&world).into_iter().map(|(what, _)| what).collect();
        what.sort();
        assert_eq!(what, expected, "{change}");
    }
}

#[tokio::test]
async fn events_that_no_rule_understands_are_found_with_their_reason_and_without_their_words() {
    let world = World::new().await;
    let mut pen = Pen::on(world.data()).await;
    let stream = StreamName::new("channel", GENERAL.uuid());
    let strange: [(&str, u16, &[u8]); 4] = [
        ("message.sung", 1, b"{}"),
        ("message.sent", 99, b"{}"),
        ("message.sent", 1, b"{\"body\":\"unfinished words"),
        ("message.sent", 1, b"{\"body\":\"hidden words\"}"),
    ];
    for (number, (kind, version, payload)) in strange.into_iter().enumerate() {
        let id = EventId::from_u128(0xf00 + number as u128);
        pen.write_raw(&stream, ANN, "k", vec![(id, kind, version, payload.to_vec())])
            .await;
    }
    let elsewhere = StreamName::from_text("weather-00000000-0000-0000-0000-000000000001");
    pen.write_raw(
        &elsewhere,
        ANN,
        "k",
        vec![(EventId::from_u128(1), "rain.fell", 1, b"{}".to_vec())],
    )
    .await;
    drop(pen);
    let all: Vec<_> = (27..=31).map(|position| found("unreadable", position)).collect();
    assert_eq!(findings(&world), all);
    let told = world.replay(&["verify"]).is(3).out;
    assert!(
        told.contains("newer than this program") && told.contains("message.sung"),
        "{told}"
    );
    assert!(!told.contains("words"), "{told}");
}

#[tokio::test]
async fn more_findings_than_wanted_are_counted() {
    let world = World::new().await;
    world.damage("update events set payload = x'00'");
    let report = world
        .replay(&["verify", "--format", "json", "--findings", "3"])
        .is(3)
        .json()
        .remove(0);
    assert_eq!(report["findings_count"], 26);
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_page_of_the_file_that_cannot_be_read_costs_its_own_events_only() {
    const PAGE_BYTES: usize = 4_096;
    let world = World::new().await;
    let mut pen = Pen::on(world.data()).await;
    for n in 0..400 {
        pen.say(GENERAL, ANN, &format!("number {n}")).await;
    }
    drop(pen);
    let log = rusqlite::Connection::open(world.log()).expect("the log");
    let page: i64 = log
        .query_row(
            "select pageno from dbstat where name = 'events' and pagetype = 'leaf' order by path limit 1 offset 4",
            [],
            |row| row.get(0),
        )
        .expect("a page of events");
    log.close().expect("closed");
    let mut bytes = std::fs::read(world.log()).expect("the log");
    let start = (usize::try_from(page).expect("a page") - 1) * PAGE_BYTES;
    bytes[start..start + PAGE_BYTES].fill(0xff);
    std::fs::write(world.log(), bytes).expect("written");
    let report = world
        .replay(&["verify", "--format", "json", "--floor"])
        .is(3)
        .json()
        .remove(0);
    let events = report["events"].as_u64().expect("a number");
    assert!(events > 380 && events < 426, "{report}");
    assert!(report["findings"].to_string().contains("broken_file"), "{report}");
    assert!(world.replay(&["stats"]).is(0).out.contains("damaged"));
}
