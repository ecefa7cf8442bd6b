//! Reports: who may make them of what, who sees and decides them, what follows, and how it is taken back.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use verbatim_tests::{Answer, Person, Room, Server, Stage, fresh_key};

async fn report(person: &Person, body: Value) -> Answer {
    person.post("/reports").json(&body).send().await
}

async fn report_message(person: &Person, channel: &str, message: &str) -> Answer {
    report(
        person,
        json!({"channel": channel, "message": message, "reason": "an advertisement"}),
    )
    .await
}

async fn resolve(person: &Person, report: &str, action: &str) -> Answer {
    person
        .post(&format!("/reports/{report}/resolve"))
        .json(&json!({"action": action, "reason": "against the rules"}))
        .send()
        .await
}

async fn undo(person: &Person, report: &str) -> Answer {
    person
        .post(&format!("/reports/{report}/undo"))
        .json(&json!({"reason": "it was a mistake"}))
        .send()
        .await
}

struct Town {
    ann: Person,
    bob: Person,
    carol: Person,
    room: Room,
}

/// Ann owns the place, Bob says what Carol does not like.
async fn town() -> Town {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let room = stage.room(&[&ann, &bob, &carol]).await;
    Town { ann, bob, carol, room }
}

impl Town {
    async fn said(&self, words: &str) -> String {
        self.bob.send(&self.room.channel, words).await.str("message")
    }

    async fn queue(&self, state: &str) -> Vec<Value> {
        let path = format!("/spaces/{}/reports?state={state}", self.room.space);
        self.ann.read(&path).await.is(200).items().clone()
    }
}

#[tokio::test]
async fn a_report_names_place_and_fingerprint_of_the_words_and_never_the_words() {
    let town = town().await;
    let message = town.said("free tea").await;
    town.bob
        .edit(&town.room.channel, &message, "free marmalade")
        .await
        .is(201);
    let made = report_message(&town.carol, &town.room.channel, &message).await.is(201);
    let id = made.str("id");
    assert_eq!(made["state"], "open");
    let queue = town.queue("open").await;
    assert_eq!(queue.len(), 1);
    let events = town.ann.all_events(&town.room.channel).await;
    let sent = events
        .iter()
        .find(|event| event["type"] == "message.sent")
        .expect("sent");
    let edited = events
        .iter()
        .find(|event| event["type"] == "message.edited")
        .expect("edited");
    let stored = json!({"message": message, "version": 2, "body": "free marmalade"});
    let shown = &queue[0];
    assert_eq!(
        (
            &shown["id"],
            &shown["user"],
            &shown["reporter"],
            &shown["reason"],
            &shown["decision"]
        ),
        (
            &json!(id),
            &json!(town.bob.id),
            &json!(town.carol.id),
            &json!("an advertisement"),
            &json!(null)
        )
    );
    assert_eq!(
        (
            &shown["message"]["id"],
            &shown["message"]["version"],
            &shown["message"]["seq"],
            &shown["message"]["event"]
        ),
        (&json!(message), &json!(2), &edited["seq"], &edited["event"])
    );
    // The fields of the stored payload are in the order of the event's own form.
    let text = format!(
        r#"{{"message":{},"seq":{},"version":{},"body":{}}}"#,
        stored["message"], sent["seq"], stored["version"], stored["body"]
    );
    let hash: String = Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(shown["message"]["sha256"], json!(hash));
    assert!(!json!(queue).to_string().contains("marmalade"));
    let read = town.ann.get(&format!("/reports/{id}")).send().await.is(200);
    assert_eq!(read.body, *shown);
    // What is edited later does not change what was reported.
    town.bob.edit(&town.room.channel, &message, "nothing").await.is(201);
    assert_eq!(town.queue("open").await[0]["message"], shown["message"]);
}

#[tokio::test]
async fn one_person_has_one_open_report_of_one_thing() {
    let town = town().await;
    let message = town.said("free tea").await;
    let first = report_message(&town.carol, &town.room.channel, &message).await.is(201);
    let again = report_message(&town.carol, &town.room.channel, &message).await.is(200);
    assert_eq!((&first["id"], &again["replayed"]), (&again["id"], &json!(true)));
    let anns = report_message(&town.ann, &town.room.channel, &message).await.is(201);
    assert_ne!(first["id"], anns["id"]);
    assert_eq!(town.queue("open").await.len(), 2);
    // Once it was decided, the same thing can be reported anew.
    resolve(&town.ann, &first.str("id"), "none").await.is(201);
    report_message(&town.carol, &town.room.channel, &message).await.is(201);
    assert_eq!(town.queue("open").await.len(), 2);
}

#[tokio::test]
async fn nobody_reports_what_they_cannot_see_or_themselves() {
    let town = town().await;
    let stranger = Stage::shared().person("dave").await;
    let message = town.said("free tea").await;
    let channel = &town.room.channel;
    report_message(&stranger, channel, &message)
        .await
        .problem_code(404, "channel/not-found");
    report(
        &stranger,
        json!({"channel": channel, "user": town.bob.id, "reason": "rude"}),
    )
    .await
    .problem_code(404, "channel/not-found");
    let nothing = message.replace(&message[10..14], "0000");
    report_message(&town.carol, channel, &nothing)
        .await
        .problem_code(404, "message/not-found");
    report(
        &town.carol,
        json!({"channel": channel, "user": stranger.id, "reason": "rude"}),
    )
    .await
    .problem_code(404, "channel/no-such-member");
    report_message(&town.bob, channel, &message)
        .await
        .problem_code(422, "report/own-doing");
    for wrong in [
        json!({"channel": channel, "reason": "rude"}),
        json!({"channel": channel, "message": message, "user": town.bob.id, "reason": "rude"}),
        json!({"channel": channel, "message": message, "reason": " "}),
        json!({"channel": channel, "message": message}),
    ] {
        report(&town.carol, wrong).await.problem_code(422, "request/invalid");
    }
}

#[tokio::test]
async fn moderators_see_reports_reporters_their_state_and_others_nothing() {
    let town = town().await;
    let message = town.said("free tea").await;
    let id = report_message(&town.carol, &town.room.channel, &message)
        .await
        .is(201)
        .str("id");
    let path = format!("/reports/{id}");
    let carols = town.carol.get(&path).send().await.is(200);
    assert_eq!(carols.body, json!({"id": id, "state": "open"}));
    let stranger = Stage::shared().person("dave").await;
    for person in [&town.bob, &stranger] {
        person.get(&path).send().await.problem_code(404, "report/not-found");
        resolve(person, &id, "none").await.problem_code(404, "report/not-found");
        undo(person, &id).await.problem_code(404, "report/not-found");
    }
    resolve(&town.carol, &id, "none")
        .await
        .problem_code(404, "report/not-found");
    let queue = format!("/spaces/{}/reports", town.room.space);
    town.carol.get(&queue).send().await.problem_code(403, "space/forbidden");
    stranger.get(&queue).send().await.problem_code(404, "space/not-found");
    town.ann
        .get(&format!("{queue}?state=lost"))
        .send()
        .await
        .problem_code(422, "request/invalid");
    // Bob becomes a moderator, and still neither sees nor decides what is about himself.
    town.ann
        .set_role(&town.room.space, &town.bob, "moderator")
        .await
        .accepted();
    town.bob.get(&path).send().await.problem_code(404, "report/not-found");
    resolve(&town.bob, &id, "none")
        .await
        .problem_code(404, "report/not-found");
    let bobs = town.bob.read(&queue).await.is(200);
    assert_eq!(bobs.items().len(), 0);
}

#[tokio::test]
async fn a_message_is_removed_by_a_decision_and_is_there_again_when_it_is_taken_back() {
    let town = town().await;
    let message = town.said("free tea").await;
    let channel = &town.room.channel;
    let id = report_message(&town.carol, channel, &message).await.is(201).str("id");
    let resolved = resolve(&town.ann, &id, "remove_message").await.is(201);
    assert_eq!(resolved["state"], "resolved");
    resolve(&town.ann, &id, "remove_message").await.is(200);
    resolve(&town.ann, &id, "none")
        .await
        .problem_code(409, "report/decided");
    assert_eq!(town.bob.message(channel, &message).await.is(200)["deleted"], true);
    let shown = town.ann.get(&format!("/reports/{id}")).send().await.is(200);
    assert_eq!(
        (
            &shown["decision"]["action"],
            &shown["decision"]["by"],
            &shown["decision"]["reason"]
        ),
        (
            &json!("remove_message"),
            &json!(town.ann.id),
            &json!("against the rules")
        )
    );
    assert_eq!(
        town.carol.get(&format!("/reports/{id}")).send().await["state"],
        "resolved"
    );

    undo(&town.ann, &id).await.is(201);
    undo(&town.ann, &id).await.is(200);
    let back = town.bob.message(channel, &message).await.is(200);
    assert_eq!((&back["deleted"], &back["body"]), (&json!(false), &json!("free tea")));
    let undone = town.queue("undone").await;
    assert_eq!(
        (&undone[0]["id"], &undone[0]["undone"]["by"]),
        (&json!(id), &json!(town.ann.id))
    );
    let events = town.ann.all_events(channel).await;
    let kinds: Vec<_> = events.iter().rev().take(2).map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["message.restored", "message.deleted"]);
}

#[tokio::test]
async fn a_decision_is_repeated_by_its_key_and_by_nobody_twice() {
    let town = town().await;
    let message = town.said("free tea").await;
    let id = report_message(&town.carol, &town.room.channel, &message)
        .await
        .is(201)
        .str("id");
    let key = fresh_key();
    let resolving = |action: &str| {
        town.ann
            .post(&format!("/reports/{id}/resolve"))
            .key(&key)
            .json(&json!({"action": action, "reason": "against the rules"}))
    };
    let first = resolving("remove_message").send().await.is(201);
    let again = resolving("remove_message").send().await.is(200);
    assert_eq!(first["event"], again["event"]);
    resolving("none").send().await.problem_code(409, "idempotency/mismatch");
    let events = town.ann.all_events(&town.room.channel).await;
    let deletions = events.iter().filter(|event| event["type"] == "message.deleted").count();
    assert_eq!(deletions, 1);
}

/// A decision with a key of its own, sent again and again.
async fn keyed(person: &Person, key: &str, path: &str, body: Value) -> Answer {
    person.post(path).key(key).json(&body).send().await
}

#[tokio::test]
async fn a_decision_that_comes_again_after_it_was_taken_back_does_nothing_again() {
    let town = town().await;
    let about_bob = json!({"channel": town.room.channel, "user": town.bob.id, "reason": "rude"});
    let id = report(&town.carol, about_bob.clone()).await.is(201).str("id");
    let (resolve_path, undo_path) = (format!("/reports/{id}/resolve"), format!("/reports/{id}/undo"));
    let ban = json!({"action": "ban", "reason": "against the rules"});
    let why = json!({"reason": "it was a mistake"});
    let (deciding, undoing) = (fresh_key(), fresh_key());
    let first = keyed(&town.ann, &deciding, &resolve_path, ban.clone()).await.is(201);
    keyed(&town.ann, &undoing, &undo_path, why.clone()).await.is(201);
    let join = format!("/spaces/{}/join", town.room.space);
    town.bob.post(&join).send().await.accepted();
    town.bob.join(&town.room.channel).await;
    assert_eq!(report(&town.carol, about_bob).await.is(201).str("id"), id);

    // The answer to the first decision was lost on its way, and it comes again in the second round.
    let again = keyed(&town.ann, &deciding, &resolve_path, ban).await.is(200);
    assert_eq!(
        (&again["event"], &again["state"], &again["replayed"]),
        (&first["event"], &json!("resolved"), &json!(true))
    );
    town.bob.send(&town.room.channel, "still here").await;
    assert_eq!(town.queue("open").await.len(), 1);
    // One key is one decision: with it nothing else is carried out, though it is refused.
    let none = json!({"action": "none", "reason": "against the rules"});
    let key = fresh_key();
    keyed(&town.ann, &key, &resolve_path, none).await.is(201);
    undo(&town.ann, &id).await.is(201);
    let about_bob = json!({"channel": town.room.channel, "user": town.bob.id, "reason": "rude"});
    report(&town.carol, about_bob).await.is(201);
    keyed(
        &town.ann,
        &key,
        &resolve_path,
        json!({"action": "ban", "reason": "against the rules"}),
    )
    .await
    .problem_code(409, "idempotency/mismatch");
    town.bob.send(&town.room.channel, "and still").await;

    // Nor does the taking back that comes again lift what was decided since.
    resolve(&town.ann, &id, "ban").await.is(201);
    keyed(&town.ann, &undoing, &undo_path, why).await.is(200);
    town.bob.post(&join).send().await.problem(404);
}

#[tokio::test]
async fn a_ban_for_an_hour_does_not_pass_for_one_for_good() {
    let town = town().await;
    let about_bob = json!({"channel": town.room.channel, "user": town.bob.id, "reason": "rude"});
    let id = report(&town.carol, about_bob).await.is(201).str("id");
    let hour = json!({"action": "ban", "reason": "against the rules", "until": "2999-01-01T00:00:00Z"});
    let path = format!("/reports/{id}/resolve");
    keyed(&town.ann, &fresh_key(), &path, hour.clone()).await.is(201);
    keyed(&town.ann, &fresh_key(), &path, hour).await.is(200);
    resolve(&town.ann, &id, "ban").await.problem_code(409, "report/decided");
    let bans = town
        .ann
        .read(&format!("/spaces/{}/bans", town.room.space))
        .await
        .is(200);
    assert_eq!(bans.items()[0]["until"], "2999-01-01T00:00:00.000000Z", "{}", bans.text);
}

#[tokio::test]
async fn a_report_that_comes_again_is_answered_though_the_thing_is_out_of_sight() {
    let town = town().await;
    let message = town.said("free tea").await;
    let body = json!({"channel": town.room.channel, "message": message, "reason": "an advertisement"});
    let key = fresh_key();
    let first = keyed(&town.carol, &key, "/reports", body.clone()).await.is(201);
    town.carol.leave(&town.room.channel).await;
    let again = keyed(&town.carol, &key, "/reports", body.clone()).await.is(200);
    assert_eq!((&again["id"], &again["event"]), (&first["id"], &first["event"]));
    keyed(&town.carol, &fresh_key(), "/reports", body)
        .await
        .problem_code(404, "channel/not-found");
}

#[tokio::test]
async fn taking_back_a_decision_takes_back_what_it_did_and_nothing_else() {
    let town = town().await;
    let channel = &town.room.channel;
    let about_bob = json!({"channel": channel, "user": town.bob.id, "reason": "rude"});
    let id = report(&town.carol, about_bob).await.is(201).str("id");
    let mute = json!({"action": "mute", "reason": "cool down", "until": "2999-01-01T00:00:00Z"});
    keyed(&town.ann, &fresh_key(), &format!("/reports/{id}/resolve"), mute)
        .await
        .is(201);
    // Ann has made up her mind for herself since.
    town.ann
        .put(&format!("/spaces/{}/mutes/{}", town.room.space, town.bob.id))
        .json(&json!({"reason": "and louder", "until": "2999-02-02T00:00:00Z"}))
        .send()
        .await
        .is(201);
    undo(&town.ann, &id).await.is(201);
    town.bob
        .send_keyed(channel, &fresh_key(), "hello?")
        .await
        .problem_code(403, "channel/muted");
    // What was gone before the decision stays gone after it.
    let message = town.carol.send(channel, "free tea").await.str("message");
    let id = report_message(&town.bob, channel, &message).await.is(201).str("id");
    town.ann.delete_message(channel, &message).await.is(201);
    resolve(&town.ann, &id, "remove_message").await.is(201);
    undo(&town.ann, &id).await.is(201);
    assert_eq!(town.bob.message(channel, &message).await.is(200)["deleted"], true);
}

#[tokio::test]
async fn whoever_was_removed_by_a_decision_may_come_back() {
    let town = town().await;
    let id = report(
        &town.carol,
        json!({"channel": town.room.channel, "user": town.bob.id, "reason": "rude"}),
    )
    .await
    .is(201)
    .str("id");
    resolve(&town.ann, &id, "remove_message")
        .await
        .problem_code(422, "report/not-applicable");
    resolve(&town.ann, &id, "remove").await.is(201);
    town.bob
        .send_keyed(&town.room.channel, &fresh_key(), "am I out?")
        .await
        .problem(404);
    undo(&town.ann, &id).await.is(201);
    town.bob
        .post(&format!("/spaces/{}/join", town.room.space))
        .send()
        .await
        .accepted();
}

#[tokio::test]
async fn a_mute_and_a_ban_by_a_decision_hold_until_they_are_taken_back() {
    let town = town().await;
    let channel = &town.room.channel;
    let about_bob = async || {
        report(
            &town.carol,
            json!({"channel": channel, "user": town.bob.id, "reason": "rude"}),
        )
        .await
        .is(201)
        .str("id")
    };
    let mute = about_bob().await;
    let muting = |until: Value| {
        town.ann
            .post(&format!("/reports/{mute}/resolve"))
            .json(&json!({"action": "mute", "reason": "cool down", "until": until}))
    };
    muting(json!(null))
        .send()
        .await
        .problem_code(422, "report/not-applicable");
    muting(json!("tomorrow"))
        .send()
        .await
        .problem_code(422, "request/invalid");
    muting(json!("2999-01-01T00:00:00Z")).send().await.is(201);
    town.bob
        .send_keyed(channel, &fresh_key(), "hello?")
        .await
        .problem_code(403, "channel/muted");
    undo(&town.ann, &mute).await.is(201);
    town.bob.send(channel, "hello again").await;

    let ban = about_bob().await;
    assert_eq!(ban, mute, "it is the same report, in its second round");
    resolve(&town.ann, &ban, "ban").await.is(201);
    let join = format!("/spaces/{}/join", town.room.space);
    assert!(town.bob.post(&join).send().await.status >= 400);
    undo(&town.ann, &ban).await.is(201);
    town.bob.post(&join).send().await.accepted();
}

#[tokio::test]
async fn a_decision_that_the_place_refuses_leaves_the_report_open() {
    let town = town().await;
    let dave = town.ann.stage().person("dave").await;
    town.ann.set_role(&town.room.space, &town.bob, "admin").await.accepted();
    town.ann.set_role(&town.room.space, &dave, "moderator").await.accepted();
    let id = report(
        &town.carol,
        json!({"channel": town.room.channel, "user": town.bob.id, "reason": "rude"}),
    )
    .await
    .is(201)
    .str("id");
    // A moderator does not remove an admin, by whatever way.
    resolve(&dave, &id, "remove").await.problem_code(403, "space/forbidden");
    assert_eq!(town.queue("open").await.len(), 1);
    resolve(&dave, &id, "none").await.is(201);
    assert_eq!(town.queue("open").await.len(), 0);
}

#[tokio::test]
async fn outside_of_spaces_operators_decide() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let (ann, bob, olga) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("olga").await,
    );
    server.kill9();
    assert!(server.run(&["grant", &olga.handle, "operator"]).status.success());
    server.launch();
    let direct = ann.open_direct(&bob).await.str("id");
    let message = bob.send(&direct, "free tea").await.str("message");
    let id = report_message(&ann, &direct, &message).await.is(201).str("id");
    ann.get("/admin/reports")
        .send()
        .await
        .problem_code(403, "auth/role-required");
    let queue = olga.read("/admin/reports").await.is(200);
    assert_eq!(queue.items()[0]["id"], json!(id));
    olga.get(&format!("/reports/{id}")).send().await.is(200);
    // Deciding takes saying that one acts as an operator.
    resolve(&olga, &id, "remove_message")
        .await
        .problem_code(404, "report/not-found");
    let body = json!({"action": "remove_message", "reason": "against the rules"});
    let decide = format!("/admin/reports/{id}/resolve");
    ann.post(&decide)
        .json(&body)
        .send()
        .await
        .problem_code(403, "auth/role-required");
    olga.post(&decide).json(&body).send().await.is(201);
    assert_eq!(ann.message(&direct, &message).await.is(200)["deleted"], true);
    // To the operator the conversation itself does not exist.
    olga.get(&format!("/channels/{direct}/messages"))
        .send()
        .await
        .problem_code(404, "channel/not-found");
    let why = json!({"reason": "it was a mistake"});
    let undo = format!("/admin/reports/{id}/undo");
    ann.post(&undo)
        .json(&why)
        .send()
        .await
        .problem_code(403, "auth/role-required");
    olga.post(&undo).json(&why).send().await.is(201);
    assert_eq!(ann.message(&direct, &message).await.is(200)["body"], "free tea");
}

#[tokio::test]
async fn pages_of_reports_meet() {
    let town = town().await;
    let mut expected = vec![];
    for turn in 0..5 {
        let message = town.said(&format!("advertisement {turn}")).await;
        expected.push(report_message(&town.carol, &town.room.channel, &message).await.is(201)["id"].clone());
    }
    let (mut seen, mut after) = (vec![], String::new());
    loop {
        let path = format!("/spaces/{}/reports?limit=2{after}", town.room.space);
        let page = town.ann.read(&path).await.is(200);
        seen.extend(page.items().iter().map(|item| item["id"].clone()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}
