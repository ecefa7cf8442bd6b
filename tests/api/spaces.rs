//! Spaces: founding, joining, roles, leaving. Their channels are tested in `channels` and `rights`.

use serde_json::json;
use verbatim_tests::{Person, Stage, fresh_key};

const NO_SPACE: &str = "space_01h455vb4pex5vsknk084sn02q";

async fn role_of(asker: &Person, space: &str, person: &Person) -> Option<String> {
    let members = asker.read(&format!("/spaces/{space}/members")).await.is(200);
    let found = members
        .items()
        .iter()
        .find(|member| member["user"] == person.id || member["user"]["id"] == person.id)?
        .clone();
    Some(found["role"].as_str().expect("a role").to_owned())
}

#[tokio::test]
async fn a_founder_owns_the_space_and_sees_it_in_their_list() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let space = ann
        .post("/spaces")
        .json(&json!({"name": "  Reading club "}))
        .send()
        .await
        .is(201);
    assert!(space.str("id").starts_with("space_"));
    assert_eq!(
        (&space["name"], &space["role"], &space["archived"]),
        (&json!("Reading club"), &json!("owner"), &json!(false))
    );
    assert!(space["pos"].is_string(), "{}", space.text);
    let id = space.str("id");
    let read = ann.read(&format!("/spaces/{id}")).await.is(200);
    assert_eq!(
        (&read["name"], &read["role"]),
        (&json!("Reading club"), &json!("owner"))
    );
    let list = ann.read("/spaces").await.is(200);
    assert_eq!(
        list.items().iter().filter(|item| item["id"] == *id).count(),
        1,
        "{}",
        list.text
    );
    assert_eq!(role_of(&ann, &id, &ann).await.as_deref(), Some("owner"));
}

#[tokio::test]
async fn a_repeat_with_the_same_key_founds_no_second_space() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let key = fresh_key();
    let first = ann
        .post("/spaces")
        .key(&key)
        .json(&json!({"name": "Once"}))
        .send()
        .await
        .is(201);
    let again = ann
        .post("/spaces")
        .key(&key)
        .json(&json!({"name": "Once"}))
        .send()
        .await
        .is(200);
    assert_eq!(first["id"], again["id"]);
    ann.post("/spaces")
        .key(&key)
        .json(&json!({"name": "Another"}))
        .send()
        .await
        .problem_code(409, "idempotency/mismatch");
    assert_eq!(ann.read("/spaces").await.items().len(), 1);
}

#[tokio::test]
async fn members_are_added_raised_and_removed() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    ann.admit(&space, &bob).await;
    assert_eq!(role_of(&bob, &space, &bob).await.as_deref(), Some("member"));
    ann.set_role(&space, &bob, "moderator").await.accepted();
    assert_eq!(role_of(&bob, &space, &bob).await.as_deref(), Some("moderator"));
    ann.remove_from_space(&space, &bob).await.accepted();
    assert_eq!(role_of(&ann, &space, &bob).await, None);
    bob.read(&format!("/spaces/{space}")).await.problem(404);
    assert!(bob.read("/spaces").await.is(200).items().is_empty());
}

#[tokio::test]
async fn only_higher_ranks_hand_out_roles() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    ann.admit(&space, &carol).await;
    bob.set_role(&space, &carol, "moderator").await.problem(403);
    bob.set_role(&space, &bob, "admin").await.problem(403);
    bob.remove_from_space(&space, &carol).await.problem(403);
    ann.set_role(&space, &bob, "admin").await.accepted();
    bob.set_role(&space, &carol, "moderator").await.accepted();
    bob.set_role(&space, &ann, "member").await.problem(403);
    bob.remove_from_space(&space, &ann).await.problem(403);
    ann.set_role(&space, &bob, "emperor").await.problem(422);
    assert_eq!(role_of(&ann, &space, &ann).await.as_deref(), Some("owner"));
}

#[tokio::test]
async fn a_space_is_left_by_anyone_but_its_owner() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    bob.post(&format!("/spaces/{space}/leave")).send().await.accepted();
    bob.post(&format!("/spaces/{space}/leave")).send().await.accepted();
    assert_eq!(role_of(&ann, &space, &bob).await, None);
    let refused = ann.post(&format!("/spaces/{space}/leave")).send().await;
    assert!(matches!(refused.status, 403 | 409), "{}", refused.text);
    refused.assert_problem_shape();
}

#[tokio::test]
async fn a_stranger_sees_nothing_of_a_closed_space() {
    let stage = Stage::shared();
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let space = ann
        .post("/spaces")
        .json(&json!({"name": "Closed", "join": "closed"}))
        .send()
        .await
        .is(201)
        .str("id");
    for path in ["", "/members"] {
        let hidden = eve.read(&format!("/spaces/{space}{path}")).await.problem(404);
        let absent = eve.read(&format!("/spaces/{NO_SPACE}{path}")).await.problem(404);
        assert_eq!(
            (&hidden["code"], &hidden["detail"]),
            (&absent["code"], &absent["detail"])
        );
    }
    eve.post(&format!("/spaces/{space}/join")).send().await.problem(404);
    eve.set_role(&space, &eve, "member").await.problem(404);
    eve.post(&format!("/spaces/{space}/channels"))
        .json(&json!({"name": "mine", "kind": "text"}))
        .send()
        .await
        .problem(404);
    eve.patch(&format!("/spaces/{space}"))
        .json(&json!({"name": "Mine"}))
        .send()
        .await
        .problem(404);
    assert_eq!(ann.read(&format!("/spaces/{space}")).await["name"], "Closed");
}

#[tokio::test]
async fn anyone_may_join_an_open_space() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann
        .post("/spaces")
        .json(&json!({"name": "Open", "join": "open"}))
        .send()
        .await
        .is(201)
        .str("id");
    bob.post(&format!("/spaces/{space}/join")).send().await.accepted();
    assert_eq!(role_of(&ann, &space, &bob).await.as_deref(), Some("member"));
}

#[tokio::test]
async fn names_of_spaces_have_bounds() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for name in [
        json!(""),
        json!("x".repeat(81)),
        json!("two\nlines"),
        json!(7),
        json!(null),
    ] {
        ann.post("/spaces")
            .json(&json!({"name": name}))
            .send()
            .await
            .problem(422);
    }
    ann.post("/spaces").json(&json!({})).send().await.problem(422);
    assert!(ann.read("/spaces").await.items().is_empty());
}

#[tokio::test]
async fn a_space_is_renamed_and_archived_by_those_who_may() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    bob.patch(&format!("/spaces/{space}"))
        .json(&json!({"name": "Bob's"}))
        .send()
        .await
        .problem(403);
    ann.patch(&format!("/spaces/{space}"))
        .json(&json!({"name": "Ann's"}))
        .send()
        .await
        .accepted();
    assert_eq!(bob.read(&format!("/spaces/{space}")).await["name"], "Ann's");
    bob.delete(&format!("/spaces/{space}")).send().await.problem(403);
    ann.delete(&format!("/spaces/{space}")).send().await.accepted();
    assert_eq!(ann.read(&format!("/spaces/{space}")).await["archived"], true);
}
