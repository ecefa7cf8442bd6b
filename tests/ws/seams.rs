//! Catching up while something happens to what is being read: removal, deletion, another subscription. The socket is slow, so that the
//! end of the channel is still to be read when it happens.

use serde_json::{Value, json};
use verbatim_tests::{Person, Room, Server, Socket, Stage, fresh_key};

/// More than the buffers of a connection nobody reads from take: of these messages the last ones cannot have been sent.
const MESSAGES: usize = 900;
const BODY_BYTES: usize = 8_000;

fn server() -> Server {
    Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_OUTBOUND_SOFT_BYTES", "32768");
        options.set("VERBATIM_LIMIT_OUTBOUND_STALL_MS", "600000");
    })
}

/// Ann and Bob in a room full of long messages; the ids of those, and the top.
async fn full_room(server: &Server) -> (Person, Person, Room, Vec<String>, u64) {
    let stage = Stage::on(server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut socket = ann.socket().await;
    let mut asked = vec![];
    for number in 0..MESSAGES {
        let body = format!("secret {number} {}", "x".repeat(BODY_BYTES - 20));
        asked.push(socket.post_message(&room.channel, &fresh_key(), &body).await);
    }
    let (mut messages, mut top) = (vec![], 0);
    for id in asked {
        let ok = socket.answer(&id).await;
        messages.push(ok["message"].as_str().expect("an id").to_owned());
        top = ok["seq"].as_u64().expect("a seq");
    }
    (ann, bob, room, messages, top)
}

/// Everything of a channel until `end` is among it, in order.
async fn read_until(socket: &mut Socket, channel: &str, end: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut frames = vec![];
    loop {
        let frame = socket
            .take("a frame of the channel", |frame| frame["ch"] == channel)
            .await;
        let last = end(&frame);
        frames.push(frame);
        if last {
            return frames;
        }
    }
}

fn seqs<'a>(frames: impl IntoIterator<Item = &'a Value>) -> Vec<u64> {
    let events = frames.into_iter().filter(|frame| frame["t"] == "ev");
    events.map(|event| event["seq"].as_u64().expect("a seq")).collect()
}

#[tokio::test]
async fn removed_while_catching_up_one_gets_all_before_and_nothing_after() {
    let server = server();
    let (ann, bob, room, _, top) = full_room(&server).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, Some(0)).await;
    let removed = ann.remove_member(&room.channel, &bob).await.accepted().u64("seq");
    assert_eq!(removed, top + 1);
    ann.send(&room.channel, "now that he is gone").await;
    let frames = read_until(&mut socket, &room.channel, |frame| frame["t"] == "sub_end").await;
    assert_eq!(seqs(&frames), (1..=removed).collect::<Vec<_>>());
    assert_eq!(frames.last().expect("frames")["at"], removed);
    socket.is_alive().await;
    assert_eq!(socket.unread().filter(|frame| frame["t"] == "ev").count(), 0);
}

#[tokio::test]
async fn words_deleted_while_catching_up_are_not_sent() {
    let server = server();
    let (ann, bob, room, messages, top) = full_room(&server).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, Some(0)).await;
    let gone = &messages[MESSAGES - 20..];
    for message in gone {
        ann.delete_message(&room.channel, message).await.is(201);
    }
    let end = top + gone.len() as u64;
    let frames = read_until(&mut socket, &room.channel, |frame| frame["seq"] == end).await;
    assert_eq!(seqs(&frames), (1..=end).collect::<Vec<_>>());
    for event in frames.iter().filter(|frame| frame["type"] == "message.sent") {
        let deleted = gone.iter().any(|message| event["d"]["message"] == **message);
        assert_eq!(event["d"]["body"].is_null(), deleted, "seq {}", event["seq"]);
    }
}

#[tokio::test]
async fn following_anew_while_catching_up_goes_on_from_there_alone() {
    let server = server();
    let (ann, bob, room, _, top) = full_room(&server).await;
    let mut socket = bob.socket().await;
    for (id, after) in [("a", 0), ("b", top - 100), ("c", 3), ("d", top - 500)] {
        socket
            .send(&json!({"t": "sub", "id": id, "ch": room.channel, "after": after}))
            .await;
    }
    let end = ann.send(&room.channel, "the end").await.u64("seq");
    let answered_last = |frame: &Value| frame["id"] == "d";
    let before = read_until(&mut socket, &room.channel, answered_last).await;
    let after = read_until(&mut socket, &room.channel, |frame| frame["seq"] == end).await;
    for stretch in before.split(|frame| frame["t"] == "sub_ok") {
        let seqs = seqs(stretch);
        assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "{seqs:?}");
    }
    assert_eq!(seqs(&after), (top - 499..=end).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_slow_event_stream_ends_with_ones_removal_too() {
    let server = server();
    let (ann, bob, room, messages, _) = full_room(&server).await;
    let mut stream = bob.event_stream(&room.channel, "after=0").await;
    ann.delete_message(&room.channel, &messages[MESSAGES - 1]).await.is(201);
    let removed = ann.remove_member(&room.channel, &bob).await.accepted().u64("seq");
    ann.send(&room.channel, "now that he is gone").await;
    let mut seen = vec![];
    while let Some(block) = stream.data().await {
        seen.push(block);
    }
    let end = seen.pop().expect("an end");
    assert_eq!(
        (end.event.as_deref(), &end.json()["at"]),
        (Some("sub_end"), &json!(removed))
    );
    let ids: Vec<u64> = seen
        .iter()
        .filter_map(|block| block.id.as_ref()?.parse().ok())
        .collect();
    assert_eq!(ids, (1..=removed).collect::<Vec<_>>());
    let last_words = seen[seen.len() - 3].json();
    assert_eq!(
        (&last_words["type"], &last_words["d"]["body"]),
        (&json!("message.sent"), &json!(null))
    );
}
