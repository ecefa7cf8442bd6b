//! Who is typing: told to the others in the channel while it lasts, and to nobody else.

use serde_json::{Value, json};
use verbatim_tests::{Server, Socket, Stage};

const LEASE_MS: &str = "1500";

fn hasty() -> Server {
    Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_TYPING_LEASE_MS", LEASE_MS);
    })
}

async fn type_in(socket: &mut Socket, channel: &str) {
    socket.send(&json!({"t": "typing", "ch": channel})).await;
}

fn is_typing(frame: &Value) -> bool {
    frame["t"] == "eph" && frame["type"] == "typing"
}

async fn typing(socket: &mut Socket) -> Value {
    socket.take("who is typing", is_typing).await
}

#[tokio::test]
async fn others_who_follow_the_channel_see_it_begin_and_end() {
    let server = hasty();
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let (mut writing, mut elsewhere, mut reading) = (ann.socket().await, ann.socket().await, bob.socket().await);
    let mut idle = bob.socket().await;
    for socket in [&mut writing, &mut elsewhere, &mut reading] {
        socket.subscribe(&room.channel, None).await;
    }
    type_in(&mut writing, &room.channel).await;
    for on in [true, false] {
        let frame = typing(&mut reading).await;
        let said = (&frame["ch"], &frame["by"], &frame["d"]["on"]);
        assert_eq!(said, (&json!(room.channel), &json!(ann.id), &json!(on)), "{frame}");
    }
    for socket in [&mut writing, &mut elsewhere, &mut idle] {
        socket.is_alive().await;
        assert!(!socket.unread().any(is_typing), "it came to who should not hear it");
    }
}

#[tokio::test]
async fn who_types_on_is_not_told_with_every_key() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let (mut writing, mut reading) = (ann.socket().await, bob.socket().await);
    writing.subscribe(&room.channel, None).await;
    reading.subscribe(&room.channel, None).await;
    for _ in 0..50 {
        type_in(&mut writing, &room.channel).await;
    }
    assert_eq!(typing(&mut reading).await["d"]["on"], true);
    // Not before it was heard: of what waits for a socket only the latest is told.
    writing.say(&room.channel, "written").await;
    assert_eq!(typing(&mut reading).await["d"]["on"], false, "sending ends it");
    reading.event(&room.channel).await;
    assert!(!reading.unread().any(is_typing));
}

#[tokio::test]
async fn a_message_over_http_ends_it_too() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let (mut writing, mut reading) = (ann.socket().await, bob.socket().await);
    writing.subscribe(&room.channel, None).await;
    reading.subscribe(&room.channel, None).await;
    type_in(&mut writing, &room.channel).await;
    assert_eq!(typing(&mut reading).await["d"]["on"], true);
    ann.send(&room.channel, "written").await;
    assert_eq!(typing(&mut reading).await["d"]["on"], false);
}

#[tokio::test]
async fn only_those_who_are_in_a_channel_are_seen_typing_there() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann, &bob]).await;
    let mut reading = ann.socket().await;
    reading.subscribe(&room.channel, None).await;
    let mut stranger = eve.socket().await;
    let mut former = bob.socket().await;
    former.subscribe(&room.channel, None).await;
    ann.remove_member(&room.channel, &bob).await.accepted();
    former.expect("sub_end").await;
    for socket in [&mut stranger, &mut former] {
        type_in(socket, &room.channel).await;
        let err = socket.expect("err").await;
        assert_eq!(err["code"], "channel/not-found", "{err}");
    }
    reading.is_alive().await;
    assert!(!reading.unread().any(is_typing));
}

#[tokio::test]
async fn it_is_never_stored() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let (mut writing, mut reading) = (ann.socket().await, bob.socket().await);
    writing.subscribe(&room.channel, None).await;
    let top = reading.subscribe(&room.channel, None).await["top"].clone();
    type_in(&mut writing, &room.channel).await;
    typing(&mut reading).await;
    assert_eq!(json!(ann.all_events(&room.channel).await.len()), top);
}
