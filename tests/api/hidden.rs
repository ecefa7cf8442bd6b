//! A channel one is not in does not exist: the same answer, to the letter, as for an id that names nothing.

use reqwest::Method;
use serde_json::{Value, json};
use verbatim_tests::{Answer, NOWHERE, Person, Stage, fresh_key};

const NO_MESSAGE: &str = "message_01h455vb4pex5vsknk084sn02q";

/// Everything one can ask of a channel.
fn requests(person: &Person, other: &Person, message: &str) -> Vec<(Method, String, Option<Value>)> {
    let asking = |path: &str| (Method::GET, path.to_owned(), None);
    let writing = |method: Method, path: &str, body: Value| (method, path.to_owned(), Some(body));
    vec![
        asking(""),
        asking("/messages"),
        asking("/messages?limit=5&before=100"),
        asking(&format!("/messages/{message}")),
        asking("/events?after=0"),
        asking("/events?after=0&wait_ms=100"),
        asking("/members"),
        asking("/receipts"),
        writing(Method::POST, "/messages", json!({"body": "let me in"})),
        writing(
            Method::POST,
            "/messages",
            json!({"body": "let me in", "reply_to": message}),
        ),
        writing(
            Method::POST,
            "/messages",
            json!({"body": "let me in", "mentions": [person.id]}),
        ),
        writing(
            Method::PATCH,
            &format!("/messages/{message}"),
            json!({"body": "changed"}),
        ),
        writing(
            Method::PATCH,
            &format!("/messages/{message}"),
            json!({"body": "changed", "expected_version": 1}),
        ),
        (Method::DELETE, format!("/messages/{message}"), None),
        writing(Method::PUT, "/read", json!({"seq": 1})),
        writing(Method::PATCH, "", json!({"name": "mine now"})),
        (Method::DELETE, String::new(), None),
        (Method::PUT, format!("/members/{}", other.id), None),
        (Method::DELETE, format!("/members/{}", other.id), None),
    ]
}

async fn ask(
    person: &Person,
    channel: &str,
    (method, path, body): &(Method, String, Option<Value>),
    key: &str,
) -> Answer {
    let ask = person
        .ask(method.clone(), &format!("/channels/{channel}{path}"))
        .key(key);
    match body {
        Some(body) => ask.json(body).send().await,
        None => ask.send().await,
    }
}

/// What an outsider can tell from an answer: everything but the ids they sent and the id of the request.
fn telling(answer: &Answer, channel: &str) -> (u16, Vec<(String, String)>, String) {
    let mut body = answer.body.clone();
    body["request_id"] = Value::Null;
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.sort();
    (answer.status, headers, body.to_string().replace(channel, "<channel>"))
}

async fn is_hidden_from(eve: &Person, channel: &str, message: &str) {
    // To remove oneself is to leave, which has its own sentence below; here it is about somebody else.
    let other = eve.stage().person("other").await;
    for request in requests(eve, &other, message) {
        let key = fresh_key();
        let hidden = ask(eve, channel, &request, &key)
            .await
            .problem_code(404, "channel/not-found");
        let absent = ask(eve, NOWHERE, &request, &key)
            .await
            .problem_code(404, "channel/not-found");
        assert_eq!(telling(&hidden, channel), telling(&absent, NOWHERE), "{request:?}");
    }
    for (op, d) in [
        ("message.send", json!({"body": "let me in"})),
        ("message.edit", json!({"message": message, "body": "changed"})),
        ("message.delete", json!({"message": message})),
        ("channel.update", json!({"name": "mine"})),
        ("channel.add_member", json!({"user": other.id})),
        ("channel.remove_member", json!({"user": other.id})),
    ] {
        let key = fresh_key();
        let hidden = eve
            .command(op, channel, &key, d.clone())
            .await
            .problem_code(404, "channel/not-found");
        let absent = eve
            .command(op, NOWHERE, &key, d)
            .await
            .problem_code(404, "channel/not-found");
        assert_eq!(telling(&hidden, channel), telling(&absent, NOWHERE), "{op}");
    }
    let list = eve.read("/channels").await.is(200);
    assert!(!list.text.contains(channel), "{}", list.text);
}

/// Neither joining nor leaving tells a stranger anything.
async fn has_no_door_for(eve: &Person, channel: &str) {
    for verb in ["join", "leave"] {
        let hidden = eve
            .post(&format!("/channels/{channel}/{verb}"))
            .key("door")
            .send()
            .await
            .problem_code(404, "channel/not-found");
        let absent = eve
            .post(&format!("/channels/{NOWHERE}/{verb}"))
            .key("door")
            .send()
            .await
            .problem_code(404, "channel/not-found");
        assert_eq!(telling(&hidden, channel), telling(&absent, NOWHERE), "{verb}");
    }
}

#[tokio::test]
async fn a_stranger_to_the_space_sees_no_channel_of_it() {
    let stage = Stage::shared();
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let room = stage.room(&[&ann]).await;
    let message = ann.send(&room.channel, "among us").await.str("message");
    let private = ann.create_private_channel(&room.space, "council").await;
    let secret = ann.send(&private, "among fewer").await.str("message");
    is_hidden_from(&eve, &room.channel, &message).await;
    has_no_door_for(&eve, &room.channel).await;
    is_hidden_from(&eve, &private, &secret).await;
    has_no_door_for(&eve, &private).await;
}

#[tokio::test]
async fn someone_of_the_space_sees_no_channel_they_are_not_in() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann]).await;
    ann.admit(&room.space, &bob).await;
    let message = ann.send(&room.channel, "among us").await.str("message");
    let private = ann.create_private_channel(&room.space, "council").await;
    let secret = ann.send(&private, "among fewer").await.str("message");
    is_hidden_from(&bob, &private, &secret).await;
    has_no_door_for(&bob, &private).await;
    is_hidden_from(&bob, &room.channel, &message).await;
    bob.join(&room.channel).await;
    assert_eq!(bob.page(&room.channel, "").await.items()[0]["body"], "among us");
}

#[tokio::test]
async fn conversations_are_hidden_from_everyone_else() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let direct = ann.open_direct(&bob).await.str("id");
    let group = ann.create_group(&[&bob]).await;
    for channel in [direct, group] {
        let message = ann.send(&channel, "between us").await.str("message");
        is_hidden_from(&eve, &channel, &message).await;
        has_no_door_for(&eve, &channel).await;
    }
}

#[tokio::test]
async fn who_left_or_was_removed_is_a_stranger() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    let own = bob.send(&room.channel, "my own words").await.str("message");
    let theirs = carol.send(&room.channel, "mine as well").await.str("message");
    ann.remove_member(&room.channel, &bob).await.accepted();
    carol.leave(&room.channel).await;
    is_hidden_from(&bob, &room.channel, &own).await;
    is_hidden_from(&carol, &room.channel, &theirs).await;
    let group = ann.create_group(&[&bob]).await;
    let message = bob.send(&group, "here too").await.str("message");
    ann.remove_member(&group, &bob).await.accepted();
    is_hidden_from(&bob, &group, &message).await;
    has_no_door_for(&bob, &group).await;
}

#[tokio::test]
async fn an_id_that_is_none_names_no_channel() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let absent = ann
        .get(&format!("/channels/{NOWHERE}"))
        .send()
        .await
        .problem_code(404, "channel/not-found");
    for broken in [
        "channel_",
        "channel_short",
        "user_01h455vb4pex5vsknk084sn02q",
        "7",
        "channel_01H455VB4PEX5VSKNK084SN02Q",
        "%00",
        "%F0%9F%A6%89",
    ] {
        let answer = ann
            .get(&format!("/channels/{broken}"))
            .send()
            .await
            .problem_code(404, "channel/not-found");
        assert_eq!(answer["detail"], absent["detail"]);
        ann.get(&format!("/channels/{broken}/messages"))
            .send()
            .await
            .problem_code(404, "channel/not-found");
        ann.get(&format!("/channels/{broken}/events?after=0"))
            .send()
            .await
            .problem_code(404, "channel/not-found");
    }
}

#[tokio::test]
async fn a_message_of_a_hidden_channel_is_not_found_through_another() {
    let stage = Stage::shared();
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let (hers, mine) = (stage.room(&[&ann]).await, stage.room(&[&eve]).await);
    let message = ann.send(&hers.channel, "among us").await.str("message");
    let hidden = eve
        .message(&mine.channel, &message)
        .await
        .problem_code(404, "message/not-found");
    let absent = eve
        .message(&mine.channel, NO_MESSAGE)
        .await
        .problem_code(404, "message/not-found");
    assert_eq!(hidden["detail"], absent["detail"]);
    let reply = json!({"body": "overheard", "reply_to": message});
    eve.post(&format!("/channels/{}/messages", mine.channel))
        .json(&reply)
        .send()
        .await
        .problem_code(404, "message/not-found");
}
