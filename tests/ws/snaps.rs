//! Coming back after more events than are replayed: the newest messages instead, and everything after them, with nothing between.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use verbatim_tests::{Hello, Person, Room, Server, Socket, Stage, fresh_key};

const MAX_REPLAY: u64 = 50;

fn server() -> Server {
    Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_MAX_REPLAY", MAX_REPLAY.to_string());
    })
}

async fn ann_and_bob(server: &Server) -> (Person, Person, Room) {
    let stage = Stage::on(server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    (ann, bob, room)
}

/// Sends this many messages quickly; the top afterwards.
async fn write(person: &Person, channel: &str, count: usize) -> u64 {
    let mut socket = person.socket().await;
    let mut last = String::new();
    for number in 0..count {
        last = socket
            .post_message(channel, &fresh_key(), &format!("number {number}"))
            .await;
    }
    socket.answer(&last).await["seq"].as_u64().expect("a seq")
}

/// Subscribes after `after` and is given a window: the `snap` and its `sub_ok`.
async fn snapped(socket: &mut Socket, channel: &str, after: u64) -> (Value, Value) {
    let sub_ok = socket.subscribe(channel, Some(after)).await;
    assert_eq!(sub_ok["mode"], "snap", "{sub_ok}");
    let snap = socket.expect("snap").await;
    assert_eq!(snap["ch"], *channel);
    assert_eq!(
        sub_ok["from"].as_u64(),
        snap["hi"].as_u64().map(|hi| hi + 1),
        "{sub_ok}"
    );
    (snap, sub_ok)
}

/// What a client shows: the window it was given, and every event after it applied.
#[derive(Default)]
struct Shown(BTreeMap<String, Value>);

impl Shown {
    fn of(snap: &Value) -> Self {
        let items = snap["items"].as_array().expect("items").iter();
        Self(items.map(|item| (text(&item["id"]), item.clone())).collect())
    }

    fn apply(&mut self, event: &Value) {
        let d = &event["d"];
        match event["type"].as_str().expect("a kind") {
            "message.sent" => {
                let id = text(&d["message"]);
                let item = json!({
                    "id": id, "ch": event["ch"], "seq": event["seq"], "by": event["by"], "at": event["at"], "body": d["body"],
                    "version": 1, "edited_at": null, "deleted": false, "reply_to": d["reply_to"], "thread": d["thread"],
                    "depth": d["depth"].as_u64().unwrap_or(0), "files": [],
                    "mentions": d.get("mentions").cloned().unwrap_or(json!([])), "reactions": [],
                    "votes": {"score": 0, "mine": null}, "pinned": false, "thread_summary": null,
                });
                self.0.insert(id, item);
            }
            "message.edited" => {
                if let Some(item) = self.0.get_mut(&text(&d["message"])) {
                    (item["version"], item["edited_at"]) = (d["version"].clone(), event["at"].clone());
                    if item["deleted"] == false {
                        item["body"] = d["body"].clone();
                        item["mentions"] = d.get("mentions").cloned().unwrap_or(json!([]));
                    }
                }
            }
            "message.deleted" => {
                if let Some(item) = self.0.get_mut(&text(&d["message"])) {
                    (item["deleted"], item["body"], item["mentions"]) = (json!(true), json!(null), json!([]));
                }
            }
            _ => {}
        }
    }

    fn items(self) -> Vec<Value> {
        let mut items: Vec<Value> = self.0.into_values().collect();
        items.sort_by_key(|item| item["seq"].as_u64());
        items
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn a_gap_too_large_to_replay_is_answered_with_the_newest_messages() {
    let server = server();
    let (ann, bob, room) = ann_and_bob(&server).await;
    let top = write(&ann, &room.channel, 300).await;
    let mut socket = bob.socket().await;
    let (snap, sub_ok) = snapped(&mut socket, &room.channel, 1).await;
    assert_eq!((&snap["hi"], &sub_ok["top"]), (&json!(top), &json!(top)));
    let fresh = bob.page(&room.channel, "limit=100").await;
    assert_eq!(snap["items"], json!(fresh.items()));
    assert_eq!((&snap["lo"], &snap["complete_before"]), (&fresh["lo"], &json!(false)));
    let live = ann.send(&room.channel, "live again").await;
    assert_eq!(socket.event(&room.channel).await["seq"], live["seq"]);
    assert_eq!(live.u64("seq"), top + 1);
}

#[tokio::test]
async fn what_can_be_replayed_is() {
    let server = server();
    let (ann, bob, room) = ann_and_bob(&server).await;
    let top = write(&ann, &room.channel, 80).await;
    let mut socket = bob.socket().await;
    let sub_ok = socket.subscribe(&room.channel, Some(top - MAX_REPLAY)).await;
    assert_eq!(sub_ok["mode"], "hot", "{sub_ok}");
    let events = socket.events(&room.channel, MAX_REPLAY as usize).await;
    assert_eq!(events[0]["seq"], top - MAX_REPLAY + 1);
    let (snap, _) = snapped(&mut socket, &room.channel, top - MAX_REPLAY - 1).await;
    assert_eq!((&snap["lo"], &snap["complete_before"]), (&json!(1), &json!(true)));
}

#[tokio::test]
async fn hello_resumes_with_windows_where_too_much_was_missed() {
    let server = server();
    let (ann, bob, room) = ann_and_bob(&server).await;
    let direct = ann.open_direct(&bob).await.str("id");
    let far = write(&ann, &room.channel, 100).await;
    let near = write(&ann, &direct, 10).await;
    let hello = Hello {
        resume: vec![(room.channel.clone(), 2), (direct.clone(), near - 4)],
        ..Hello::default()
    };
    let mut socket = Socket::resumed(&bob, hello).await;
    let snap = socket.expect("snap").await;
    assert_eq!((&snap["ch"], &snap["hi"]), (&json!(room.channel), &json!(far)));
    assert_eq!(socket.expect("sub_ok").await["mode"], "snap");
    assert_eq!(socket.expect("sub_ok").await["mode"], "hot");
    assert_eq!(socket.events(&direct, 4).await[3]["seq"], near);
}

#[tokio::test]
async fn a_window_never_reaches_before_what_one_may_see() {
    let server = server();
    let stage = Stage::on(&server);
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let group = ann.create_group(&[&bob]).await;
    write(&ann, &group, 20).await;
    let joined = ann.add_member(&group, &carol).await.accepted().u64("seq");
    write(&ann, &group, 60).await;
    let (snap, _) = snapped(&mut carol.socket().await, &group, 0).await;
    assert_eq!((&snap["lo"], &snap["complete_before"]), (&json!(joined), &json!(true)));
    let items = snap["items"].as_array().expect("items");
    assert_eq!((items.len(), &items[0]["seq"]), (60, &json!(joined + 1)));
}

#[tokio::test]
async fn a_window_of_long_messages_fits_into_a_frame() {
    let server = server();
    let (ann, bob, room) = ann_and_bob(&server).await;
    write(&ann, &room.channel, 60).await;
    for _ in 0..8 {
        ann.send(&room.channel, &"\u{65e5}".repeat(8_000)).await;
    }
    let top = write(&ann, &room.channel, 1).await;
    let (snap, _) = snapped(&mut bob.socket().await, &room.channel, 0).await;
    assert!(snap.to_string().len() <= 64 * 1024, "{}", snap.to_string().len());
    assert_eq!((&snap["lo"], &snap["hi"]), (&json!(top - 2), &json!(top)));
    assert_eq!(snap["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(snap["complete_before"], false);
}

#[tokio::test]
async fn a_window_and_what_follows_are_the_fresh_page_while_others_write() {
    let server = server();
    let (ann, bob, room) = ann_and_bob(&server).await;
    write(&ann, &room.channel, 150).await;
    let recent: Vec<String> = ann
        .page(&room.channel, "limit=100")
        .await
        .items()
        .iter()
        .map(|item| text(&item["id"]))
        .collect();
    let writer = {
        let (ann, channel) = (ann.clone(), room.channel.clone());
        tokio::spawn(async move {
            let mut socket = ann.socket().await;
            for (number, message) in recent.iter().enumerate() {
                socket
                    .post_message(&channel, &fresh_key(), &format!("more {number}"))
                    .await;
                let (op, d) = if number % 3 == 0 {
                    ("message.delete", json!({"message": message}))
                } else {
                    (
                        "message.edit",
                        json!({"message": message, "body": format!("corrected {number}")}),
                    )
                };
                let id = socket.post(op, &channel, &fresh_key(), d).await;
                if number % 10 == 0 {
                    socket.answer(&id).await;
                }
            }
            socket.say(&channel, "the end").await["seq"].as_u64().expect("a seq")
        })
    };
    let mut joined = vec![];
    while !writer.is_finished() || joined.len() < 3 {
        let mut socket = bob.socket().await;
        let (snap, sub_ok) = snapped(&mut socket, &room.channel, 1).await;
        joined.push((socket, snap, sub_ok));
        if joined.len() > 8 {
            break;
        }
    }
    let end = writer.await.expect("no panic");
    let fresh = bob.all_messages(&room.channel).await;
    for (mut socket, snap, sub_ok) in joined {
        let from = sub_ok["from"].as_u64().expect("a seq");
        let mut shown = Shown::of(&snap);
        for seq in from..=end {
            let event = socket.event(&room.channel).await;
            assert_eq!(event["seq"], seq, "no hole and no repeat");
            shown.apply(&event);
        }
        let covered = fresh.iter().filter(|item| item["seq"].as_u64() >= snap["lo"].as_u64());
        assert_eq!(shown.items(), covered.cloned().collect::<Vec<_>>());
    }
}
