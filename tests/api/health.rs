//! Whether the process lives, can serve, and says how it does.

use verbatim_tests::{Server, Stage, fresh_key, until};

#[tokio::test]
async fn a_running_server_is_alive_and_ready() {
    let stage = Stage::shared();
    stage.get("/healthz").send().await.is(200);
    stage.get("/readyz").send().await.is(200);
}

#[tokio::test]
async fn metrics_have_the_promised_families_and_count() {
    let server = Server::start();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let key = fresh_key();
    ann.send_keyed(&room.channel, &key, "hello").await.is(201);
    ann.send_keyed(&room.channel, &key, "hello").await.is(200);
    ann.send_keyed(&room.channel, &key, "other").await.problem(409);
    let mut socket = ann.socket().await;
    socket.send_binary(vec![1, 2, 3]).await;
    assert_eq!(socket.close_code().await, Some(1003));
    for (what, words) in [
        ("requests", vec!["http_server_request_duration_seconds_count"]),
        (
            "commands by outcome",
            vec!["commands_total", "category=\"channel\"", "outcome=\"replayed\""],
        ),
        ("append batch size", vec!["log_append_batch_events_count"]),
        ("append latency", vec!["log_append_duration_seconds_count"]),
        ("open sockets", vec!["ws_connections"]),
        ("close codes", vec!["ws_disconnects_total", "1003"]),
        ("projection lag", vec!["projection", "lag"]),
    ] {
        until(what, async || {
            let metrics = stage.get("/metrics").send().await.is(200);
            let line = metrics
                .text
                .lines()
                .find(|line| !line.starts_with('#') && words.iter().all(|word| line.contains(word)));
            line.map(str::to_owned)
        })
        .await;
    }
}

#[tokio::test]
async fn metrics_name_no_person_channel_or_word() {
    let server = Server::start();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    ann.send(&room.channel, "heliotrope").await;
    ann.page(&room.channel, "").await;
    let metrics = stage.get("/metrics").send().await.is(200);
    for private in [
        &ann.id,
        &ann.handle,
        &ann.token,
        &room.channel,
        &room.space,
        "heliotrope",
    ] {
        assert!(!metrics.text.contains(private), "the metrics show {private}");
    }
    assert!(metrics.text.contains("# TYPE"), "{}", metrics.text);
}
