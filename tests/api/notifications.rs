//! Notifications: what calls somebody, how far they have seen it, and that it goes where rights and words go.

use serde_json::{Value, json};
use verbatim_tests::{Answer, Person, Stage, until};

async fn list(person: &Person) -> Answer {
    person.read("/notifications").await.is(200)
}

fn kinds(answer: &Answer) -> Vec<&str> {
    answer
        .items()
        .iter()
        .map(|item| item["kind"].as_str().expect("a kind"))
        .collect()
}

/// Without what being let into a room brings.
async fn of_channel(person: &Person, channel: &str) -> Vec<Value> {
    let answer = list(person).await;
    let here = answer.items().iter().filter(|item| item["channel"] == channel);
    here.cloned().collect()
}

async fn say(person: &Person, channel: &str, body: Value) -> String {
    let answer = person
        .post(&format!("/channels/{channel}/messages"))
        .json(&body)
        .send()
        .await;
    answer.is(201).str("message")
}

#[tokio::test]
async fn mentions_answers_and_direct_messages_call_with_what_they_say_now() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let first = say(&bob, &room.channel, json!({"body": "anybody"})).await;
    let mention = say(&ann, &room.channel, json!({"body": "hello bob", "mentions": [bob.id]})).await;
    let answer = say(&ann, &room.channel, json!({"body": "me", "reply_to": first})).await;
    let here = of_channel(&bob, &room.channel).await;
    let told: Vec<_> = here
        .iter()
        .map(|item| (&item["kind"], &item["message"], &item["preview"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("reply"), &json!(answer), &json!("me")),
            (&json!("mention"), &json!(mention), &json!("hello bob")),
        ]
    );
    assert_eq!(
        (&here[0]["by"], &here[0]["space"]),
        (&json!(ann.id), &json!(room.space))
    );
    ann.edit(&room.channel, &answer, "me, too").await.is(201);
    assert_eq!(of_channel(&bob, &room.channel).await[0]["preview"], "me, too");
    assert!(
        of_channel(&ann, &room.channel).await.is_empty(),
        "nobody calls themselves"
    );
    let direct = ann.open_direct(&bob).await.str("id");
    say(&ann, &direct, json!({"body": "psst"})).await;
    let here = of_channel(&bob, &direct).await;
    assert_eq!((here.len(), &here[0]["kind"]), (1, &json!("direct")));
}

#[tokio::test]
async fn being_brought_somewhere_calls_and_joining_does_not() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let answer = list(&bob).await;
    assert_eq!(kinds(&answer), ["invite"], "into the space; the channel was joined");
    let item = &answer.items()[0];
    assert_eq!(
        (&item["space"], &item["channel"], &item["preview"], &item["by"]),
        (&json!(room.space), &Value::Null, &Value::Null, &json!(ann.id))
    );
    let group = ann.create_group(&[&bob]).await;
    let here = of_channel(&bob, &group).await;
    assert_eq!((here.len(), &here[0]["kind"]), (1, &json!("invite")));
    assert!(list(&ann).await.items().is_empty());
}

#[tokio::test]
async fn deleted_words_leave_and_come_back() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let message = say(&bob, &room.channel, json!({"body": "heliotrope", "mentions": [ann.id]})).await;
    assert_eq!(of_channel(&ann, &room.channel).await.len(), 1);
    let other = say(&bob, &room.channel, json!({"body": "marigold", "mentions": [ann.id]})).await;
    ann.delete_message(&room.channel, &message).await.is(201);
    let at_once = ann.get("/notifications").send().await.is(200);
    assert!(!at_once.text.contains("heliotrope"), "{}", at_once.text);
    let here = of_channel(&ann, &room.channel).await;
    assert_eq!(
        here.iter().map(|item| &item["message"]).collect::<Vec<_>>(),
        [&json!(other)]
    );
    ann.post(&format!("/channels/{}/messages/{message}/restore", room.channel))
        .json(&json!({"reason": "a mistake"}))
        .send()
        .await
        .accepted();
    assert_eq!(of_channel(&ann, &room.channel).await.len(), 2);
}

#[tokio::test]
async fn who_is_out_is_not_called_from_there() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for way in ["leaves", "is removed", "is banned", "leaves the channel"] {
        let bob = stage.person("bob").await;
        let room = stage.room(&[&ann, &bob]).await;
        say(&ann, &room.channel, json!({"body": "heliotrope", "mentions": [bob.id]})).await;
        assert_eq!(of_channel(&bob, &room.channel).await.len(), 1, "{way}");
        match way {
            "leaves" => {
                let left = bob.post(&format!("/spaces/{}/leave", room.space)).send().await;
                left.accepted();
            }
            "is removed" => drop(ann.remove_from_space(&room.space, &bob).await.accepted()),
            "is banned" => drop(ann.ban(&room.space, &bob).await.accepted()),
            _ => drop(bob.leave(&room.channel).await),
        }
        let at_once = bob.get("/notifications").send().await.is(200);
        assert!(!at_once.text.contains(&room.channel), "{way}: {}", at_once.text);
        let unread = if way == "leaves the channel" { 1 } else { 0 };
        assert_eq!(at_once["unread"], unread, "{way}: what is not shown is not counted");
    }
}

#[tokio::test]
async fn people_one_has_blocked_do_not_call() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let block = ann.put(&format!("/users/me/blocks/{}", bob.id)).send().await;
    block.accepted();
    say(&bob, &room.channel, json!({"body": "hey", "mentions": [ann.id]})).await;
    assert!(of_channel(&ann, &room.channel).await.is_empty());
}

#[tokio::test]
async fn what_was_seen_is_read_for_good_and_the_mark_only_rises() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let group = ann.create_group(&[&bob]).await;
    for number in 0..3 {
        say(
            &ann,
            &group,
            json!({"body": format!("number {number}"), "mentions": [bob.id]}),
        )
        .await;
    }
    let answer = list(&bob).await;
    assert_eq!((answer.items().len(), &answer["unread"]), (4, &json!(4)));
    let positions: Vec<String> = answer
        .items()
        .iter()
        .map(|item| item["pos"].as_str().expect("a place").to_owned())
        .collect();
    let mark = async |up_to: &str| {
        bob.put("/notifications/read")
            .json(&json!({"up_to": up_to}))
            .send()
            .await
    };
    let marked = mark(&positions[1]).await.is(200);
    assert_eq!(marked.str("up_to"), positions[1]);
    // An older one changes nothing.
    assert_eq!(mark(&positions[3]).await.is(200).str("up_to"), positions[1]);
    let answer = list(&bob).await;
    assert_eq!(answer["unread"], 1);
    let read: Vec<_> = answer.items().iter().map(|item| item["read"].clone()).collect();
    assert_eq!(read, [json!(false), json!(true), json!(true), json!(true)]);
    let unread = bob.read("/notifications?unread=true").await.is(200);
    assert_eq!(unread.items().len(), 1);
    let page = bob.read("/notifications?limit=3").await.is(200);
    let rest = bob
        .read(&format!("/notifications?limit=3&before={}", page.str("next")))
        .await
        .is(200);
    assert_eq!(
        (page.items().len(), rest.items().len(), &rest["next"]),
        (3, 1, &Value::Null)
    );
    assert_eq!(rest.items()[0]["pos"], json!(positions[3]));
}

#[tokio::test]
async fn marks_and_pages_that_make_no_sense_are_refused() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let pos = ann
        .post("/spaces")
        .json(&json!({"name": "One"}))
        .send()
        .await
        .is(201)
        .str("pos");
    let (log, _) = pos.split_once('.').expect("a position");
    for up_to in ["x", "", &format!("{log}.99999999")] {
        let answer = ann
            .put("/notifications/read")
            .json(&json!({"up_to": up_to}))
            .send()
            .await;
        let answer = answer.problem_code(422, "request/invalid");
        assert_eq!(answer["errors"][0]["pointer"], "/up_to", "{up_to:?}");
    }
    let elsewhere = format!("{}-1.1", "0".repeat(32));
    let foreign = ann
        .put("/notifications/read")
        .json(&json!({"up_to": elsewhere}))
        .send()
        .await;
    foreign.problem_code(422, "position/foreign");
    for query in ["before=x", "unread=maybe", "limit=0"] {
        ann.get(&format!("/notifications?{query}"))
            .send()
            .await
            .problem_code(422, "request/invalid");
    }
}

#[tokio::test]
async fn unread_replies_of_threads_one_takes_part_in_are_counted() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    let root = say(&ann, &room.channel, json!({"body": "what do you think"})).await;
    let reply = say(&bob, &room.channel, json!({"body": "nothing", "thread": root})).await;
    let threads = async |person: &Person| person.listed(&room.channel).await["threads"]["unread"].clone();
    assert_eq!(
        (threads(&ann).await, threads(&bob).await, threads(&carol).await),
        (json!(1), json!(0), json!(0))
    );
    say(
        &ann,
        &room.channel,
        json!({"body": "carol?", "thread": root, "mentions": [carol.id]}),
    )
    .await;
    assert_eq!((threads(&bob).await, threads(&carol).await), (json!(1), json!(2)));
    bob.delete_message(&room.channel, &reply).await.is(201);
    assert_eq!((threads(&ann).await, threads(&carol).await), (json!(0), json!(1)));
    let top = carol.listed(&room.channel).await["top"].as_u64().expect("a seq");
    carol.mark_read(&room.channel, top).await;
    until("carol has read the thread", async || {
        (threads(&carol).await == json!(0)).then_some(())
    })
    .await;
}
