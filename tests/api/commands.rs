//! `POST /commands`: the `cmd` frame over HTTP, with the same rules and results as a socket.

use serde_json::json;
use verbatim_tests::{NOWHERE, Stage, fresh_key};

#[tokio::test]
async fn a_command_answers_its_ok_frame() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let ok = ann
        .command(
            "message.send",
            &room.channel,
            &fresh_key(),
            json!({"body": "by command"}),
        )
        .await
        .accepted();
    assert_eq!(
        (&ok["t"], &ok["id"], &ok["ch"]),
        (&json!("ok"), &json!("c"), &json!(room.channel))
    );
    assert_eq!(ok["replayed"], false);
    assert!(
        ok["pos"].is_string() && ok["at"].is_string() && ok["event"].is_string(),
        "{}",
        ok.text
    );
    let message = ann.message(&room.channel, &ok.str("message")).await.is(200);
    assert_eq!((&message["body"], &message["seq"]), (&json!("by command"), &ok["seq"]));
}

#[tokio::test]
async fn commands_do_what_their_routes_do() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann]).await;
    ann.admit(&room.space, &bob).await;
    let channel = room.channel.as_str();
    bob.command("channel.join", channel, &fresh_key(), json!({}))
        .await
        .accepted();
    let sent = bob
        .command("message.send", channel, &fresh_key(), json!({"body": "one"}))
        .await
        .accepted()
        .str("message");
    bob.command(
        "message.edit",
        channel,
        &fresh_key(),
        json!({"message": sent, "body": "two"}),
    )
    .await
    .accepted();
    assert_eq!(ann.message(channel, &sent).await["body"], "two");
    ann.command("message.delete", channel, &fresh_key(), json!({"message": sent}))
        .await
        .accepted();
    assert_eq!(ann.message(channel, &sent).await["deleted"], true);
    ann.command("channel.update", channel, &fresh_key(), json!({"name": "renamed"}))
        .await
        .accepted();
    assert_eq!(bob.read(&format!("/channels/{channel}")).await["name"], "renamed");
    bob.command("channel.leave", channel, &fresh_key(), json!({}))
        .await
        .accepted();
    bob.read(&format!("/channels/{channel}")).await.problem(404);
    ann.command("channel.add_member", channel, &fresh_key(), json!({"user": bob.id}))
        .await
        .accepted();
    bob.read(&format!("/channels/{channel}")).await.is(200);
    ann.command("channel.remove_member", channel, &fresh_key(), json!({"user": bob.id}))
        .await
        .accepted();
    bob.read(&format!("/channels/{channel}")).await.problem(404);
}

#[tokio::test]
async fn a_channel_is_created_by_command() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    let frame = |d| json!({"t": "cmd", "id": "c", "op": "channel.create", "key": fresh_key(), "d": d});
    let text = json!({"space": space, "kind": "text", "name": "by command"});
    let ok = ann.post("/commands").json(&frame(text)).send().await.accepted();
    assert_eq!(ann.listed(&ok.str("ch")).await["name"], "by command");
    let group = json!({"kind": "group", "members": [bob.id]});
    let ok = ann.post("/commands").json(&frame(group)).send().await.accepted();
    assert_eq!(bob.listed(&ok.str("ch")).await["kind"], "group");
}

#[tokio::test]
async fn a_command_and_its_route_share_one_key_space() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let key = fresh_key();
    let sent = ann.send_keyed(&room.channel, &key, "either way").await.is(201);
    let again = ann
        .command("message.send", &room.channel, &key, json!({"body": "either way"}))
        .await
        .is(200);
    assert_eq!(
        (&again["seq"], &again["event"], &again["at"]),
        (&sent["seq"], &sent["event"], &sent["at"])
    );
    assert_eq!(again["replayed"], true);
    let other = ann
        .command("message.send", &room.channel, &key, json!({"body": "another"}))
        .await;
    other.problem_code(409, "idempotency/mismatch");
}

#[tokio::test]
async fn commands_that_make_no_sense_are_refused_and_store_nothing() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let top = ann.all_events(&room.channel).await.len();
    let ch = room.channel.as_str();
    ann.command("message.explode", ch, &fresh_key(), json!({}))
        .await
        .problem_code(422, "command/unknown-op");
    ann.command("message.send", ch, &fresh_key(), json!({"body": "x", "colour": "red"}))
        .await
        .problem(422);
    ann.command("message.send", ch, &fresh_key(), json!({"body": 7}))
        .await
        .problem(422);
    ann.command("message.send", ch, &fresh_key(), json!({}))
        .await
        .problem(422);
    ann.command("message.send", ch, &fresh_key(), json!("hello"))
        .await
        .problem(422);
    ann.command("message.send", ch, "", json!({"body": "x"}))
        .await
        .problem(422);
    ann.command("message.send", ch, &"k".repeat(65), json!({"body": "x"}))
        .await
        .problem(422);
    ann.command("message.send", NOWHERE, &fresh_key(), json!({"body": "x"}))
        .await
        .problem_code(404, "channel/not-found");
    for frame in [
        json!({"t": "sub", "id": "1", "ch": ch}),
        json!({"t": "cmd", "id": "1", "op": "message.send", "ch": ch, "key": "k", "d": {"body": "x"}, "colour": "red"}),
        json!({"t": "cmd", "id": "1", "op": 7, "ch": ch, "key": "k", "d": {"body": "x"}}),
        json!({"t": "cmd", "id": "1", "ch": ch, "key": "k", "d": {"body": "x"}}),
        json!([]),
    ] {
        ann.post("/commands").json(&frame).send().await.problem(422);
    }
    assert_eq!(ann.all_events(&room.channel).await.len(), top);
}
