//! The audit trail: what is in it, who reads it, and that reading it is in it.

use serde_json::{Value, json};
use verbatim_tests::{Answer, Person, Server, Stage};

async fn trail(auditor: &Person, query: &str) -> Answer {
    auditor.get(&format!("/audit/events?{query}")).send().await.is(200)
}

fn kinds(answer: &Answer) -> Vec<&str> {
    let kind = |item: &'_ Value| item["kind"].as_str().map(str::to_owned);
    let _ = kind;
    answer.items().iter().filter_map(|item| item["kind"].as_str()).collect()
}

/// A server of its own, with an auditor on it.
async fn watched() -> (Server, Stage, Person) {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let audrey = stage.person("audrey").await;
    server.kill9();
    assert!(server.run(&["grant", &audrey.handle, "auditor"]).status.success());
    server.launch();
    (server, stage, audrey)
}

#[tokio::test]
async fn every_use_of_a_privilege_is_in_the_trail_with_actor_target_and_reason() {
    let (_server, stage, audrey) = watched().await;
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    let message = bob.send(&room.channel, "free tea").await.str("message");
    let report = json!({"channel": room.channel, "message": message, "reason": "an advertisement"});
    let id = carol.post("/reports").json(&report).send().await.is(201).str("id");
    ann.post(&format!("/reports/{id}/resolve"))
        .json(&json!({"action": "remove_message", "reason": "against the rules"}))
        .send()
        .await
        .is(201);
    ann.post(&format!("/reports/{id}/undo"))
        .json(&json!({"reason": "it was a mistake"}))
        .send()
        .await
        .is(201);
    ann.delete(&format!("/channels/{}/members/{}", room.channel, bob.id))
        .json(&json!({"reason": "was told twice"}))
        .send()
        .await
        .accepted();
    // What people do with their own things is nobody's trail.
    let own = carol.send(&room.channel, "mine").await.str("message");
    carol.delete_message(&room.channel, &own).await.is(201);

    let shown = trail(&audrey, "limit=100").await;
    assert_eq!(
        kinds(&shown),
        [
            "audit.read",
            "member.removed",
            "report.undone",
            "message.restored",
            "report.resolved",
            "message.deleted",
            "space.member_added",
            "space.member_added",
            "role.granted",
        ]
    );
    let items = shown.items();
    let removed = &items[1];
    assert_eq!(
        (
            &removed["actor"],
            &removed["target_kind"],
            &removed["target"],
            &removed["reason"]
        ),
        (&json!(ann.id), &json!("user"), &json!(bob.id), &json!("was told twice"))
    );
    assert_eq!(
        (&removed["space"], &removed["channel"]),
        (&json!(room.space), &json!(room.channel))
    );
    let deleted = &items[5];
    assert_eq!(
        (&deleted["target"], &deleted["reason"], &deleted["space"]),
        (&json!(message), &json!("against the rules"), &json!(room.space))
    );
    assert_eq!(
        (&items[4]["target"], &items[4]["reason"]),
        (&json!(id), &json!("against the rules"))
    );
    // At the console nobody in particular acts.
    assert_eq!(
        (&items[8]["actor"], &items[8]["target"]),
        (&json!(null), &json!(audrey.id))
    );
    // Never a word of what was said.
    assert!(!shown.text.contains("free tea") && !shown.text.contains("mine"));
}

#[tokio::test]
async fn only_auditors_read_the_trail_and_each_look_is_in_it() {
    let (_server, stage, audrey) = watched().await;
    let ann = stage.person("ann").await;
    ann.get("/audit/events")
        .send()
        .await
        .problem_code(403, "auth/role-required");
    stage
        .get("/api/v1/audit/events")
        .send()
        .await
        .problem_code(401, "auth/required");
    let first = trail(&audrey, "").await;
    assert_eq!(kinds(&first), ["audit.read", "role.granted"]);
    let looks = trail(&audrey, "kind=audit.read").await;
    assert_eq!(kinds(&looks), ["audit.read", "audit.read"]);
    assert_eq!(looks.items()[1]["event"], first.items()[0]["event"]);
    assert_eq!(looks.items()[0]["actor"], json!(audrey.id));
}

#[tokio::test]
async fn the_trail_is_filtered_by_kind_actor_and_target_and_comes_in_pages() {
    let (_server, stage, audrey) = watched().await;
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut expected = vec![];
    for turn in 0..4 {
        let message = bob.send(&room.channel, &format!("words {turn}")).await.str("message");
        ann.delete_message(&room.channel, &message).await.is(201);
        expected.insert(0, json!(message));
    }
    let (mut seen, mut after) = (vec![], String::new());
    loop {
        let page = trail(
            &audrey,
            &format!("kind=message.deleted&actor={}&limit=3{after}", ann.id),
        )
        .await;
        seen.extend(page.items().iter().map(|item| item["target"].clone()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
    let about_bob = trail(&audrey, &format!("target={}", bob.id)).await;
    assert_eq!(kinds(&about_bob), ["space.member_added"]);
    let about_one = trail(&audrey, &format!("target={}", expected[0].as_str().expect("an id"))).await;
    assert_eq!(kinds(&about_one), ["message.deleted"]);
    for wrong in [
        "kind=message.sent",
        "actor=nobody",
        "target=thing_1",
        "after=x",
        "order=up",
    ] {
        audrey
            .get(&format!("/audit/events?{wrong}"))
            .send()
            .await
            .problem_code(422, "request/invalid");
    }
}

/// What an auditor is shown of a channel.
async fn at(auditor: &Person, channel: &str, query: &str) -> Answer {
    auditor
        .get(&format!("/audit/channels/{channel}/at?{query}"))
        .send()
        .await
}

#[tokio::test]
async fn an_auditor_sees_a_channel_as_it_was_and_the_look_is_in_the_trail() {
    let (_server, stage, audrey) = watched().await;
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let sent = ann.send(&room.channel, "as it was said").await;
    let (message, seq) = (sent.str("message"), sent.body["seq"].as_u64().expect("a seq"));
    ann.delete_message(&room.channel, &message).await.is(201);
    bob.post(&format!("/channels/{}/leave", room.channel))
        .send()
        .await
        .accepted();

    let then = at(&audrey, &room.channel, &format!("seq={seq}&message={message}"))
        .await
        .is(200);
    assert_eq!(then.body["moment"]["seq"], seq);
    assert_eq!(then.body["messages"][0]["body"], "as it was said");
    assert_eq!(
        (&then.body["members_count"], &then.body["people_complete"]),
        (&json!(2), &json!(true))
    );
    let readers = then.body["readers"]["members"].as_array().expect("readers").clone();
    let could: Vec<_> = readers
        .iter()
        .map(|reader| (&reader["user"], &reader["could_read"]))
        .collect();
    assert!(could.contains(&(&json!(bob.id), &json!(true))), "{could:?}");
    let now = at(&audrey, &room.channel, "time=2100-01-01T00:00:00Z").await.is(200);
    assert_eq!(now.body["moment"]["seq"], seq + 2);
    assert_eq!(
        (&now.body["messages"][0]["body"], &now.body["members_count"]),
        (&json!(null), &json!(1))
    );
    assert!(!now.text.contains("as it was said"));

    let looks = trail(&audrey, &format!("kind=audit.read&target={}", room.channel)).await;
    let told: Vec<_> = looks
        .items()
        .iter()
        .map(|look| (&look["target_kind"], &look["target"]))
        .collect();
    assert_eq!(told.iter().filter(|look| look.0 == "channel").count(), 2, "{told:?}");
    assert!(told.contains(&(&json!("channel"), &json!(room.channel))));
}

#[tokio::test]
async fn only_auditors_see_channels_as_they_were_and_only_moments_that_were() {
    let (_server, stage, audrey) = watched().await;
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    at(&ann, &room.channel, "seq=1")
        .await
        .problem_code(403, "auth/role-required");
    for wrong in [
        "",
        "seq=0",
        "seq=x",
        "seq=1&time=2026-01-01T00:00:00Z",
        "time=yesterday",
        "seq=1&messages=1000000",
        "seq=1&message=channel_x",
        "seq=100000",
    ] {
        at(&audrey, &room.channel, wrong)
            .await
            .problem_code(422, "request/invalid");
    }
    at(&audrey, &room.channel, "time=2020-01-01T00:00:00Z")
        .await
        .problem_code(404, "channel/not-found");
    for other in ["channel_7zzzzzzzzzzzzzzzzzzzzzzzzz", "nonsense"] {
        at(&audrey, other, "seq=1").await.problem_code(404, "channel/not-found");
    }
    let elsewhere = "message_7zzzzzzzzzzzzzzzzzzzzzzzzz";
    at(&audrey, &room.channel, &format!("seq=1&message={elsewhere}"))
        .await
        .problem_code(404, "message/not-found");
}
