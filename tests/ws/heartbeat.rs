//! Liveness: heartbeats with tops, and the end of those who no longer answer them.

use verbatim_tests::{Server, Stage};

fn hasty() -> Server {
    Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_HEARTBEAT_MS", "300");
        options.set("VERBATIM_LIMIT_PONG_TIMEOUT_MS", "600");
    })
}

#[tokio::test]
async fn heartbeats_carry_the_tops_of_what_is_followed() {
    let server = hasty();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    assert_eq!(socket.welcome["heartbeat_ms"], 300);
    socket.subscribe(&room.channel, None).await;
    let seq = ann.send(&room.channel, "hello").await.u64("seq");
    let beat = socket
        .take("a heartbeat with the top", |frame| {
            frame["t"] == "hb" && frame["tops"][&room.channel] == seq
        })
        .await;
    assert!(beat["pos"].is_string(), "{beat}");
}

#[tokio::test]
async fn who_answers_stays() {
    let server = hasty();
    let ann = Stage::on(&server).person("ann").await;
    let mut socket = ann.socket().await;
    for _ in 0..8 {
        socket.expect("hb").await;
    }
    socket.is_alive().await;
}

#[tokio::test]
async fn who_does_not_answer_is_let_go_with_4412() {
    let server = hasty();
    let ann = Stage::on(&server).person("ann").await;
    let mut socket = ann.socket().await;
    socket.answers_heartbeats = false;
    assert_eq!(socket.close_code().await, Some(4412));
    assert!(socket.unread().any(|frame| frame["t"] == "hb"), "it was never asked");
}
