//! Slow readers: they are told, cost a bounded queue, delay nobody, and miss nothing.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;
use verbatim_tests::{Hello, Person, Server, Socket, Stage, fresh_key, until};

/// What the queue of one socket may hold here.
const HARD_BYTES: u64 = 256 * 1024;
/// More than kernels buffer for a reader with a narrow window.
const WORDS: usize = 7_500;
const MESSAGES: usize = 1_200;

fn narrow_server(more: &[(&str, &str)]) -> Server {
    Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_OUTBOUND_SOFT_BYTES", "65536");
        options.set("VERBATIM_LIMIT_OUTBOUND_HARD_BYTES", HARD_BYTES.to_string());
        for (name, value) in more {
            options.set(name, *value);
        }
    })
}

/// Sends this many long messages, some in flight at a time; the top afterwards.
async fn write(person: &Person, channel: &str, count: usize) -> u64 {
    const IN_FLIGHT: usize = 16;
    let mut socket = person.socket().await;
    let body = "x".repeat(WORDS);
    let mut ids = VecDeque::new();
    let mut top = 0;
    for sent in 0..count + IN_FLIGHT {
        if sent < count {
            ids.push_back(socket.post_message(channel, &fresh_key(), &body).await);
        }
        if sent >= IN_FLIGHT
            && let Some(id) = ids.pop_front()
        {
            top = socket.answer(&id).await["seq"].as_u64().expect("a seq");
        }
    }
    top
}

/// Reads the events of a channel up to `top`; each must be the one after that before it.
async fn read_on(socket: &mut Socket, channel: &str, after: u64, top: u64) {
    for seq in after + 1..=top {
        assert_eq!(socket.event(channel).await["seq"], seq);
    }
}

/// The value of a metric's line.
async fn metric(stage: &Stage, line: &str) -> Option<u64> {
    let metrics = stage.get("/metrics").send().await.is(200);
    let found = metrics.text.lines().find_map(|text| text.strip_prefix(line));
    found.and_then(|value| value.trim().parse().ok())
}

#[tokio::test]
async fn a_slow_reader_is_told_and_misses_nothing_and_delays_nobody() {
    let server = narrow_server(&[]);
    let stage = Stage::on(&server);
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann, &bob, &eve]).await;
    let quiet = ann.create_group(&[&bob]).await;
    let mut slow = Socket::narrow(&bob, Hello::default()).await;
    let start = slow.subscribe(&room.channel, None).await["top"]
        .as_u64()
        .expect("a top");
    slow.subscribe(&quiet, None).await;
    let mut other = eve.socket().await;
    other.subscribe(&room.channel, None).await;
    let (top, ()) = tokio::join!(
        write(&ann, &room.channel, MESSAGES),
        read_on(&mut other, &room.channel, start, start + MESSAGES as u64),
    );
    let aside = ann.send(&quiet, "aside").await.u64("seq");
    let waiting = until("the gauge of what waits", async || {
        metric(&stage, "ws_queued_bytes").await
    })
    .await;
    assert!(waiting <= HARD_BYTES, "{waiting} bytes wait for one socket");
    read_on(&mut slow, &room.channel, start, top).await;
    assert_eq!(slow.event(&quiet).await["seq"], aside);
    let lags: Vec<&Value> = slow.unread().filter(|frame| frame["t"] == "lag").collect();
    assert!(!lags.is_empty(), "{MESSAGES} long messages were taken without reading");
    for lag in lags {
        assert_eq!(lag["ch"], room.channel, "the quiet channel had to wait: {lag}");
        assert!(lag["behind"].as_u64() > Some(0), "{lag}");
    }
    let live = ann.send(&room.channel, "live again").await.u64("seq");
    read_on(&mut slow, &room.channel, top, live).await;
}

#[tokio::test]
async fn who_is_slow_now_and_then_gets_every_channel_in_order() {
    const BURSTS: usize = 12;
    let server = narrow_server(&[]);
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let mut slow = Socket::narrow(&bob, Hello::default()).await;
    let mut last = HashMap::new();
    for _ in 0..3 {
        let channel = stage.room(&[&ann, &bob]).await.channel;
        let top = slow.subscribe(&channel, None).await["top"].as_u64().expect("a top");
        last.insert(channel, top);
    }
    let mut tops = last.clone();
    for burst in 0..BURSTS {
        for (number, (channel, top)) in tops.iter_mut().enumerate() {
            // Not always the same one is the busiest.
            let count = if (burst + number).is_multiple_of(3) { 120 } else { 10 };
            *top = write(&ann, channel, count).await;
        }
        for _ in 0..burst * 20 {
            if last == tops {
                break;
            }
            take_next(&mut slow, &mut last).await;
        }
    }
    while last != tops {
        take_next(&mut slow, &mut last).await;
    }
    assert!(slow.unread().any(|frame| frame["t"] == "lag"), "it was never slow");
}

/// Reads an event of whatever channel; it must be the one after the last of that channel.
async fn take_next(socket: &mut Socket, last: &mut HashMap<String, u64>) {
    let event = socket.expect("ev").await;
    let last = event["ch"].as_str().and_then(|ch| last.get_mut(ch)).expect("a channel");
    *last += 1;
    assert_eq!(event["seq"], *last, "{}", event["ch"]);
}

#[tokio::test]
async fn who_reads_nothing_is_let_go_and_resumes_without_a_hole() {
    let server = narrow_server(&[("VERBATIM_LIMIT_OUTBOUND_STALL_MS", "1000")]);
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut slow = Socket::narrow(&bob, Hello::default()).await;
    let start = slow.subscribe(&room.channel, None).await["top"]
        .as_u64()
        .expect("a top");
    let top = write(&ann, &room.channel, MESSAGES).await;
    until("4408", async || {
        metric(&stage, "ws_disconnects_total{code=\"4408\"}")
            .await
            .filter(|count| *count == 1)
    })
    .await;
    let mut last = start;
    while let Some(event) = slow.try_take("an event", |frame| frame["t"] == "ev").await {
        last += 1;
        assert_eq!(event["seq"], last);
    }
    assert!(last < top, "nothing was left to resume");
    let resume = vec![(room.channel.clone(), last)];
    let mut back = Socket::resumed(
        &bob,
        Hello {
            resume,
            ..Hello::default()
        },
    )
    .await;
    read_on(&mut back, &room.channel, last, top).await;
}

#[tokio::test]
async fn who_falls_further_and_further_behind_is_let_go_with_4410() {
    let server = narrow_server(&[
        ("VERBATIM_LIMIT_MAX_REPLAY", "50"),
        ("VERBATIM_LIMIT_BEHIND_MS", "500"),
        ("VERBATIM_LIMIT_OUTBOUND_STALL_MS", "2000"),
    ]);
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut slow = Socket::narrow(&bob, Hello::default()).await;
    slow.subscribe(&room.channel, None).await;
    until("4410", async || {
        write(&ann, &room.channel, 50).await;
        // It takes something all the time, but less than is written.
        for _ in 0..10 {
            slow.try_take("an event", |frame| frame["t"] == "ev").await;
        }
        metric(&stage, "ws_disconnects_total{code=\"4410\"}").await
    })
    .await;
}
