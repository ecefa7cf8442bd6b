//! Requests that are wrong: each gets a typed refusal, stores nothing, and leaves the process as it was.

use serde_json::{Value, json};
use verbatim_tests::{Ask, Person, Room, Stage, shared};

/// A person, their room, and the length of its stream before anything wrong was sent.
struct Quiet {
    ann: Person,
    room: Room,
    before: Vec<Value>,
}

impl Quiet {
    async fn on(stage: &Stage) -> Self {
        let ann = stage.person("ann").await;
        let room = stage.room(&[&ann]).await;
        let before = ann.all_events(&room.channel).await;
        Self { ann, room, before }
    }

    fn sending(&self) -> Ask {
        self.ann.post(&format!("/channels/{}/messages", self.room.channel))
    }

    /// Each place that takes a body, with a body it takes.
    fn forms(&self) -> Vec<(Ask, Ask, Value)> {
        let channel = format!("/channels/{}", self.room.channel);
        let pairs: [(&str, String, Value); 7] = [
            ("POST", "/spaces".to_owned(), json!({"name": "Club"})),
            (
                "POST",
                format!("/spaces/{}/channels", self.room.space),
                json!({"name": "x", "kind": "text"}),
            ),
            ("POST", "/channels".to_owned(), json!({"kind": "group", "members": []})),
            ("POST", format!("{channel}/messages"), json!({"body": "hello"})),
            ("PUT", format!("{channel}/read"), json!({"seq": 1})),
            ("PATCH", channel.clone(), json!({"name": "renamed"})),
            ("PATCH", "/users/me".to_owned(), json!({"display_name": "Ann"})),
        ];
        let ask = |method: &str, path: &str| self.ann.ask(method.parse().expect("a method"), path);
        pairs
            .into_iter()
            .map(|(method, path, body)| (ask(method, &path), ask(method, &path), body))
            .collect()
    }

    async fn nothing_was_stored(&self) {
        shared().assert_no_panic();
        assert_eq!(self.ann.all_events(&self.room.channel).await, self.before);
        assert_eq!(self.ann.read("/spaces").await.items().len(), 1);
        assert_eq!(self.ann.read("/channels").await.items().len(), 1);
        assert_eq!(self.ann.read("/users/me").await["display_name"], self.ann.handle);
    }
}

#[tokio::test]
async fn what_is_not_json_is_a_bad_request() {
    let quiet = Quiet::on(&Stage::shared()).await;
    for text in [
        "",
        "{",
        "{\"body\": \"unfinished",
        "{'body': 'x'}",
        "body=hello",
        "nul",
        "\u{feff}{}",
    ] {
        for (ask, _, _) in quiet.forms() {
            ask.raw_json(text).send().await.problem_code(400, "request/malformed");
        }
    }
    for (ask, _, body) in quiet.forms() {
        ask.raw_json(format!("{body} trailing"))
            .send()
            .await
            .problem_code(400, "request/malformed");
    }
    for bytes in [
        vec![0xff, 0xfe],
        b"{\"body\": \"\xc3\x28\"}".to_vec(),
        b"{\"body\": \"\\ud800\"}".to_vec(),
    ] {
        quiet.sending().raw_json(bytes).send().await.problem(400);
    }
    quiet.nothing_was_stored().await;
}

#[tokio::test]
async fn unknown_fields_are_refused() {
    let quiet = Quiet::on(&Stage::shared()).await;
    for (ask, _, body) in quiet.forms() {
        let mut body = body;
        body["colour"] = "red".into();
        let answer = ask.json(&body).send().await.problem_code(422, "request/invalid");
        let errors = answer["errors"].as_array().expect("a list of mistakes");
        assert!(
            errors
                .iter()
                .any(|error| error["pointer"].as_str().is_some_and(|at| at.contains("colour"))),
            "{}",
            answer.text
        );
    }
    quiet.nothing_was_stored().await;
}

#[tokio::test]
async fn wrong_types_and_missing_fields_are_refused() {
    let quiet = Quiet::on(&Stage::shared()).await;
    for (ask, other, body) in quiet.forms() {
        let mut wrong = body.clone();
        for value in wrong.as_object_mut().expect("an object").values_mut() {
            *value = json!({"nested": [1, 2]});
        }
        ask.json(&wrong).send().await.problem_code(422, "request/invalid");
        other
            .json(&json!([body]))
            .send()
            .await
            .problem_code(422, "request/invalid");
    }
    for body in [
        json!({}),
        json!(null),
        json!("hello"),
        json!(7),
        json!({"body": null}),
        json!({"body": ["hello"]}),
    ] {
        quiet
            .sending()
            .json(&body)
            .send()
            .await
            .problem_code(422, "request/invalid");
    }
    quiet
        .sending()
        .raw_json(r#"{"body": "one", "body": "two"}"#)
        .send()
        .await
        .problem(422);
    let read = || quiet.ann.put(&format!("/channels/{}/read", quiet.room.channel));
    for seq in [json!("3"), json!(-1), json!(1.5), json!(1e30), json!(null)] {
        read().json(&json!({"seq": seq})).send().await.problem(422);
    }
    quiet.nothing_was_stored().await;
}

#[tokio::test]
async fn mistakes_point_at_the_field() {
    let quiet = Quiet::on(&Stage::shared()).await;
    let answer = quiet.sending().json(&json!({"body": 7})).send().await.problem(422);
    assert_eq!(answer["errors"][0]["pointer"], "/body", "{}", answer.text);
    let answer = quiet
        .sending()
        .json(&json!({"body": "x", "reply_to": "nobody"}))
        .send()
        .await
        .problem(422);
    assert_eq!(answer["errors"][0]["pointer"], "/reply_to", "{}", answer.text);
}

#[tokio::test]
async fn bombs_of_depth_are_defused() {
    let quiet = Quiet::on(&Stage::shared()).await;
    for depth in [40, 1_000, 100_000] {
        let bomb = format!("{{\"body\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        let answer = quiet.sending().raw_json(bomb).send().await;
        assert!(matches!(answer.status, 400 | 422), "{}", answer.text);
        answer.assert_problem_shape();
        quiet.sending().raw_json("[".repeat(depth)).send().await.problem(400);
        let answer = quiet.sending().raw_json("{\"body\":".repeat(depth / 5)).send().await;
        assert!(matches!(answer.status, 400 | 422), "{}", answer.text);
    }
    quiet.nothing_was_stored().await;
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_too_large() {
    let quiet = Quiet::on(&Stage::shared()).await;
    let spaces = " ".repeat(256 * 1024);
    let answer = quiet
        .sending()
        .raw_json(format!("{{\"body\": \"x\"}}{spaces}"))
        .send()
        .await;
    answer.problem_code(413, "request/too-large");
    quiet
        .sending()
        .raw_json("x".repeat(2 * 1024 * 1024))
        .send()
        .await
        .problem_code(413, "request/too-large");
    quiet.nothing_was_stored().await;
    let padded = format!("{{\"body\": \"x\"}}{}", " ".repeat(255 * 1024));
    quiet.sending().raw_json(padded).send().await.is(201);
}

#[tokio::test]
async fn only_json_is_taken() {
    let quiet = Quiet::on(&Stage::shared()).await;
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "nonsense",
    ] {
        let ask = quiet.sending().header("content-type", media_type);
        ask.raw_body(r#"{"body": "hello"}"#)
            .send()
            .await
            .problem_code(415, "request/media-type");
    }
    quiet.nothing_was_stored().await;
    let with_charset = quiet
        .sending()
        .header("content-type", "application/json; charset=utf-8");
    with_charset.raw_body(r#"{"body": "hello"}"#).send().await.is(201);
}

#[tokio::test]
async fn huge_heads_and_strange_paths_harm_nobody() {
    let stage = Stage::shared();
    let quiet = Quiet::on(&stage).await;
    for ask in [
        quiet.ann.get("/users/me").header("x-long", &"x".repeat(200 * 1024)),
        (0..500).fold(quiet.ann.get("/users/me"), |ask, number| {
            ask.header(&format!("x-many-{number}"), "x")
        }),
        quiet.ann.get(&format!("/users/{}", "x".repeat(60_000))),
        quiet.ann.get("/channels/%2e%2e/%2e%2e/etc/passwd"),
        quiet.ann.get("/users?handle=%00%ff"),
    ] {
        // Refused in whatever way, or not answered at all: but never a success, never a fault of the server.
        if let Ok(answer) = ask.try_send().await {
            assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.text);
        }
    }
    quiet.nothing_was_stored().await;
    stage.get("/readyz").send().await.is(200);
}
