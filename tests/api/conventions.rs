//! What holds for every answer: request ids, one shape of errors, positions and reads that wait for them, published limits.

use reqwest::Method;
use serde_json::json;
use verbatim_tests::{NOWHERE, Stage};

#[tokio::test]
async fn every_answer_carries_a_request_id_of_its_own() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut ids = vec![];
    for answer in [
        stage.get("/healthz").send().await.is(200),
        stage.get("/readyz").send().await.is(200),
        stage.get("/metrics").send().await,
        stage.get("/api/v1/limits").send().await.is(200),
        stage.get("/nowhere").send().await.problem(404),
        stage.get("/api/v1/nowhere").send().await.problem(404),
        stage.get("/api/v1/users/me").send().await.problem(401),
        ann.get("/users/me").send().await.is(200),
        ann.ask(Method::PUT, "/users/me").send().await.problem(405),
        ann.post("/spaces").raw_json("{").send().await.problem(400),
        ann.post("/spaces")
            .json(&json!({"colour": "red"}))
            .send()
            .await
            .problem(422),
        ann.post("/spaces")
            .raw_json("x".repeat(300 * 1024))
            .send()
            .await
            .problem(413),
        ann.post("/spaces").json(&json!({"name": "Club"})).send().await.is(201),
        ann.get(&format!("/channels/{NOWHERE}")).send().await.problem(404),
        ann.get("/ws").send().await,
    ] {
        let id = answer
            .header("x-request-id")
            .unwrap_or_else(|| panic!("{} has no request id", answer.asked));
        assert!(!id.is_empty());
        ids.push(id.to_owned());
    }
    let answers = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), answers, "request ids repeat");
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for path in [
        "/",
        "/nowhere",
        "/api",
        "/api/v1",
        "/api/v2/users/me",
        "/api/v1/users/me/nothing",
        "/api/v1/../v1/x",
    ] {
        stage.get(path).send().await.problem_code(404, "route/not-found");
    }
    ann.ask(Method::DELETE, "/auth/login")
        .send()
        .await
        .problem_code(405, "route/method-not-allowed");
    ann.ask(Method::PATCH, "/channels")
        .send()
        .await
        .problem_code(405, "route/method-not-allowed");
}

#[tokio::test]
async fn every_problem_type_resolves_to_a_page() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for problem in [
        ann.get(&format!("/channels/{NOWHERE}")).send().await,
        ann.post("/spaces").raw_json("{").send().await,
        stage.get("/api/v1/users/me").send().await,
        stage.get("/nowhere").send().await,
    ] {
        let page = stage
            .get(problem["type"].as_str().expect("a type"))
            .send()
            .await
            .is(200);
        assert!(page.text.contains(&problem.str("code")), "{}", page.text);
    }
    stage.get("/problems/never/heard-of").send().await.problem(404);
}

#[tokio::test]
async fn a_read_with_min_pos_sees_the_write_it_names() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    for number in 0..40 {
        let ack = ann.send(&room.channel, &format!("number {number}")).await;
        let position = ack.str("pos");
        let page = bob
            .get(&format!(
                "/channels/{}/messages?limit=1&min_pos={position}",
                room.channel
            ))
            .send()
            .await
            .is(200);
        assert_eq!(page.items()[0]["seq"], ack["seq"]);
        let list = bob.get(&format!("/channels?min_pos={position}")).send().await.is(200);
        assert_eq!(
            (&list.items()[0]["top"], &list.items()[0]["unread"]),
            (&ack["seq"], &json!(number + 1))
        );
    }
}

#[tokio::test]
async fn writes_and_reads_of_views_carry_a_position() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let message = ann.send(&room.channel, "hello").await.str("message");
    let channel = format!("/channels/{}", room.channel);
    for answer in [
        ann.send(&room.channel, "more").await,
        ann.edit(&room.channel, &message, "hello there").await,
        ann.delete_message(&room.channel, &message).await,
        ann.mark_read(&room.channel, 3).await,
        ann.post("/spaces").json(&json!({"name": "Another"})).send().await,
        ann.patch("/users/me")
            .json(&json!({"display_name": "Ann"}))
            .send()
            .await,
        ann.get("/channels").send().await,
        ann.get("/spaces").send().await,
        ann.get(&format!("/spaces/{}", room.space)).send().await,
        ann.get(&format!("/spaces/{}/members", room.space)).send().await,
        ann.get(&channel).send().await,
        ann.get(&format!("{channel}/messages")).send().await,
        ann.get(&format!("{channel}/receipts")).send().await,
    ] {
        let answer = answer.accepted();
        assert!(
            answer.header("x-position").is_some(),
            "{} has no position",
            answer.asked
        );
    }
}

#[tokio::test]
async fn a_position_nobody_has_reached_is_a_view_that_lags_behind() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let position = ann.send(&room.channel, "hello").await.str("pos");
    let (log, place) = position.rsplit_once('.').expect("a log and a place");
    let far = format!("{log}.{}", place.parse::<u64>().expect("a number") + 1_000_000_000);
    let behind = ann
        .get(&format!("/channels?min_pos={far}"))
        .send()
        .await
        .problem_code(503, "view/behind");
    assert!(
        behind.header("retry-after").is_some() && behind["retry_after_ms"].is_u64(),
        "{}",
        behind.text
    );
    for nonsense in ["yesterday", "1", "-1", ""] {
        ann.get(&format!("/channels?min_pos={nonsense}"))
            .send()
            .await
            .problem(422);
    }
    let foreign = format!("00000000-0000-0000-0000-000000000000.{place}");
    ann.get(&format!("/channels?min_pos={foreign}"))
        .send()
        .await
        .problem(422);
}

#[tokio::test]
async fn limits_are_published_to_everyone() {
    let stage = Stage::shared();
    let limits = stage.get("/api/v1/limits").send().await.is(200);
    let numbers: Vec<u64> = limits
        .body
        .as_object()
        .expect("an object")
        .values()
        .filter_map(|limit| limit.as_u64())
        .collect();
    for published in [8_000, 32_000, 65_536, 262_144, 12, 128] {
        assert!(
            numbers.contains(&published),
            "{published} is nowhere in {}",
            limits.text
        );
    }
}

#[tokio::test]
async fn fields_unknown_to_a_client_do_not_hide_the_promised_ones() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let ack = ann.send(&room.channel, "hello").await;
    for member in ["seq", "event", "message", "channel", "pos", "at", "replayed"] {
        assert!(!ack[member].is_null(), "an ack without {member}: {}", ack.text);
    }
    let page = ann.page(&room.channel, "").await;
    for member in ["items", "lo", "hi", "complete_before", "complete_after"] {
        assert!(!page[member].is_null(), "a page without {member}: {}", page.text);
    }
    for member in [
        "id",
        "ch",
        "seq",
        "by",
        "at",
        "body",
        "version",
        "deleted",
        "files",
        "mentions",
        "reactions",
        "pinned",
    ] {
        assert!(
            !page.items()[0][member].is_null(),
            "a message without {member}: {}",
            page.text
        );
    }
}
