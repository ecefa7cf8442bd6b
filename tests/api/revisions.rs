//! What a message said at each of its versions: who may look, page by page, and that deleted words are not among it.

use serde_json::{Value, json};
use verbatim_tests::{Answer, Person, Room, Server, Stage};

async fn revisions(person: &Person, channel: &str, message: &str, query: &str) -> Answer {
    let path = format!("/channels/{channel}/messages/{message}/revisions?{query}");
    person.read(&path).await
}

fn bodies(page: &Answer) -> Vec<(u64, Value)> {
    let item = |item: &Value| (item["version"].as_u64().expect("a version"), item["body"].clone());
    page.items().iter().map(item).collect()
}

async fn room_with_edits() -> (Person, Person, Person, Room, String) {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    let message = bob.send(&room.channel, "first").await.str("message");
    bob.edit(&room.channel, &message, "second").await.is(201);
    bob.edit(&room.channel, &message, "third").await.is(201);
    (ann, bob, carol, room, message)
}

#[tokio::test]
async fn the_author_and_moderators_see_every_version_and_nobody_else_anything() {
    let (ann, bob, carol, room, message) = room_with_edits().await;
    let all = [(3, json!("third")), (2, json!("second")), (1, json!("first"))];
    for person in [&bob, &ann] {
        let page = revisions(person, &room.channel, &message, "").await.is(200);
        assert_eq!(bodies(&page), all);
        assert_eq!(page["next"], json!(null));
    }
    let hidden = revisions(&carol, &room.channel, &message, "").await;
    hidden.problem_code(404, "message/not-found");
    ann.set_role(&room.space, &carol, "moderator").await.accepted();
    revisions(&carol, &room.channel, &message, "").await.is(200);
    let stranger = bob.stage().person("dave").await;
    revisions(&stranger, &room.channel, &message, "")
        .await
        .problem_code(404, "channel/not-found");
    let events = bob.all_events(&room.channel).await;
    let page = revisions(&bob, &room.channel, &message, "").await.is(200);
    for item in page.items() {
        let event = events
            .iter()
            .find(|event| event["seq"] == item["seq"])
            .expect("its event");
        assert_eq!((&event["d"]["body"], &event["at"]), (&item["body"], &item["at"]));
    }
}

#[tokio::test]
async fn versions_come_in_pages() {
    let (_, bob, _, room, message) = room_with_edits().await;
    let first = revisions(&bob, &room.channel, &message, "limit=2").await.is(200);
    assert_eq!(bodies(&first), [(3, json!("third")), (2, json!("second"))]);
    let next = first.str("next");
    let second = revisions(&bob, &room.channel, &message, &format!("limit=2&after={next}"))
        .await
        .is(200);
    assert_eq!(bodies(&second), [(1, json!("first"))]);
    assert_eq!(second["next"], json!(null));
    revisions(&bob, &room.channel, &message, "limit=101").await.problem(422);
    revisions(&bob, &room.channel, &message, "after=x").await.problem(422);
}

#[tokio::test]
async fn a_message_that_was_never_edited_has_one_version() {
    let (_, bob, _, room, _) = room_with_edits().await;
    let message = bob.send(&room.channel, "only").await.str("message");
    let page = revisions(&bob, &room.channel, &message, "").await.is(200);
    assert_eq!(bodies(&page), [(1, json!("only"))]);
}

#[tokio::test]
async fn in_a_group_its_head_sees_them_and_in_a_conversation_of_two_the_author() {
    let (ann, bob, carol, ..) = room_with_edits().await;
    let group = ann.create_group(&[&bob, &carol]).await;
    let message = bob.send(&group, "hello").await.str("message");
    revisions(&ann, &group, &message, "").await.is(200);
    revisions(&carol, &group, &message, "")
        .await
        .problem_code(404, "message/not-found");
    let direct = ann.open_direct(&bob).await.str("id");
    let message = bob.send(&direct, "hello").await.str("message");
    revisions(&ann, &direct, &message, "")
        .await
        .problem_code(404, "message/not-found");
    revisions(&bob, &direct, &message, "").await.is(200);
    bob.get(&format!("/channels/{direct}/messages/message_x/revisions"))
        .send()
        .await
        .problem_code(404, "message/not-found");
}

#[tokio::test]
async fn deleted_words_leave_the_versions_at_once_for_everybody() {
    let (ann, bob, _, room, message) = room_with_edits().await;
    let path = format!("/channels/{}/messages/{message}/revisions", room.channel);
    revisions(&bob, &room.channel, &message, "").await.is(200);
    bob.delete_message(&room.channel, &message).await.is(201);
    for person in [&ann, &bob] {
        // On purpose without `min_pos`: the view may lag, the words may not show.
        let gone = person.get(&path).send().await.is(200);
        assert_eq!(bodies(&gone), [(3, json!(null)), (2, json!(null)), (1, json!(null))]);
        for words in ["first", "second", "third"] {
            assert!(!gone.text.contains(words), "{}", gone.text);
        }
    }
}

#[tokio::test]
async fn an_auditor_sees_them_without_being_there() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let group = ann.create_group(&[]).await;
    let message = ann.send(&group, "first").await.str("message");
    ann.edit(&group, &message, "second").await.is(201);
    revisions(&eve, &group, &message, "")
        .await
        .problem_code(404, "channel/not-found");
    server.kill9();
    assert!(server.run(&["grant", &eve.handle, "auditor"]).status.success());
    server.launch();
    let page = revisions(&eve, &group, &message, "").await.is(200);
    assert_eq!(bodies(&page), [(2, json!("second")), (1, json!("first"))]);
    let trail = eve.get("/audit/events?kind=audit.read").send().await.is(200);
    let looks: Vec<_> = trail.items().iter().map(|item| item["actor"].clone()).collect();
    assert_eq!(
        looks,
        [json!(eve.id), json!(eve.id)],
        "the look before this one is written down"
    );
    eve.get(&format!("/channels/{group}/messages"))
        .send()
        .await
        .problem_code(404, "channel/not-found");
}
