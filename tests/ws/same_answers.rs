//! `POST /commands` and the `cmd` frame are one thing: whichever comes first with a key, the other one repeats its answer, and what one
//! refuses the other refuses in the same words.

use serde_json::{Value, json};
use verbatim_tests::{NOWHERE, Person, Socket, Stage, fresh_key};

/// The answer without what belongs to the asking alone.
fn bare(answer: &Value) -> Value {
    let mut bare = answer.clone();
    let fields = bare.as_object_mut().expect("a frame");
    fields.remove("id");
    fields.remove("replayed");
    bare
}

/// Over one way and then over the other, with one key; which is first alternates.
async fn either_way(
    person: &Person,
    socket: &mut Socket,
    socket_first: bool,
    op: &str,
    ch: Option<&str>,
    d: Value,
) -> Value {
    let key = fresh_key();
    let mut frame = json!({"t": "cmd", "id": key, "op": op, "key": key, "d": d});
    if let Some(ch) = ch {
        frame["ch"] = json!(ch);
    }
    let mut answers = vec![];
    for over_socket in [socket_first, !socket_first] {
        answers.push(if over_socket {
            socket.send(&frame).await;
            socket.answer(&key).await
        } else {
            let answer = person.post("/commands").json(&frame).send().await.accepted();
            serde_json::from_str(&answer.text).expect("a frame")
        });
    }
    assert_eq!(bare(&answers[0]), bare(&answers[1]), "{op}");
    assert_eq!(
        (&answers[0]["t"], &answers[0]["replayed"]),
        (&json!("ok"), &json!(false)),
        "{op}"
    );
    assert_eq!(answers[1]["replayed"], true, "{op}");
    answers.remove(0)
}

#[tokio::test]
async fn every_command_answers_the_same_over_both() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    let (mut anns, mut bobs) = (ann.socket().await, bob.socket().await);
    for socket_first in [true, false] {
        let text = json!({"space": space, "kind": "text", "name": format!("room {socket_first}")});
        let created = either_way(&ann, &mut anns, socket_first, "channel.create", None, text).await;
        let ch = created["ch"].as_str().expect("an id");
        let member = json!({"user": bob.id});
        either_way(
            &ann,
            &mut anns,
            socket_first,
            "channel.update",
            Some(ch),
            json!({"name": "renamed"}),
        )
        .await;
        either_way(&bob, &mut bobs, socket_first, "channel.join", Some(ch), json!({})).await;
        either_way(&bob, &mut bobs, socket_first, "channel.leave", Some(ch), json!({})).await;
        either_way(
            &ann,
            &mut anns,
            socket_first,
            "channel.add_member",
            Some(ch),
            member.clone(),
        )
        .await;
        let hello = json!({"body": "hello", "mentions": [bob.id]});
        let sent = either_way(&ann, &mut anns, socket_first, "message.send", Some(ch), hello).await;
        let edit = json!({"message": sent["message"], "body": "hello all", "expected_version": 1});
        either_way(&ann, &mut anns, socket_first, "message.edit", Some(ch), edit).await;
        let delete = json!({"message": sent["message"]});
        either_way(&ann, &mut anns, socket_first, "message.delete", Some(ch), delete).await;
        either_way(&ann, &mut anns, socket_first, "channel.remove_member", Some(ch), member).await;
        either_way(&ann, &mut anns, socket_first, "channel.archive", Some(ch), json!({})).await;
    }
}

#[tokio::test]
async fn every_refusal_is_the_same_over_both() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut socket = bob.socket().await;
    let message = ann.send(&room.channel, "mine").await.str("message");
    let ch = room.channel.as_str();
    for (op, ch, d) in [
        ("message.send", ch, json!({"body": " "})),
        ("message.send", ch, json!({"body": "x", "colour": "red"})),
        ("message.send", NOWHERE, json!({"body": "x"})),
        ("message.edit", ch, json!({"message": message, "body": "yours"})),
        ("message.delete", ch, json!({"message": message})),
        ("message.explode", ch, json!({})),
        ("channel.update", ch, json!({"name": "renamed"})),
        ("channel.remove_member", ch, json!({"user": ann.id})),
    ] {
        // As text, since some of these are against the contract.
        let id = socket.next_id();
        let frame = json!({"t": "cmd", "id": id, "op": op, "ch": ch, "key": fresh_key(), "d": d});
        socket.send_text(frame.to_string()).await;
        let err = socket.answer(&id).await;
        let problem = bob.command(op, ch, &fresh_key(), d).await;
        assert!((400..500).contains(&problem.status), "{op}: {}", problem.text);
        assert_eq!((&err["t"], &err["code"]), (&json!("err"), &problem["code"]), "{op}");
        let detail = err["detail"].as_str().expect("a detail");
        assert!(
            detail.starts_with(problem["detail"].as_str().expect("a detail")),
            "{detail}"
        );
    }
}
