//! Searching: what one may read now, as it stands now, and nothing else.

use serde_json::{Value, json};
use verbatim_tests::{Answer, Person, Room, Stage};

const WORD: &str = "heliotrope";

async fn search(person: &Person, query: &str) -> Answer {
    person.read(&format!("/search?{query}")).await
}

async fn found(person: &Person, query: &str) -> Vec<String> {
    let answer = search(person, query).await.is(200);
    let ids = answer
        .items()
        .iter()
        .map(|item| item["message"].as_str().expect("an id").to_owned());
    ids.collect()
}

/// A room in which the first has said the word.
async fn room_with_word(stage: &Stage, people: &[&Person]) -> (Room, String) {
    let room = stage.room(people).await;
    let message = people[0]
        .send(&room.channel, &format!("a {WORD} here"))
        .await
        .str("message");
    (room, message)
}

#[tokio::test]
async fn words_are_found_with_where_they_stand() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let (room, message) = room_with_word(&stage, &[&ann, &bob]).await;
    let answer = search(&bob, &format!("q={WORD}")).await.is(200);
    let item = &answer.items()[0];
    assert_eq!(
        (&item["message"], &item["channel"], &item["space"], &item["by"]),
        (
            &json!(message),
            &json!(room.channel),
            &json!(room.space),
            &json!(ann.id)
        )
    );
    let excerpt = &item["excerpt"];
    assert_eq!(excerpt["text"], format!("a {WORD} here"));
    assert_eq!(excerpt["matches"], json!([{"start": 2, "end": 2 + WORD.len()}]));
    assert_eq!(answer["next"], Value::Null);
    assert_eq!(found(&bob, "q=helio*%20%22here%22").await, [message]);
}

#[tokio::test]
async fn a_search_is_narrowed_by_place_and_person() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let (room, anns) = room_with_word(&stage, &[&ann, &bob]).await;
    let bobs = bob.send(&room.channel, &format!("{WORD} too")).await.str("message");
    let other = bob.create_group(&[&ann]).await;
    let private = bob.send(&other, &format!("{WORD} among us")).await.str("message");
    assert_eq!(found(&ann, &format!("q={WORD}")).await, [&*private, &*bobs, &*anns]);
    assert_eq!(
        found(&ann, &format!("q={WORD}&in={}", room.channel)).await,
        [&*bobs, &*anns]
    );
    assert_eq!(
        found(&ann, &format!("q={WORD}&in={}", room.space)).await,
        [&*bobs, &*anns]
    );
    assert_eq!(found(&ann, &format!("q={WORD}&from={}", ann.id)).await, [anns]);
    let page = search(&ann, &format!("q={WORD}&limit=2")).await.is(200);
    assert_eq!(page.items().len(), 2);
    let rest = search(&ann, &format!("q={WORD}&limit=2&before={}", page.str("next")))
        .await
        .is(200);
    assert_eq!((rest.items().len(), &rest["next"]), (1, &Value::Null));
}

#[tokio::test]
async fn edits_deletions_and_restorations_show_at_once() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let (room, message) = room_with_word(&stage, &[&ann, &bob]).await;
    ann.edit(&room.channel, &message, "marigold instead").await.is(201);
    assert_eq!(found(&bob, &format!("q={WORD}")).await, [""; 0]);
    assert_eq!(found(&bob, "q=marigold").await, [&*message]);
    let bobs = bob.send(&room.channel, "a rare peony").await.str("message");
    ann.delete_message(&room.channel, &bobs).await.is(201);
    // Not waiting for the view: the channel itself knows.
    let at_once = bob.get("/search?q=peony").send().await.is(200);
    assert!(at_once.items().is_empty(), "{}", at_once.text);
    assert_eq!(found(&bob, "q=peony").await, [""; 0]);
    ann.post(&format!("/channels/{}/messages/{bobs}/restore", room.channel))
        .json(&json!({"reason": "a mistake"}))
        .send()
        .await
        .accepted();
    assert_eq!(found(&bob, "q=peony").await, [bobs]);
}

/// Searches without waiting for any view.
async fn nothing_at_once(person: &Person, room: &Room) {
    let answer = person.get(&format!("/search?q={WORD}")).send().await.is(200);
    assert!(answer.items().is_empty(), "{}", answer.text);
    for place in [&room.channel, &room.space] {
        let answer = person.get(&format!("/search?q={WORD}&in={place}")).send().await;
        assert!(
            answer.status == 404 || answer.status == 200 && answer.items().is_empty(),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn who_is_out_finds_nothing_from_that_moment() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for way in [
        "leaves",
        "is removed",
        "is banned",
        "leaves the channel",
        "is removed from the channel",
    ] {
        let bob = stage.person("bob").await;
        let (room, message) = room_with_word(&stage, &[&ann, &bob]).await;
        assert_eq!(found(&bob, &format!("q={WORD}")).await, [message], "{way}");
        match way {
            "leaves" => {
                let left = bob.post(&format!("/spaces/{}/leave", room.space)).send().await;
                left.accepted();
            }
            "is removed" => drop(ann.remove_from_space(&room.space, &bob).await.accepted()),
            "is banned" => drop(ann.ban(&room.space, &bob).await.accepted()),
            "leaves the channel" => drop(bob.leave(&room.channel).await),
            _ => drop(ann.remove_member(&room.channel, &bob).await.accepted()),
        }
        let answer = bob.get(&format!("/search?q={WORD}")).send().await.is(200);
        assert!(answer.items().is_empty(), "{way}: {}", answer.text);
        if way.ends_with("channel") {
            bob.get(&format!("/search?q={WORD}&in={}", room.channel))
                .send()
                .await
                .problem(404);
        } else {
            nothing_at_once(&bob, &room).await;
        }
    }
}

#[tokio::test]
async fn strangers_find_nothing_and_cannot_tell_a_place_from_none() {
    let stage = Stage::shared();
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let (room, _) = room_with_word(&stage, &[&ann]).await;
    assert_eq!(found(&eve, &format!("q={WORD}")).await, [""; 0]);
    let real = eve.get(&format!("/search?q={WORD}&in={}", room.channel)).send().await;
    let real = real.problem_code(404, "channel/not-found");
    let none = eve
        .get(&format!("/search?q={WORD}&in=channel_{}", "0".repeat(26)))
        .send()
        .await;
    let none = none.problem_code(404, "channel/not-found");
    assert_eq!(real["detail"], none["detail"]);
    let real = eve.get(&format!("/search?q={WORD}&in={}", room.space)).send().await;
    real.problem_code(404, "space/not-found");
}

#[tokio::test]
async fn who_joined_later_finds_what_they_may_read() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let group = ann.create_group(&[]).await;
    ann.send(&group, &format!("{WORD} before")).await;
    ann.add_member(&group, &bob).await.accepted();
    let after = ann.send(&group, &format!("{WORD} after")).await.str("message");
    assert_eq!(
        found(&bob, &format!("q={WORD}")).await,
        [after],
        "groups begin where one joins"
    );
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_field_by_field() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let long = "x".repeat(257);
    let many = ["a1"; 13].join("%20");
    let wrong = [
        ("q=".to_owned(), "/q"),
        ("q=%2A%2A%22%22".to_owned(), "/q"),
        (format!("q={long}"), "/q"),
        (format!("q={many}"), "/q"),
        ("q=tea&in=elsewhere".to_owned(), "/in"),
        ("q=tea&from=nobody".to_owned(), "/from"),
        ("q=tea&before=garbage".to_owned(), "/before"),
        ("q=tea&limit=0".to_owned(), "/limit"),
    ];
    for (query, pointer) in wrong {
        let answer = ann
            .get(&format!("/search?{query}"))
            .send()
            .await
            .problem_code(422, "request/invalid");
        assert_eq!(answer["errors"][0]["pointer"], pointer, "{query}");
    }
    ann.get("/search").send().await.problem(422);
    for odd in [
        "%22",
        "AND%20OR",
        "a%20NEAR(b)",
        "%7Bbody%7D:x",
        "%5Ea%20-b",
        "%27;--",
        "tea%00x",
    ] {
        let answer = ann.get(&format!("/search?q={odd}x")).send().await;
        assert!(answer.status < 500, "{odd}: {}", answer.text);
    }
}
