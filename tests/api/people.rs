//! Who somebody is: one's own profile, and looking others up.

use serde_json::json;
use verbatim_tests::{Server, Stage, until};

#[tokio::test]
async fn a_person_reads_and_changes_their_own_profile() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let me = ann.get("/users/me").send().await.is(200);
    assert_eq!((me.str("id"), me.str("handle")), (ann.id.clone(), ann.handle.clone()));
    ann.patch("/users/me")
        .json(&json!({"display_name": "  Ann Other "}))
        .send()
        .await
        .is(200);
    assert_eq!(ann.read("/users/me").await.is(200)["display_name"], "Ann Other");
    ann.patch("/users/me")
        .json(&json!({"display_name": ""}))
        .send()
        .await
        .problem(422);
    ann.patch("/users/me")
        .json(&json!({"handle": "someone-else"}))
        .send()
        .await
        .problem(422);
    assert_eq!(ann.read("/users/me").await["display_name"], "Ann Other");
}

#[tokio::test]
async fn people_find_each_other_by_handle_and_by_id() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let by_handle = ann.read(&format!("/users?handle={}", bob.handle)).await.is(200);
    let found = if by_handle.body["items"].is_array() {
        by_handle.items()[0].clone()
    } else {
        by_handle.body.clone()
    };
    assert_eq!(found["id"], bob.id);
    let by_id = ann.read(&format!("/users/{}", bob.id)).await.is(200);
    assert_eq!(by_id["handle"], bob.handle);
    assert_eq!(by_id["display_name"], bob.handle);
    assert!(!by_id.text.contains("password"), "{}", by_id.text);
}

#[tokio::test]
async fn looking_up_nobody_finds_nobody() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    ann.read("/users/user_01h455vb4pex5vsknk084sn02q").await.problem(404);
    let nobody = ann.read("/users?handle=nobody-of-that-name").await;
    assert!(
        nobody.status == 404 || nobody.items().is_empty(),
        "{} {}",
        nobody.status,
        nobody.text
    );
}

#[tokio::test]
async fn where_not_everyone_may_register_a_handle_is_found_among_ones_own_only() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann, &bob]).await;
    server.terminate().await;
    server.choose(|options| {
        options.set("VERBATIM_REGISTRATION", "closed");
    });
    server.launch();
    let by_handle = |handle: &str| format!("/users?handle={handle}");
    bob.read(&by_handle(&ann.handle)).await.is(200);
    eve.read(&by_handle(&eve.handle)).await.is(200);
    let hidden = eve
        .read(&by_handle(&ann.handle))
        .await
        .problem_code(404, "user/not-found");
    let absent = eve
        .read(&by_handle("nobody-of-that-name"))
        .await
        .problem_code(404, "user/not-found");
    assert_eq!(hidden["detail"], absent["detail"]);
    ann.create_group(&[&eve]).await;
    eve.read(&by_handle(&ann.handle)).await.is(200);
    eve.read(&by_handle(&bob.handle)).await.problem(404);
    ann.remove_from_space(&room.space, &bob).await.accepted();
    until("the channels to follow", async || {
        (bob.read(&by_handle(&ann.handle)).await.status == 404).then_some(())
    })
    .await;
}
