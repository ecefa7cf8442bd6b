//! Generations of the views, exchanged by an operator while everybody goes on: nothing fails, nothing goes back, nothing is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use verbatim_tests::{Answer, Person, Server, Stage, until};

/// A server of its own, with an operator on it.
async fn operated() -> (Server, Stage, Person) {
    let mut server = Server::start_with(|options| {
        options.set("VERBATIM_RATE_LIMITS", "off");
    });
    let stage = Stage::on(&server);
    let olga = stage.person("olga").await;
    server.kill9();
    assert!(server.run(&["grant", &olga.handle, "operator"]).status.success());
    assert!(server.run(&["grant", &olga.handle, "auditor"]).status.success());
    server.launch();
    (server, stage, olga)
}

async fn operate(olga: &Person, view: &str, act: &str, body: Value) -> Answer {
    olga.post(&format!("/admin/projections/{view}/{act}"))
        .json(&body)
        .send()
        .await
}

async fn rows(olga: &Person, view: &str) -> Vec<Value> {
    let all = olga.get("/admin/projections").send().await.is(200);
    all.items().iter().filter(|row| row["name"] == view).cloned().collect()
}

async fn serving(olga: &Person, view: &str) -> Value {
    let rows = rows(olga, view).await;
    rows.into_iter()
        .find(|row| row["state"] == "serving")
        .expect("one serves")
}

async fn serves(olga: &Person, view: &str, generation: u64) {
    until(&format!("generation {generation} of {view} serves"), async || {
        (serving(olga, view).await["generation"] == generation).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_under_writers_and_readers_fails_no_read_and_goes_back_nowhere() {
    let (server, stage, olga) = operated().await;
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann, &olga]).await;
    for number in 0..200 {
        ann.send(&room.channel, &format!("before {number}")).await.is(201);
    }
    let ended = Arc::new(AtomicBool::new(false));
    let pages = Arc::new(AtomicUsize::new(0));
    let mut others = vec![];
    for _ in 0..2 {
        let (ended, ann, channel) = (ended.clone(), ann.clone(), room.channel.clone());
        others.push(tokio::spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                ann.send(&channel, "on and on").await.is(201);
            }
        }));
    }
    for _ in 0..2 {
        let (ended, olga, channel, pages) = (ended.clone(), olga.clone(), room.channel.clone(), pages.clone());
        others.push(tokio::spawn(async move {
            let mut top = 0;
            while !ended.load(Ordering::Relaxed) {
                let page = olga
                    .get(&format!("/channels/{channel}/messages?limit=5"))
                    .send()
                    .await
                    .is(200);
                let hi = page.body["hi"].as_u64().expect("a top");
                assert!(hi >= top, "from {top} back to {hi}");
                top = hi;
                pages.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for generation in 2..5 {
        let row = operate(&olga, "timeline", "rebuild", json!({})).await.is(202);
        assert_eq!(
            (row.u64("generation"), row.str("state")),
            (generation, "building".to_owned())
        );
        serves(&olga, "timeline", generation).await;
    }
    operate(&olga, "timeline", "rollback", json!({"reason": "to see it go back"}))
        .await
        .is(202);
    operate(&olga, "timeline", "promote", json!({})).await.is(202);
    ended.store(true, Ordering::Relaxed);
    for other in others {
        other.await.expect("no read and no write failed");
    }
    assert!(pages.load(Ordering::Relaxed) > 10);
    // Nothing stale: what was written last is there at once.
    let last = ann.send(&room.channel, "the last").await.str("message");
    let page = ann.page(&room.channel, "limit=1").await;
    assert_eq!(page.body["items"][0]["id"], last);
    let rows = rows(&olga, "timeline").await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0]["digest"].is_string());
    assert_eq!(rows[0]["digest"], rows[1]["digest"]);
    operate(&olga, "timeline", "retire", json!({})).await.is(202);
    let trail = olga.get("/audit/events?limit=20").send().await.is(200);
    let acts: Vec<_> = trail
        .items()
        .iter()
        .filter(|act| act["target_kind"] == "view")
        .map(|act| (act["kind"].clone(), act["actor"].clone(), act["target"].clone()))
        .collect();
    let act = |kind: &str| (json!(kind), json!(olga.id), json!("timeline"));
    assert_eq!(
        acts,
        [
            act("view.retired"),
            act("view.promoted"),
            act("view.rolled_back"),
            act("view.rebuild_begun"),
            act("view.rebuild_begun"),
            act("view.rebuild_begun")
        ]
    );
    server.assert_no_panic();
}

#[tokio::test]
async fn a_rebuild_killed_in_the_middle_goes_on_and_a_paused_one_waits() {
    let (mut server, stage, olga) = operated().await;
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    for number in 0..120 {
        ann.send(&room.channel, &format!("message {number}")).await.is(201);
    }
    ann.page(&room.channel, "").await;
    operate(&olga, "timeline", "rebuild", json!({"events_per_s": 60}))
        .await
        .is(202);
    operate(&olga, "timeline", "rebuild", json!({}))
        .await
        .problem_code(409, "projection/rebuild-running");
    let built = async || rows(&olga, "timeline").await[1]["checkpoint"].as_u64().unwrap_or(0);
    until("something is built", async || (built().await > 20).then_some(())).await;
    let row = operate(&olga, "timeline", "pause", json!({})).await.is(202);
    assert_eq!(row.body["progress"]["paused"], true);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stood = built().await;
    server.restart();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let row = rows(&olga, "timeline").await.remove(1);
    assert_eq!(
        (&row["generation"], &row["progress"]["paused"]),
        (&json!(2), &json!(true)),
        "{row}"
    );
    assert_eq!(row["checkpoint"].as_u64().unwrap_or(0), stood, "{row}");
    operate(&olga, "timeline", "resume", json!({})).await.is(202);
    server.restart();
    serves(&olga, "timeline", 2).await;
    let rows = rows(&olga, "timeline").await;
    assert_eq!(rows[0]["digest"], rows[1]["digest"]);
    assert_eq!(ann.all_messages(&room.channel).await.len(), 120);
}

#[tokio::test]
async fn what_cannot_be_done_with_generations_is_refused() {
    let (server, stage, olga) = operated().await;
    let ann = stage.person("ann").await;
    for (act, code) in [
        ("pause", "projection/no-rebuild"),
        ("resume", "projection/no-rebuild"),
        ("cancel", "projection/no-rebuild"),
        ("promote", "projection/nothing-to-promote"),
        ("rollback", "projection/nothing-to-roll-back-to"),
        ("retire", "projection/nothing-to-retire"),
    ] {
        operate(&olga, "directory", act, json!({}))
            .await
            .problem_code(409, code);
        operate(&olga, "weather", act, json!({})).await.problem(404);
        operate(&ann, "directory", act, json!({})).await.problem(403);
    }
    operate(&olga, "directory", "rebuild", json!({"events_per_s": 0}))
        .await
        .problem(422);
    operate(&olga, "directory", "rebuild", json!({"promote": "perhaps"}))
        .await
        .problem(422);
    // Slow enough to be caught at work.
    operate(&olga, "directory", "rebuild", json!({"events_per_s": 1}))
        .await
        .is(202);
    operate(&olga, "directory", "cancel", json!({})).await.is(202);
    until("its file is gone", async || {
        let file = server.data().join("views/directory.2.sqlite");
        (!file.exists()).then_some(())
    })
    .await;
    assert_eq!(rows(&olga, "directory").await.len(), 1);
    operate(&olga, "directory", "rebuild", json!({"promote": "never"}))
        .await
        .is(202);
    until("it is ready", async || {
        let rows = rows(&olga, "directory").await;
        rows.iter().any(|row| row["state"] == "ready").then_some(())
    })
    .await;
    assert_eq!(serving(&olga, "directory").await["generation"], 1);
    let row = operate(&olga, "directory", "promote", json!({})).await.is(202);
    assert_eq!((row.u64("generation"), row.str("state")), (3, "serving".to_owned()));
}
