//! Who may do what in a channel, and how soon a lost right is lost. That outsiders see nothing at all is tested in `hidden`.

use serde_json::json;
use verbatim_tests::{NOWHERE, Stage, fresh_key, until};

#[tokio::test]
async fn a_removed_member_reads_and_writes_nothing_more() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    bob.send(&room.channel, "while I could").await;
    let removal = ann.remove_member(&room.channel, &bob).await.accepted();
    // At once and without waiting for any view.
    bob.send_keyed(&room.channel, &fresh_key(), "too late")
        .await
        .problem_code(404, "channel/not-found");
    bob.get(&format!("/channels/{}/messages", room.channel))
        .send()
        .await
        .problem(404);
    bob.get(&format!("/channels/{}/events?after=0", room.channel))
        .send()
        .await
        .problem(404);
    let last = ann.all_events(&room.channel).await.pop().expect("events");
    assert_eq!(
        (&last["type"], &last["seq"], &last["d"]["user"]),
        (&json!("member.removed"), &removal["seq"], &json!(bob.id))
    );
}

#[tokio::test]
async fn leaving_a_space_takes_its_channels_along() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    let second = ann.create_channel(&room.space, "second").await;
    bob.join(&second).await;
    ann.remove_from_space(&room.space, &bob).await.accepted();
    carol
        .post(&format!("/spaces/{}/leave", room.space))
        .send()
        .await
        .accepted();
    for (person, channel) in [(&bob, &room.channel), (&bob, &second), (&carol, &room.channel)] {
        // The space's word counts at once.
        person
            .send_keyed(channel, &fresh_key(), "too late")
            .await
            .problem_code(404, "channel/not-found");
        person
            .get(&format!("/channels/{channel}/messages"))
            .send()
            .await
            .problem(404);
        person
            .get(&format!("/channels/{channel}/events?after=0"))
            .send()
            .await
            .problem(404);
        person
            .post(&format!("/channels/{channel}/join"))
            .send()
            .await
            .problem(404);
        // The channel's own stream follows.
        until("the removal to reach the channel", async || {
            let events = ann.all_events(channel).await;
            events
                .iter()
                .any(|event| event["type"] == "member.removed" && event["d"]["user"] == person.id)
                .then_some(())
        })
        .await;
    }
    until("the list to count who is left", async || {
        (ann.listed(&room.channel).await["members_count"] == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_comes_back_to_a_space_is_not_back_in_its_channels() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    ann.remove_from_space(&room.space, &bob).await.accepted();
    until("the removal to reach the channel", async || {
        let events = ann.all_events(&room.channel).await;
        events
            .iter()
            .any(|event| event["type"] == "member.removed")
            .then_some(())
    })
    .await;
    ann.admit(&room.space, &bob).await;
    bob.send_keyed(&room.channel, &fresh_key(), "am I in?")
        .await
        .problem(404);
    bob.join(&room.channel).await;
    bob.send(&room.channel, "now I am").await;
}

#[tokio::test]
async fn moderators_remove_members_and_members_do_not() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    bob.remove_member(&room.channel, &carol)
        .await
        .problem_code(403, "channel/forbidden");
    ann.set_role(&room.space, &bob, "moderator").await.accepted();
    bob.remove_member(&room.channel, &ann)
        .await
        .problem_code(403, "channel/forbidden");
    bob.remove_member(&room.channel, &carol).await.accepted();
    carol
        .send_keyed(&room.channel, &fresh_key(), "too late")
        .await
        .problem(404);
    let nobody = NOWHERE.replace("channel_", "user_");
    ann.delete(&format!("/channels/{}/members/{nobody}", room.channel))
        .send()
        .await
        .problem(404);
}

#[tokio::test]
async fn the_founder_of_a_group_moderates_it() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let group = ann.create_group(&[&bob, &carol]).await;
    let message = bob.send(&group, "debatable").await.str("message");
    carol.delete_message(&group, &message).await.problem(403);
    bob.remove_member(&group, &carol).await.problem(403);
    carol
        .patch(&format!("/channels/{group}"))
        .json(&json!({"name": "carols"}))
        .send()
        .await
        .problem(403);
    ann.delete_message(&group, &message).await.is(201);
    ann.patch(&format!("/channels/{group}"))
        .json(&json!({"name": "anns"}))
        .send()
        .await
        .accepted();
    ann.remove_member(&group, &carol).await.accepted();
    carol.read(&format!("/channels/{group}")).await.problem(404);
}

#[tokio::test]
async fn a_person_of_one_space_has_no_rank_in_another() {
    let stage = Stage::shared();
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let (hers, mine) = (stage.room(&[&ann, &eve]).await, stage.room(&[&eve]).await);
    let message = ann.send(&hers.channel, "my own words").await.str("message");
    assert_eq!(eve.read(&format!("/spaces/{}", mine.space)).await["role"], "owner");
    eve.delete_message(&hers.channel, &message).await.problem(403);
    eve.set_role(&hers.space, &eve, "owner").await.problem(403);
    ann.admit(&hers.space, &eve).await;
    eve.remove_member(&hers.channel, &ann).await.problem(403);
    assert_eq!(ann.message(&hers.channel, &message).await["deleted"], false);
}
