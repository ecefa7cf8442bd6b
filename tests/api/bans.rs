//! Bans and mutes of a space: who may, what they do to whom, and what others see of it. The rules cell by cell are in the domain's tests.

use serde_json::{Value, json};
use verbatim_tests::{NOWHERE, Person, Stage, fresh_key, until};

async fn standing(asker: &Person, space: &str, what: &str) -> Vec<Value> {
    asker
        .read(&format!("/spaces/{space}/{what}"))
        .await
        .is(200)
        .items()
        .clone()
}

async fn mute(by: &Person, space: &str, person: &Person, until: &str) -> verbatim_tests::Answer {
    by.put(&format!("/spaces/{space}/mutes/{}", person.id))
        .json(&json!({"reason": "shouts", "until": until}))
        .send()
        .await
}

#[tokio::test]
async fn a_banned_person_is_out_at_once_and_stays_out() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    bob.send(&room.channel, "while I could").await;
    ann.ban(&room.space, &bob).await.is(201);
    bob.send_keyed(&room.channel, &fresh_key(), "too late")
        .await
        .problem_code(404, "channel/not-found");
    bob.read(&format!("/spaces/{}", room.space)).await.problem(404);
    bob.post(&format!("/spaces/{}/join", room.space))
        .send()
        .await
        .problem_code(404, "space/not-found");
    bob.post(&format!("/spaces/{}/leave", room.space))
        .send()
        .await
        .problem(404);
    ann.set_role(&room.space, &bob, "member")
        .await
        .problem_code(409, "space/banned");
    // The channel's own stream follows, and says why.
    let removal = until("the removal to reach the channel", async || {
        let events = ann.all_events(&room.channel).await;
        events.into_iter().find(|event| event["type"] == "member.removed")
    })
    .await;
    assert_eq!(removal["d"], json!({"user": bob.id, "banned": true}));
}

#[tokio::test]
async fn a_removal_without_a_ban_says_nothing_of_one() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    ann.delete(&format!("/spaces/{}/members/{}", room.space, bob.id))
        .json(&json!({"reason": "asked to go"}))
        .send()
        .await
        .is(201);
    let removal = until("the removal to reach the channel", async || {
        let events = ann.all_events(&room.channel).await;
        events.into_iter().find(|event| event["type"] == "member.removed")
    })
    .await;
    assert_eq!(removal["d"], json!({"user": bob.id}));
}

#[tokio::test]
async fn a_lifted_ban_lets_back_in() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    let bans = format!("/spaces/{space}/bans");
    // Also somebody who was never there, and twice is not an error.
    ann.ban(&space, &bob).await.is(201);
    ann.ban(&space, &bob).await.is(200);
    bob.post(&format!("/spaces/{space}/join")).send().await.problem(404);
    let listed = standing(&ann, &space, "bans").await;
    assert_eq!(
        (
            &listed[0]["user"],
            &listed[0]["by"],
            &listed[0]["reason"],
            &listed[0]["until"]
        ),
        (&json!(bob.id), &json!(ann.id), &json!("sells things"), &Value::Null)
    );
    ann.delete(&format!("{bans}/{}", bob.id)).send().await.is(201);
    ann.delete(&format!("{bans}/{}", bob.id)).send().await.is(200);
    assert!(standing(&ann, &space, "bans").await.is_empty());
    bob.post(&format!("/spaces/{space}/join")).send().await.is(201);
}

#[tokio::test]
async fn moderators_ban_and_mute_and_members_do_not_even_see_it() {
    let stage = Stage::shared();
    let (ann, bob, carol, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
        stage.person("eve").await,
    );
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    ann.admit(&space, &carol).await;
    let later = "2100-01-01T00:00:00Z";
    for (asker, status, code) in [(&bob, 403, "space/forbidden"), (&eve, 404, "space/not-found")] {
        asker.ban(&space, &carol).await.problem_code(status, code);
        mute(asker, &space, &carol, later).await.problem_code(status, code);
        for what in ["bans", "mutes"] {
            asker
                .read(&format!("/spaces/{space}/{what}"))
                .await
                .problem_code(status, code);
            asker
                .delete(&format!("/spaces/{space}/{what}/{}", carol.id))
                .send()
                .await
                .problem_code(status, code);
        }
    }
    ann.set_role(&space, &bob, "moderator").await.accepted();
    mute(&bob, &space, &carol, later).await.is(201);
    assert_eq!(standing(&bob, &space, "mutes").await[0]["user"], carol.id);
    bob.delete(&format!("/spaces/{space}/mutes/{}", carol.id))
        .send()
        .await
        .is(201);
    assert!(standing(&bob, &space, "mutes").await.is_empty());
    bob.ban(&space, &ann).await.problem_code(403, "space/forbidden");
    bob.ban(&space, &carol).await.is(201);
    mute(&ann, &space, &carol, later)
        .await
        .problem_code(404, "space/no-such-member");
}

#[tokio::test]
async fn a_ban_and_a_mute_are_well_formed_or_nothing() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    let (ban, mute) = (
        format!("/spaces/{space}/bans/{}", bob.id),
        format!("/spaces/{space}/mutes/{}", bob.id),
    );
    for (path, body) in [
        (&ban, json!({})),
        (&ban, json!({"reason": ""})),
        (&ban, json!({"reason": "x".repeat(501)})),
        (&ban, json!({"reason": "spam", "until": "soon"})),
        (&ban, json!({"reason": "spam", "until": "2001-01-01T00:00:00Z"})),
        (&mute, json!({"reason": "spam"})),
        (&mute, json!({"reason": "spam", "until": "2001-01-01T00:00:00Z"})),
        (&mute, json!({"until": "2100-01-01T00:00:00Z"})),
    ] {
        ann.put(path).json(&body).send().await.problem(422);
    }
    let nobody = NOWHERE.replace("channel_", "user_");
    ann.put(&format!("/spaces/{space}/bans/{nobody}"))
        .json(&json!({"reason": "spam"}))
        .send()
        .await
        .problem_code(404, "user/not-found");
    assert!(standing(&ann, &space, "bans").await.is_empty());
    assert!(standing(&ann, &space, "mutes").await.is_empty());
}

#[tokio::test]
async fn a_ban_with_an_end_is_over_by_itself() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    let until_then = (chrono::Utc::now() + chrono::TimeDelta::milliseconds(1500)).to_rfc3339();
    ann.put(&format!("/spaces/{space}/bans/{}", bob.id))
        .json(&json!({"reason": "cool down", "until": until_then}))
        .send()
        .await
        .is(201);
    bob.post(&format!("/spaces/{space}/join")).send().await.problem(404);
    until("the ban to be over", async || {
        let joined = bob.post(&format!("/spaces/{space}/join")).send().await;
        (joined.status == 201).then_some(())
    })
    .await;
    assert!(standing(&ann, &space, "bans").await.is_empty());
}
