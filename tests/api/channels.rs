//! Channels of a space and group conversations: making them, being in them, changing them. What happens inside is tested elsewhere.

use serde_json::json;
use verbatim_tests::{NOWHERE, Stage, fresh_key};

#[tokio::test]
async fn a_channel_has_the_promised_shape() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let space = ann.create_space("Club").await;
    let body = json!({"name": "general", "kind": "text"});
    let made = ann
        .post(&format!("/spaces/{space}/channels"))
        .json(&body)
        .send()
        .await
        .is(201);
    assert!(made["pos"].is_string(), "{}", made.text);
    let id = made.str("id");
    assert!(id.starts_with("channel_"));
    let read = ann.read(&format!("/channels/{id}")).await.is(200);
    for shown in [&made.body, &read.body, &ann.listed(&id).await] {
        assert_eq!(
            (&shown["space"], &shown["kind"], &shown["name"]),
            (&json!(space), &json!("text"), &json!("general"))
        );
        assert_eq!(
            (&shown["private"], &shown["archived"], &shown["history"]),
            (&json!(false), &json!(false), &json!("all"))
        );
        assert_eq!(shown["members_count"], 1);
        assert!(shown["top"].as_u64().is_some_and(|top| top >= 1), "{shown}");
        assert!(
            shown["unread"].is_u64() && shown["mentions"].is_u64() && shown["read"].is_u64(),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_repeat_with_the_same_key_makes_no_second_channel() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    let (key, path) = (fresh_key(), format!("/spaces/{space}/channels"));
    let body = json!({"name": "once", "kind": "text"});
    let first = ann.post(&path).key(&key).json(&body).send().await.is(201);
    let again = ann.post(&path).key(&key).json(&body).send().await.is(200);
    assert_eq!(first["id"], again["id"]);
    let group = json!({"kind": "group", "members": [bob.id]});
    let key = fresh_key();
    let first = ann.post("/channels").key(&key).json(&group).send().await.is(201);
    let again = ann.post("/channels").key(&key).json(&group).send().await.is(200);
    assert_eq!(first["id"], again["id"]);
    assert_eq!(ann.read("/channels").await.items().len(), 2);
}

#[tokio::test]
async fn a_person_is_in_a_channel_only_by_an_event_of_that_channel() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    let channel = ann.create_channel(&space, "general").await;
    ann.admit(&space, &bob).await;
    bob.read(&format!("/channels/{channel}")).await.problem(404);
    let ack = bob.join(&channel).await;
    let events = bob.all_events(&channel).await;
    let last = events.last().expect("events");
    assert_eq!(
        (&last["type"], &last["seq"], &last["event"]),
        (&json!("member.added"), &ack["seq"], &ack["event"])
    );
    assert_eq!(last["d"]["user"], bob.id);
    assert_eq!(ann.listed(&channel).await["members_count"], 2);
}

#[tokio::test]
async fn joining_adding_and_leaving_twice_is_no_error_and_no_event() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let before = ann.all_events(&room.channel).await.len();
    bob.join(&room.channel).await;
    ann.add_member(&room.channel, &bob).await.accepted();
    assert_eq!(ann.all_events(&room.channel).await.len(), before);
    bob.leave(&room.channel).await;
    bob.leave(&room.channel).await;
    assert_eq!(ann.all_events(&room.channel).await.len(), before + 1);
    assert!(bob.read("/channels").await.items().is_empty());
}

#[tokio::test]
async fn members_are_listed_with_their_roles() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let members = bob.read(&format!("/channels/{}/members", room.channel)).await.is(200);
    let mut roles: Vec<_> = members
        .items()
        .iter()
        .map(|member| (member["user"].clone(), member["role"].clone()))
        .collect();
    let mut expected = vec![(json!(ann.id), json!("owner")), (json!(bob.id), json!("member"))];
    roles.sort_by_key(|(user, _)| user.to_string());
    expected.sort_by_key(|(user, _)| user.to_string());
    assert_eq!(roles, expected, "{}", members.text);
}

#[tokio::test]
async fn a_private_channel_is_joined_by_invitation_only() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    ann.admit(&space, &bob).await;
    let channel = ann.create_private_channel(&space, "council").await;
    bob.post(&format!("/channels/{channel}/join")).send().await.problem(404);
    ann.add_member(&channel, &bob).await.accepted();
    bob.send(&channel, "thank you").await;
}

#[tokio::test]
async fn only_people_of_the_space_are_brought_into_its_channels() {
    let stage = Stage::shared();
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let room = stage.room(&[&ann]).await;
    ann.add_member(&room.channel, &eve).await.problem(409);
    eve.post(&format!("/channels/{}/join", room.channel))
        .send()
        .await
        .problem(404);
}

#[tokio::test]
async fn only_admins_make_and_change_channels_of_a_space() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let body = json!({"name": "bobs", "kind": "text"});
    bob.post(&format!("/spaces/{}/channels", room.space))
        .json(&body)
        .send()
        .await
        .problem(403);
    let path = format!("/channels/{}", room.channel);
    bob.patch(&path)
        .json(&json!({"name": "bobs"}))
        .send()
        .await
        .problem(403);
    bob.delete(&path).send().await.problem(403);
    ann.patch(&path).json(&json!({"name": "anns"})).send().await.accepted();
    assert_eq!(bob.read(&path).await["name"], "anns");
    ann.set_role(&room.space, &bob, "admin").await.accepted();
    bob.patch(&path).json(&json!({"name": "bobs"})).send().await.accepted();
    assert_eq!(ann.read(&path).await["name"], "bobs");
}

#[tokio::test]
async fn an_archived_channel_is_read_but_not_written() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let sent = ann.send(&room.channel, "last words").await;
    ann.delete(&format!("/channels/{}", room.channel))
        .send()
        .await
        .accepted();
    ann.send_keyed(&room.channel, &fresh_key(), "too late")
        .await
        .problem_code(409, "channel/archived");
    ann.edit(&room.channel, &sent.str("message"), "too late")
        .await
        .problem_code(409, "channel/archived");
    assert_eq!(ann.page(&room.channel, "").await.items()[0]["body"], "last words");
    assert_eq!(ann.read(&format!("/channels/{}", room.channel)).await["archived"], true);
}

#[tokio::test]
async fn the_channels_of_an_archived_space_are_read_but_not_written() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let sent = bob.send_keyed(&room.channel, "words", "last words").await;
    sent.accepted();
    let space = format!("/spaces/{}", room.space);
    ann.delete(&space).send().await.accepted();
    for person in [&ann, &bob] {
        person
            .send_keyed(&room.channel, &fresh_key(), "too late")
            .await
            .problem_code(409, "channel/archived");
    }
    ann.post(&format!("{space}/channels"))
        .json(&json!({"name": "late", "kind": "text"}))
        .send()
        .await
        .problem_code(409, "space/archived");
    let again = bob.send_keyed(&room.channel, "words", "last words").await.accepted();
    assert_eq!(again["replayed"], true);
    assert_eq!(bob.page(&room.channel, "").await.items()[0]["body"], "last words");
    bob.post(&format!("/channels/{}/leave", room.channel))
        .send()
        .await
        .accepted();
}

#[tokio::test]
async fn strangers_open_no_channel_in_a_space_and_learn_nothing_of_it() {
    let stage = Stage::shared();
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let space = ann.create_space("Club").await;
    let nowhere = "space_7zzzzzzzzz8zzvzzzzzzzzzzzz".to_owned();
    for space in [space, nowhere] {
        eve.post(&format!("/spaces/{space}/channels"))
            .json(&json!({"name": "mine", "kind": "text"}))
            .send()
            .await
            .problem_code(404, "space/not-found");
    }
}

#[tokio::test]
async fn a_group_is_made_of_the_people_named_and_nobody_else() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let group = ann.create_group(&[&bob]).await;
    let listed = bob.listed(&group).await;
    assert_eq!(
        (&listed["kind"], &listed["space"], &listed["members_count"]),
        (&json!("group"), &json!(null), &json!(2))
    );
    assert_eq!(listed["history"], "since_join");
    bob.send(&group, "hello").await;
    eve.post(&format!("/channels/{group}/join")).send().await.problem(404);
    let nobody = json!({"kind": "group", "members": ["user_01h455vb4pex5vsknk084sn02q"]});
    ann.post("/channels").json(&nobody).send().await.problem(404);
}

#[tokio::test]
async fn who_comes_later_to_a_group_sees_nothing_from_before() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let group = ann.create_group(&[&bob]).await;
    let early = ann.send(&group, "between the two of us").await;
    let since = ann.add_member(&group, &carol).await.accepted().u64("seq");
    let late = ann.send(&group, "welcome").await;
    let page = carol.page(&group, "after=0").await;
    let seen: Vec<_> = page.items().iter().map(|message| message["seq"].clone()).collect();
    assert_eq!(seen, [late["seq"].clone()]);
    assert_eq!(page["complete_before"], true);
    assert!(page.u64("lo") >= since, "{}", page.text);
    let events = carol.all_events(&group).await;
    assert_eq!(events[0]["seq"], since);
    carol.message(&group, &early.str("message")).await.problem(404);
    let reply = json!({"body": "what was it?", "reply_to": early["message"]});
    carol
        .post(&format!("/channels/{group}/messages"))
        .json(&reply)
        .send()
        .await
        .problem(404);
    assert_eq!(carol.listed(&group).await["unread"], 1);
    assert_eq!(bob.page(&group, "").await.items().len(), 2);
}

#[tokio::test]
async fn who_comes_later_to_a_channel_of_a_space_reads_all_of_it() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann]).await;
    ann.send(&room.channel, "the minutes of last week").await;
    ann.admit(&room.space, &bob).await;
    bob.join(&room.channel).await;
    assert_eq!(
        bob.page(&room.channel, "").await.items()[0]["body"],
        "the minutes of last week"
    );
    assert_eq!(bob.all_events(&room.channel).await[0]["seq"], 1);
}

#[tokio::test]
async fn names_and_kinds_have_bounds() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let space = ann.create_space("Club").await;
    for body in [
        json!({"name": "", "kind": "text"}),
        json!({"name": "n".repeat(81), "kind": "text"}),
        json!({"name": "two\nlines", "kind": "text"}),
        json!({"name": "x", "kind": "carrier-pigeon"}),
        json!({"name": "x", "kind": 3}),
        json!({"kind": "text"}),
        json!({"name": "x", "kind": "text", "private": "yes"}),
    ] {
        ann.post(&format!("/spaces/{space}/channels"))
            .json(&body)
            .send()
            .await
            .problem(422);
    }
    for body in [
        json!({"kind": "direct"}),
        json!({"kind": "group", "members": "everyone"}),
        json!({"kind": "group", "members": ["bob"]}),
    ] {
        ann.post("/channels").json(&body).send().await.problem(422);
    }
    assert!(ann.read("/channels").await.items().is_empty());
    ann.read(&format!("/channels/{NOWHERE}"))
        .await
        .problem_code(404, "channel/not-found");
}

#[tokio::test]
async fn the_list_of_channels_comes_in_pages() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let space = ann.create_space("Club").await;
    let mut made = vec![];
    for number in 0..7 {
        made.push(ann.create_channel(&space, &format!("number {number}")).await);
    }
    let mut found = vec![];
    let mut path = "/channels?limit=3".to_owned();
    loop {
        let page = ann.read(&path).await.is(200);
        assert!((1..=3).contains(&page.items().len()), "{}", page.text);
        found.extend(
            page.items()
                .iter()
                .map(|item| item["id"].as_str().expect("an id").to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/channels?limit=3&after={next}");
    }
    found.sort();
    made.sort();
    assert_eq!(found, made);
}

#[tokio::test]
async fn a_space_shows_its_people_the_channels_they_may_join() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann]).await;
    let private = ann.create_private_channel(&room.space, "council").await;
    ann.admit(&room.space, &bob).await;
    let path = format!("/spaces/{}/channels", room.space);
    let seen_by_bob = bob.read(&path).await.is(200);
    assert!(
        seen_by_bob.items().iter().any(|item| item["id"] == room.channel),
        "{}",
        seen_by_bob.text
    );
    assert!(!seen_by_bob.text.contains(&private), "{}", seen_by_bob.text);
    assert!(ann.read(&path).await.text.contains(&private));
    eve.read(&path).await.problem(404);
}
