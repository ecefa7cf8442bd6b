//! Counts and rates: how many sockets, how many subscriptions, how many commands.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use verbatim_tests::{Hello, Server, Socket, Stage, fresh_key, until};

#[tokio::test]
async fn the_thirteenth_socket_is_refused_and_the_oldest_are_kept() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut sockets = vec![];
    for _ in 0..12 {
        sockets.push(ann.socket().await);
    }
    let mut thirteenth = Socket::unintroduced(stage.address()).await;
    thirteenth.introduce(&ann.ticket().await, &Hello::default()).await;
    assert_eq!(thirteenth.close_code().await, Some(4503));
    for socket in &mut sockets {
        socket.is_alive().await;
    }
    stage.person("bob").await.socket().await.is_alive().await;
    sockets.pop();
    until("the place of the closed socket", async || {
        let mut socket = Socket::unintroduced(stage.address()).await;
        socket.introduce(&ann.ticket().await, &Hello::default()).await;
        socket.try_take("a welcome", |frame| frame["t"] == "welcome").await
    })
    .await;
}

#[tokio::test]
async fn a_socket_follows_a_limited_number_of_channels() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_SUBSCRIPTIONS_PER_SOCKET", "3");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let space = ann.create_space("Club").await;
    let mut channels = vec![];
    for number in 0..4 {
        channels.push(ann.create_channel(&space, &format!("number {number}")).await);
    }
    let mut socket = ann.socket().await;
    for channel in &channels[..3] {
        socket.subscribe(channel, None).await;
    }
    let err = socket.try_subscribe(&channels[3], None).await;
    assert_eq!(err["t"], "err", "{err}");
    socket.subscribe(&channels[0], None).await;
    socket.send(&json!({"t": "unsub", "id": "u", "ch": channels[0]})).await;
    socket.subscribe(&channels[3], None).await;
}

#[tokio::test]
async fn a_flood_of_commands_is_slowed_down_by_name() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_RATE_LIMITS", "on");
        options.set("VERBATIM_LIMIT_COMMANDS_BURST", "5");
        options.set("VERBATIM_LIMIT_COMMANDS_PER_SECOND", "1");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let channel = ann.create_channel(&ann.create_space("Club").await, "general").await;
    let mut socket = ann.socket().await;
    let mut ids = vec![];
    for number in 0..30 {
        ids.push(
            socket
                .post_message(&channel, &fresh_key(), &format!("number {number}"))
                .await,
        );
    }
    let mut refused = 0;
    for id in ids {
        let answer = socket.answer(&id).await;
        if answer["t"] == "err" {
            assert_eq!(
                (&answer["code"], &answer["retryable"]),
                (&json!("rate/limited"), &json!(true)),
                "{answer}"
            );
            assert!(answer["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0), "{answer}");
            refused += 1;
        }
    }
    assert!(refused > 0, "thirty commands at once passed a burst of five");
    let limited = until("the route to refuse as well", async || {
        let answer = ann.send_keyed(&channel, &fresh_key(), "over HTTP").await;
        (answer.status == 429).then_some(answer)
    })
    .await;
    let limited = limited.problem_code(429, "rate/limited");
    let named = ["ratelimit", "ratelimit-policy"].map(|name| limited.header(name).is_some());
    assert_eq!(named, [true, true], "{:?}", limited.headers);
    assert!(
        limited.header("retry-after").is_some() && limited["retry_after_ms"].is_u64(),
        "{}",
        limited.text
    );
    until("the bucket to fill again", async || {
        (ann.send_keyed(&channel, &fresh_key(), "patient").await.status == 201).then_some(())
    })
    .await;
}

/// Small budgets for everything but commands.
fn strict() -> Server {
    Server::start_with(|options| {
        options.set("VERBATIM_RATE_LIMITS", "on");
        options.set("VERBATIM_LIMIT_FRAMES_BURST", "20");
        options.set("VERBATIM_LIMIT_FRAMES_PER_SECOND", "1");
    })
}

#[tokio::test]
async fn no_kind_of_frame_can_be_flooded() {
    let server = strict();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let ch = &room.channel;
    for (frame, names_channel) in [
        (json!({"t": "sub", "id": "x", "ch": ch}), true),
        (json!({"t": "unsub", "id": "x", "ch": ch}), true),
        (json!({"t": "gap", "id": "x", "ch": ch, "from": 1, "to": 1}), true),
        (json!({"t": "got", "ch": ch, "seq": 1}), true),
        (json!({"t": "read", "ch": ch, "seq": 1}), true),
        (json!({"t": "typing", "ch": ch}), true),
        (json!({"t": "who", "id": "x", "ch": ch, "users": [ann.id]}), true),
        (json!({"t": "presence", "state": "away"}), false),
        (json!({"t": "no such kind", "id": "x"}), false),
    ] {
        let mut socket = ann.socket().await;
        for _ in 0..40 {
            socket.send_text(frame.to_string()).await;
        }
        let limited = socket
            .take("a refusal", |frame| {
                frame["t"] == "err" && frame["code"] == "rate/limited"
            })
            .await;
        assert!(limited["retry_after_ms"].as_u64() > Some(0), "{limited}");
        assert_eq!(limited["id"], frame["id"], "{limited}");
        assert_eq!(limited["ch"] == **ch, names_channel, "{limited}");
        socket.is_alive().await;
    }
}

#[tokio::test]
async fn who_goes_on_flooding_is_let_go_with_4529() {
    let server = strict();
    let ann = Stage::on(&server).person("ann").await;
    for flood in [
        Message::text(r#"{"t":"pong"}"#),
        Message::text("[]"),
        Message::text("what?"),
        Message::Ping(vec![1].into()),
    ] {
        let mut socket = ann.socket().await;
        for _ in 0..1_000 {
            // It may be closed before the last one.
            if socket.try_send(flood.clone()).await.is_err() {
                break;
            }
        }
        assert_eq!(socket.close_code().await, Some(4529), "{flood}");
    }
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_RATE_LIMITS", "on");
        options.set("VERBATIM_LIMIT_LOGINS_PER_MINUTE", "3");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let limited = until("a guess to be refused for its haste", async || {
        let guess = json!({"handle": ann.handle, "password": fresh_key()});
        let answer = stage.post("/api/v1/auth/login").json(&guess).send().await;
        assert!(matches!(answer.status, 401 | 429), "{}", answer.text);
        (answer.status == 429).then_some(answer)
    })
    .await;
    let limited = limited.problem_code(429, "rate/limited");
    assert!(limited.header("retry-after").is_some(), "{}", limited.text);
}
