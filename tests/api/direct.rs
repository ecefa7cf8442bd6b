//! Direct conversations: two people, one channel, whoever opens it.

use serde_json::json;
use verbatim_tests::Stage;

#[tokio::test]
async fn a_direct_conversation_is_the_same_from_both_sides() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let from_ann = ann.open_direct(&bob).await.is(201);
    let from_bob = bob.open_direct(&ann).await.is(200);
    let again = ann.open_direct(&bob).await.is(200);
    assert_eq!(from_ann["id"], from_bob["id"]);
    assert_eq!(from_ann["id"], again["id"]);
    let channel = from_ann.str("id");
    ann.send(&channel, "hello").await;
    bob.send(&channel, "hello to you").await;
    for person in [&ann, &bob] {
        let bodies: Vec<_> = person
            .page(&channel, "")
            .await
            .items()
            .iter()
            .map(|item| item["body"].clone())
            .collect();
        assert_eq!(bodies, ["hello", "hello to you"]);
        let listed = person.listed(&channel).await;
        assert_eq!(
            (&listed["kind"], &listed["members_count"], &listed["space"]),
            (&json!("direct"), &json!(2), &json!(null))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opened_by_both_at_once_it_is_still_one_conversation() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let opening = (0..8).map(|turn| {
        let (one, other) = if turn % 2 == 0 {
            (ann.clone(), bob.clone())
        } else {
            (bob.clone(), ann.clone())
        };
        tokio::spawn(async move { one.open_direct(&other).await.str("id") })
    });
    let mut ids = vec![];
    for opened in opening.collect::<Vec<_>>() {
        ids.push(opened.await.expect("no panic"));
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(ann.all_events(&ids[0]).await.len(), 3);
    assert_eq!(ann.read("/channels").await.items().len(), 1);
}

#[tokio::test]
async fn a_third_person_never_enters_and_the_two_never_leave() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let channel = ann.open_direct(&bob).await.str("id");
    ann.add_member(&channel, &eve).await.problem(409);
    eve.post(&format!("/channels/{channel}/join")).send().await.problem(404);
    ann.remove_member(&channel, &bob).await.problem(409);
    bob.post(&format!("/channels/{channel}/leave"))
        .send()
        .await
        .problem(409);
    bob.send(&channel, "still here").await;
}

#[tokio::test]
async fn a_direct_conversation_needs_exactly_one_other_person() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    for members in [json!([]), json!([bob.id, carol.id]), json!([ann.id])] {
        let answer = ann
            .post("/channels")
            .json(&json!({"kind": "direct", "members": members}))
            .send()
            .await;
        assert!(matches!(answer.status, 409 | 422), "{}", answer.text);
        answer.assert_problem_shape();
    }
    let nobody = json!({"kind": "direct", "members": ["user_01h455vb4pex5vsknk084sn02q"]});
    ann.post("/channels").json(&nobody).send().await.problem(404);
    assert!(ann.read("/channels").await.items().is_empty());
}

#[tokio::test]
async fn different_pairs_have_different_conversations() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let one = ann.open_direct(&bob).await.str("id");
    let two = ann.open_direct(&carol).await.str("id");
    let three = bob.open_direct(&carol).await.str("id");
    assert!(one != two && two != three && one != three);
    carol.read(&format!("/channels/{one}")).await.problem(404);
}
