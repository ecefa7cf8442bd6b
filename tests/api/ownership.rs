//! A space changes hands, is put away and brought back.

use serde_json::json;
use verbatim_tests::{Answer, Person, Stage, fresh_key};

async fn hand_over(from: &Person, space: &str, to: &str) -> Answer {
    from.post(&format!("/spaces/{space}/owner"))
        .json(&json!({"user": to}))
        .send()
        .await
}

async fn role(person: &Person, space: &str) -> String {
    person.read(&format!("/spaces/{space}")).await.is(200).str("role")
}

#[tokio::test]
async fn a_space_is_handed_over_once_and_the_old_owner_stays_as_admin() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    hand_over(&bob, &space, &bob.id)
        .await
        .problem_code(403, "space/forbidden");
    hand_over(&eve, &space, &eve.id)
        .await
        .problem_code(404, "space/not-found");
    hand_over(&ann, &space, &eve.id)
        .await
        .problem_code(404, "space/no-such-member");
    hand_over(&ann, &space, "bob")
        .await
        .problem_code(422, "request/invalid");
    let key = fresh_key();
    let wish = || {
        ann.post(&format!("/spaces/{space}/owner"))
            .key(&key)
            .json(&json!({"user": bob.id}))
    };
    let first = wish().send().await.is(201);
    assert_eq!(wish().send().await.is(200)["event"], first["event"]);
    assert_eq!(
        (role(&ann, &space).await, role(&bob, &space).await),
        ("admin".to_owned(), "owner".to_owned())
    );
    // Who owned it has no way to take it back, and may leave now.
    hand_over(&ann, &space, &ann.id).await.problem(403);
    ann.delete(&format!("/spaces/{space}")).send().await.problem(403);
    ann.post(&format!("/spaces/{space}/leave")).send().await.is(201);
    let list = bob.read("/spaces").await.is(200);
    assert_eq!(list.items()[0]["role"], "owner");
}

#[tokio::test]
async fn an_archived_space_is_brought_back_by_its_owner_and_its_channels_with_it() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let (space, restore) = (
        format!("/spaces/{}", room.space),
        format!("/spaces/{}/restore", room.space),
    );
    ann.delete(&space)
        .json(&json!({"reason": "the winter is over"}))
        .send()
        .await
        .is(201);
    bob.send_keyed(&room.channel, &fresh_key(), "too late")
        .await
        .problem(409);
    bob.post(&restore).send().await.problem_code(403, "space/forbidden");
    ann.post(&restore)
        .json(&json!({"reason": "it is winter again"}))
        .send()
        .await
        .is(201);
    ann.post(&restore).send().await.is(200);
    bob.send(&room.channel, "and on we go").await;
    assert_eq!(ann.read(&space).await["archived"], false);
    assert_eq!(ann.read("/spaces").await.items()[0]["archived"], false);
    let eve = stage.person("eve").await;
    eve.post(&restore).send().await.problem_code(404, "space/not-found");
}

#[tokio::test]
async fn reasons_are_one_line_of_bounded_length() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    let member = format!("/spaces/{space}/members/{}", bob.id);
    for wrong in [json!(""), json!("two\nlines"), json!("x".repeat(501)), json!(7)] {
        ann.delete(&member)
            .json(&json!({"reason": wrong}))
            .send()
            .await
            .problem(422);
        ann.put(&member)
            .json(&json!({"role": "guest", "reason": wrong}))
            .send()
            .await
            .problem(422);
    }
    ann.put(&member)
        .json(&json!({"role": "guest", "reason": "is new here"}))
        .send()
        .await
        .is(201);
}
