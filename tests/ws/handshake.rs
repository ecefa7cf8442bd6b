//! Getting in: the upgrade, the origin, the ticket, the hello and the welcome.

use serde_json::json;
use verbatim_tests::{Hello, SUBPROTOCOL, Server, Socket, Stage, until};

#[tokio::test]
async fn a_socket_is_welcomed_with_what_it_needs_to_begin() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let path = format!("/channels/{}/messages", room.channel);
    let sent = ann
        .post(&path)
        .json(&json!({"body": "Bob?", "mentions": [bob.id]}))
        .send()
        .await
        .is(201);
    // Once a view shows the message, so does the welcome.
    bob.listed(&room.channel).await;
    let socket = bob.socket().await;
    let welcome = &socket.welcome;
    assert_eq!(welcome["user"], bob.id);
    assert!(
        welcome["conn"].is_string() && welcome["server_time"].is_string(),
        "{welcome}"
    );
    assert!(
        welcome["incarnation"].is_string() && welcome["feed_seq"].is_u64(),
        "{welcome}"
    );
    assert!(welcome["heartbeat_ms"].as_u64().is_some_and(|ms| ms > 0), "{welcome}");
    let limits = stage.get("/api/v1/limits").send().await.is(200);
    assert_eq!(welcome["limits"], limits.body);
    let channel = welcome["channels"]
        .as_array()
        .expect("channels")
        .iter()
        .find(|item| item["ch"] == room.channel);
    let channel = channel.unwrap_or_else(|| panic!("no {} in {welcome}", room.channel));
    assert_eq!(
        (&channel["top"], &channel["unread"], &channel["mentions"]),
        (&sent["seq"], &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn connections_have_names_of_their_own() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let (one, two) = (ann.socket().await, ann.socket().await);
    assert_ne!(one.welcome["conn"], two.welcome["conn"]);
    assert_eq!(one.welcome["incarnation"], two.welcome["incarnation"]);
}

#[tokio::test]
async fn a_ticket_is_used_once() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let ticket = ann.ticket().await;
    let mut first = Socket::unintroduced(stage.address()).await;
    first.introduce(&ticket, &Hello::default()).await;
    first.expect("welcome").await;
    let mut second = Socket::unintroduced(stage.address()).await;
    second.introduce(&ticket, &Hello::default()).await;
    assert_eq!(second.close_code().await, Some(4501));
    first.is_alive().await;
}

#[tokio::test]
async fn tickets_are_for_people_who_are_signed_in_and_are_no_tokens() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    stage.post("/api/v1/ws/ticket").send().await.problem(401);
    let answer = ann.post("/ws/ticket").send().await.is(201);
    assert!(answer.str("url").contains("/api/v1/ws"), "{}", answer.text);
    assert!(
        !answer.str("url").contains(&answer.str("ticket")),
        "no secret belongs in a URL"
    );
    assert!(answer.u64("expires_in") > 0);
    stage
        .get("/api/v1/users/me")
        .token(&answer.str("ticket"))
        .send()
        .await
        .problem(401);
}

#[tokio::test]
async fn without_a_good_ticket_nobody_gets_in() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for hello in [
        json!({"t": "hello"}),
        json!({"t": "hello", "ticket": null}),
        json!({"t": "hello", "ticket": ""}),
        json!({"t": "hello", "ticket": "nonsense"}),
        json!({"t": "hello", "ticket": ann.token}),
        json!({"t": "hello", "ticket": "x".repeat(10_000)}),
    ] {
        let mut socket = Socket::unintroduced(stage.address()).await;
        socket.send_text(hello.to_string()).await;
        assert_eq!(socket.close_code().await, Some(4501), "{}", hello.to_string().len());
        assert_eq!(socket.unread().count(), 0, "nothing is said to strangers");
    }
}

#[tokio::test]
async fn hello_comes_first() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    for first in [
        json!({"t": "sub", "id": "1", "ch": room.channel}),
        json!({"t": "pong"}),
        json!([]),
        json!({"t": "dance"}),
    ] {
        let mut socket = Socket::unintroduced(stage.address()).await;
        socket.send_text(first.to_string()).await;
        assert_eq!(socket.close_code().await, Some(4501), "{first}");
        assert_eq!(socket.unread().count(), 0, "nothing is said to strangers");
    }
}

#[tokio::test]
async fn a_hello_that_never_comes_or_comes_late_finds_the_door_closed() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_HELLO_TIMEOUT_MS", "300");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let ticket = ann.ticket().await;
    let mut silent = Socket::unintroduced(stage.address()).await;
    let mut babbling = Socket::unintroduced(stage.address()).await;
    babbling.ping().await;
    assert_eq!(silent.close_code().await, Some(4501));
    assert_eq!(babbling.close_code().await, Some(4501));
    // The ticket was not used up by a socket that never showed it.
    let mut punctual = Socket::unintroduced(stage.address()).await;
    punctual.introduce(&ticket, &Hello::default()).await;
    punctual.expect("welcome").await;
}

#[tokio::test]
async fn an_expired_ticket_opens_nothing() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_TICKET_TTL_MS", "100");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let ticket = ann.ticket().await;
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    let mut socket = Socket::unintroduced(stage.address()).await;
    socket.introduce(&ticket, &Hello::default()).await;
    assert_eq!(socket.close_code().await, Some(4501));
}

#[tokio::test]
async fn the_subprotocol_is_agreed_on() {
    let stage = Stage::shared();
    let chosen = Socket::upgrade(stage.address(), &[("sec-websocket-protocol", "other.v9, verbatim.v1")]).await;
    assert_eq!(chosen.expect("accepted").subprotocol.as_deref(), Some(SUBPROTOCOL));
    // Clients that name none are taken to speak it; clients that name only others do not.
    Socket::upgrade(stage.address(), &[]).await.expect("accepted");
    let others = Socket::upgrade(stage.address(), &[("sec-websocket-protocol", "other.v9, verbatim.v2")]).await;
    let refused = others.err().expect("refused");
    assert!((400..500).contains(&refused.status), "{refused:?}");
    assert!(refused.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn pages_of_other_sites_cannot_open_sockets() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_ALLOWED_ORIGINS", "https://chat.example");
    });
    let stage = Stage::on(&server);
    let with_origin = async |origin: &str| {
        Socket::upgrade(
            stage.address(),
            &[("sec-websocket-protocol", SUBPROTOCOL), ("origin", origin)],
        )
        .await
        .map(|_| ())
    };
    for foreign in [
        "https://evil.example",
        "http://chat.example",
        "https://chat.example.evil.example",
        "https://chat.example:444",
        "null",
    ] {
        let refused = with_origin(foreign).await.expect_err(foreign);
        assert_eq!(refused.status, 403, "{foreign}");
    }
    with_origin("https://chat.example").await.expect("the allowed origin");
    Socket::unintroduced(stage.address()).await;
}

#[tokio::test]
async fn what_asks_for_no_upgrade_gets_a_problem() {
    let stage = Stage::shared();
    let answer = stage.get("/api/v1/ws").send().await;
    assert!(matches!(answer.status, 400 | 426), "{}", answer.text);
    answer.assert_problem_shape();
}

#[tokio::test]
async fn a_client_that_says_goodbye_is_let_go() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut socket = ann.socket().await;
    socket.close(1000).await;
    assert_eq!(socket.close_code().await, Some(1000));
    until("the count of sockets to fall", async || {
        let mut again = vec![];
        for _ in 0..12 {
            let mut socket = Socket::unintroduced(stage.address()).await;
            socket.introduce(&ann.ticket().await, &Hello::default()).await;
            again.push(socket);
        }
        let last = again.last_mut().expect("twelve");
        last.try_take("a welcome", |frame| frame["t"] == "welcome")
            .await
            .map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn hello_may_bring_more_frames_in_its_array() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = Socket::unintroduced(stage.address()).await;
    let send = json!({"t": "cmd", "id": "c", "op": "message.send", "ch": room.channel, "key": "first-breath", "d": {"body": "hello"}});
    let hello = json!({"t": "hello", "ticket": ann.ticket().await, "device": "black-box"});
    socket
        .send(&json!([hello, {"t": "sub", "id": "s", "ch": room.channel}, send]))
        .await;
    socket.expect("welcome").await;
    assert_eq!(socket.answer("s").await["t"], "sub_ok");
    let ok = socket.answer("c").await;
    assert_eq!(socket.event(&room.channel).await["event"], ok["event"], "{ok}");
}

#[tokio::test]
async fn saying_hello_twice_breaks_the_protocol() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut socket = ann.socket().await;
    socket.introduce(&ann.ticket().await, &Hello::default()).await;
    assert_eq!(socket.close_code().await, Some(4603));
}

#[tokio::test]
async fn behind_a_frame_that_breaks_the_rules_nothing_is_carried_out() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = ann.socket().await;
    let hello = json!({"t": "hello", "ticket": ann.ticket().await, "device": "black-box"});
    let send = json!({"t": "cmd", "id": "c", "op": "message.send", "ch": room.channel, "key": "too-late", "d": {"body": "hello"}});
    socket.send(&json!([hello, send])).await;
    assert_eq!(socket.close_code().await, Some(4603));
    // Had it been carried out, the same key would be answered as a repeat.
    let again = ann
        .socket()
        .await
        .command("message.send", &room.channel, "too-late", json!({"body": "hello"}))
        .await;
    assert_eq!(again["replayed"], false, "{again}");
}

#[tokio::test]
async fn pings_are_answered() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut socket = ann.socket().await;
    socket.ping().await;
    until("a pong", async || {
        // Something else to read, so that the pong before it is seen.
        socket.is_alive().await;
        (socket.pongs > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_welcome_names_the_liveliest_channels_that_fit_into_a_frame() {
    const FRAME_BYTES: usize = 8 * 1024;
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_FRAME_BYTES", FRAME_BYTES.to_string());
    });
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let mut groups = vec![ann.create_group(&[&bob]).await];
    let few = bob.socket().await.welcome;
    assert_eq!(
        (&few["channels"][0]["ch"], &few["channels_complete"]),
        (&json!(groups[0]), &json!(true))
    );
    for _ in 0..60 {
        groups.push(ann.create_group(&[&bob]).await);
    }
    ann.send(&groups[7], "alive again").await;
    let many = bob.socket().await.welcome;
    assert!(
        many.to_string().len() <= FRAME_BYTES,
        "{} bytes",
        many.to_string().len()
    );
    assert_eq!(many["channels_complete"], false);
    let named: Vec<&str> = many["channels"]
        .as_array()
        .expect("channels")
        .iter()
        .map(|channel| channel["ch"].as_str().expect("an id"))
        .collect();
    assert!(named.len() > 20, "{} channels", named.len());
    assert_eq!(named[..3], [&groups[7], &groups[60], &groups[59]]);
    assert_eq!(many["channels"][0]["unread"], 1);
}
