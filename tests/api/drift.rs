//! Views whose rows somebody altered: the verifier in the background names them, an operator can ask for proof, and nobody else learns
//! anything.

use rusqlite::Connection;
use serde_json::{Value, json};
use verbatim_tests::{Person, Server, Stage, until};

/// A server that verifies its views all the time, and an operator on it.
async fn watched() -> (Server, Stage, Person) {
    let mut server = Server::start_with(|options| {
        options.set("VERBATIM_VERIFY_INTERVAL_S", "1");
    });
    let stage = Stage::on(&server);
    let olga = stage.person("olga").await;
    server.kill9();
    assert!(server.run(&["grant", &olga.handle, "operator"]).status.success());
    server.launch();
    (server, stage, olga)
}

/// Changes the view that serves as somebody with a shell would.
fn by_hand(server: &Server, view: &str, sql: &str) {
    let files = std::fs::read_dir(server.data().join("views")).expect("the folder of the views");
    let of_view = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with(&format!("{view}.")) && name.ends_with(".sqlite")
    };
    let file = files
        .filter_map(|file| Some(file.ok()?.path()))
        .find(of_view)
        .expect("a generation");
    let file = Connection::open(file).expect("a database");
    file.busy_timeout(std::time::Duration::from_secs(10)).expect("patience");
    assert_ne!(file.execute(sql, []).expect(sql), 0, "{sql}");
}

async fn known(olga: &Person, view: &str) -> Value {
    olga.get(&format!("/admin/projections/{view}"))
        .send()
        .await
        .is(200)
        .body
}

async fn drift_in(olga: &Person, view: &str) -> Vec<Value> {
    known(olga, view).await["drift"].as_array().cloned().unwrap_or_default()
}

async fn metric(stage: &Stage, line: &str) -> bool {
    stage
        .get("/metrics")
        .send()
        .await
        .text
        .lines()
        .any(|found| found == line)
}

#[tokio::test]
async fn a_row_altered_by_hand_is_named_within_a_round_and_a_rebuild_heals_it() {
    let (server, stage, olga) = watched().await;
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let other = ann.create_channel(&room.space, "other").await;
    ann.send(&other, "left alone").await;
    ann.send(&room.channel, "hello").await;
    ann.page(&room.channel, "").await;
    by_hand(
        &server,
        "timeline",
        "update timeline_message set body = 'forged' where body = 'hello'",
    );
    let found = until("the altered row to be named", async || {
        drift_in(&olga, "timeline").await.pop()
    })
    .await;
    assert_eq!(found["table"], "timeline_message");
    assert_eq!(found["key"], json!(room.channel));
    assert_eq!(found["row"]["columns"], json!(["body"]));
    assert_eq!(found["row"]["kind"], "changed");
    assert!(!found.to_string().contains("forged"), "{found}");
    assert!(metric(&stage, "projection_drift{projection=\"timeline\"} 1").await);
    assert!(metric(&stage, "projection_drift{projection=\"directory\"} 0").await);
    let alarms: Vec<String> = server
        .printed()
        .into_iter()
        .filter(|line| line.contains("does not hold what the log says"))
        .collect();
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert!(alarms[0].contains(&room.channel) && alarms[0].contains("timeline"));
    assert!(!alarms[0].contains("forged"));

    let asked = verify(&olga, "timeline", json!({"channels": "all"})).await;
    assert_eq!(asked["differing"][0]["key"], json!(room.channel));
    assert_eq!(asked["state"], "done");
    olga.post("/admin/projections/timeline/rebuild")
        .json(&json!({}))
        .send()
        .await
        .is(202);
    until("the alarm to end", async || {
        drift_in(&olga, "timeline").await.is_empty().then_some(())
    })
    .await;
    assert!(metric(&stage, "projection_drift{projection=\"timeline\"} 0").await);
    assert_eq!(verify(&olga, "timeline", json!({})).await["differing"], json!([]));
}

async fn verify(olga: &Person, view: &str, body: Value) -> Value {
    let path = format!("/admin/projections/{view}/verify");
    let begun = olga.post(&path).json(&body).send().await;
    if begun.status == 200 {
        return begun.body;
    }
    begun.is(202);
    until("the verification to end", async || {
        let found = known(olga, view).await["verification"].take();
        (found["state"] != "running").then_some(found)
    })
    .await
}

#[tokio::test]
async fn a_row_altered_in_any_view_is_found() {
    let (server, stage, olga) = watched().await;
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let message = bob.send(&room.channel, "free tea").await.str("message");
    let report = json!({"channel": room.channel, "message": message, "reason": "an advertisement"});
    ann.post("/reports").json(&report).send().await.is(201);
    ann.read(&format!("/spaces/{}/reports", room.space)).await.is(200);
    let hands = [
        ("timeline", "update timeline_channel set top = top + 1"),
        ("channel_list", "update channel_list_member set passed = passed + 1"),
        ("directory", "update directory_person set display_name = 'forged'"),
        ("reports", "update report set reason = 'forged'"),
        ("audit", "delete from audit_act"),
    ];
    for (view, hand) in hands {
        assert_eq!(drift_in(&olga, view).await, Vec::<Value>::new());
        by_hand(&server, view, hand);
        until(view, async || drift_in(&olga, view).await.pop()).await;
        let proof = verify(&olga, view, json!({"channels": "all"})).await;
        assert_ne!(proof["differing"], json!([]), "{view}");
    }
    server.assert_no_panic();
}

#[tokio::test]
async fn only_operators_verify_and_only_views_that_there_are() {
    let (_server, stage, olga) = watched().await;
    let ann = stage.person("ann").await;
    for path in ["timeline/verify", "timeline/retry", "weather/verify"] {
        let path = format!("/admin/projections/{path}");
        ann.post(&path)
            .json(&json!({}))
            .send()
            .await
            .problem_code(403, "auth/role-required");
    }
    for path in ["weather/verify", "weather/retry"] {
        let path = format!("/admin/projections/{path}");
        olga.post(&path)
            .json(&json!({}))
            .send()
            .await
            .problem_code(404, "route/not-found");
    }
    olga.get("/admin/projections/weather").send().await.problem(404);
    for body in [
        json!({"channels": "some"}),
        json!({"channels": -1}),
        json!({"all": true}),
    ] {
        let asked = olga.post("/admin/projections/timeline/verify").json(&body).send().await;
        assert!(
            matches!(asked.status, 400 | 422),
            "{body} was answered {}",
            asked.status
        );
    }
}
