//! Feeds: rankings that stay the same from page to page, of what one may see now.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use verbatim_tests::{Answer, Person, Room, Stage};

async fn feed(person: &Person, path: &str) -> Answer {
    person.read(path).await.is(200)
}

fn ids(page: &Answer) -> Vec<String> {
    let ids = page
        .items()
        .iter()
        .map(|item| item["id"].as_str().expect("an id").to_owned());
    ids.collect()
}

async fn vote(person: &Person, channel: &str, message: &str, vote: &str) {
    person
        .put(&format!("/channels/{channel}/messages/{message}/vote"))
        .json(&json!({"vote": vote}))
        .send()
        .await
        .accepted();
}

async fn space(owner: &Person, join: &str) -> Room {
    let space = owner
        .post("/spaces")
        .json(&json!({"name": "Fair", "join": join}))
        .send()
        .await;
    let space = space.is(201).str("id");
    let channel = owner.create_channel(&space, "stalls").await;
    Room { space, channel }
}

/// Nobody votes on their own words, so it takes three for two votes.
async fn trio(stage: &Stage) -> (Person, Person, Person) {
    (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    )
}

async fn said(person: &Person, channel: &str, body: &str) -> String {
    person.send(channel, body).await.str("message")
}

#[tokio::test]
async fn feeds_rank_by_time_votes_and_both() {
    let stage = Stage::shared();
    let (ann, bob, carol) = trio(&stage).await;
    let room = stage.room(&[&ann, &bob, &carol]).await;
    let mut messages = vec![];
    for number in 0..3 {
        messages.push(said(&ann, &room.channel, &format!("number {number}")).await);
    }
    vote(&carol, &room.channel, &messages[0], "up").await;
    vote(&bob, &room.channel, &messages[0], "up").await;
    vote(&bob, &room.channel, &messages[2], "down").await;
    let [oldest, middle, newest] = [&messages[0], &messages[1], &messages[2]].map(String::as_str);
    let page = feed(&bob, "/feeds/home?sort=new").await;
    assert_eq!(ids(&page), [newest, middle, oldest]);
    assert_eq!(ids(&feed(&bob, "/feeds/home?sort=top").await), [oldest, middle, newest]);
    let path = format!("/spaces/{}/feed?sort=top", room.space);
    assert_eq!(ids(&feed(&bob, &path).await), [oldest, middle, newest]);
    let path = format!("/channels/{}/posts?sort=hot", room.channel);
    let page = feed(&bob, &path).await;
    // Two votes are worth hours; one is worth nothing.
    assert_eq!(ids(&page), [oldest, newest, middle]);
    let first = &page.items()[0];
    assert_eq!(
        (
            &first["score"],
            &first["mine"],
            &first["comments"],
            &first["channel"],
            &first["space"]
        ),
        (
            &json!(2),
            &json!("up"),
            &json!(0),
            &json!(room.channel),
            &json!(room.space)
        )
    );
    assert_eq!((&first["body"], &first["by"]), (&json!("number 0"), &json!(ann.id)));
    assert_eq!(page.items()[1]["mine"], "down");
    assert_eq!(page.items()[2]["mine"], Value::Null);
}

#[tokio::test]
async fn what_is_said_below_an_entry_is_counted_and_is_none_itself() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let root = said(&ann, &room.channel, "what do you think").await;
    let comment = bob
        .post(&format!("/channels/{}/messages", room.channel))
        .json(&json!({"body": "nothing", "thread": root}))
        .send()
        .await
        .is(201)
        .str("message");
    let page = feed(&ann, "/feeds/home?sort=new").await;
    assert_eq!(ids(&page), [root]);
    assert_eq!(page.items()[0]["comments"], 1);
    bob.delete_message(&room.channel, &comment).await.is(201);
    assert_eq!(feed(&ann, "/feeds/home").await.items()[0]["comments"], 0);
}

#[tokio::test]
async fn pages_of_a_walk_stay_what_they_were_under_new_votes_and_posts() {
    let stage = Stage::shared();
    let (ann, bob, carol) = trio(&stage).await;
    let room = stage.room(&[&ann, &bob, &carol]).await;
    let mut messages = vec![];
    for number in 0..7 {
        messages.push(said(&ann, &room.channel, &format!("number {number}")).await);
    }
    vote(&carol, &room.channel, &messages[3], "up").await;
    for sort in ["new", "top", "hot"] {
        let whole = ids(&feed(&bob, &format!("/feeds/home?sort={sort}")).await);
        let (mut walked, mut next) = (vec![], String::new());
        for round in 0.. {
            let page = feed(&bob, &format!("/feeds/home?sort={sort}&limit=2{next}")).await;
            walked.extend(ids(&page));
            let Some(cursor) = page["next"].as_str() else { break };
            next = format!("&after={cursor}");
            // The last of the ranking climbs to its top, the first falls, and somebody says more.
            let votes = [(&whole[whole.len() - 1 - round % 2], "up"), (&whole[round % 2], "down")];
            for (message, kind) in votes {
                vote(&bob, &room.channel, message, kind).await;
                vote(&carol, &room.channel, message, kind).await;
            }
            said(&ann, &room.channel, "more").await;
        }
        assert_eq!(walked, whole, "{sort}");
    }
}

#[tokio::test]
async fn deleted_posts_leave_and_come_back() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let message = said(&bob, &room.channel, "soon gone").await;
    ann.delete_message(&room.channel, &message).await.is(201);
    let at_once = ann.get("/feeds/home").send().await.is(200);
    assert!(at_once.items().is_empty(), "{}", at_once.text);
    assert_eq!(ids(&feed(&ann, "/feeds/home").await), [""; 0]);
    ann.post(&format!("/channels/{}/messages/{message}/restore", room.channel))
        .json(&json!({"reason": "a mistake"}))
        .send()
        .await
        .accepted();
    assert_eq!(ids(&feed(&ann, "/feeds/home").await), [message]);
}

#[tokio::test]
async fn who_is_out_is_shown_nothing_from_that_moment() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for way in ["leaves", "is removed", "is banned", "leaves the channel"] {
        let bob = stage.person("bob").await;
        let room = stage.room(&[&ann, &bob]).await;
        let message = said(&ann, &room.channel, "for members").await;
        assert_eq!(ids(&feed(&bob, "/feeds/home").await), [message], "{way}");
        match way {
            "leaves" => {
                let left = bob.post(&format!("/spaces/{}/leave", room.space)).send().await;
                left.accepted();
            }
            "is removed" => drop(ann.remove_from_space(&room.space, &bob).await.accepted()),
            "is banned" => drop(ann.ban(&room.space, &bob).await.accepted()),
            _ => drop(bob.leave(&room.channel).await),
        }
        let home = bob.get("/feeds/home").send().await.is(200);
        assert!(home.items().is_empty(), "{way}: {}", home.text);
        let posts = bob.get(&format!("/channels/{}/posts", room.channel)).send().await;
        posts.problem_code(404, "channel/not-found");
        let of_space = bob.get(&format!("/spaces/{}/feed", room.space)).send().await;
        match way {
            "leaves the channel" => assert!(of_space.is(200).items().is_empty()),
            _ => drop(of_space.problem_code(404, "space/not-found")),
        }
    }
}

/// Whether the newest open entries have this one; other tests of the same server may have newer ones.
async fn discovers(person: &Person, message: &str) -> bool {
    let mut path = "/feeds/discover?sort=new&limit=100".to_owned();
    for _ in 0..20 {
        let page = feed(person, &path).await;
        if ids(&page).iter().any(|id| id == message) {
            return true;
        }
        let Some(next) = page["next"].as_str() else {
            return false;
        };
        path = format!("/feeds/discover?sort=new&limit=100&after={next}");
    }
    false
}

#[tokio::test]
async fn discovering_shows_what_anyone_may_walk_into_and_no_more() {
    let stage = Stage::shared();
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let fair = space(&ann, "open").await;
    let open = said(&ann, &fair.channel, "come in").await;
    let private = ann.create_private_channel(&fair.space, "backroom").await;
    let hidden = said(&ann, &private, "not for you").await;
    let club = space(&ann, "invite").await;
    let closed = said(&ann, &club.channel, "members only").await;
    let group = ann.create_group(&[]).await;
    let alone = said(&ann, &group, "to myself").await;
    assert!(discovers(&eve, &open).await);
    for message in [hidden, closed, alone] {
        assert!(!discovers(&eve, &message).await);
    }
    ann.ban(&fair.space, &eve).await.accepted();
    assert!(!discovers(&eve, &open).await, "to the banned the space does not exist");
    let guest = stage.person("guest").await;
    ann.set_role(&fair.space, &guest, "guest").await.accepted();
    assert!(
        !discovers(&guest, &open).await,
        "guests walk into nothing by themselves"
    );
    let zoe = stage.person("zoe").await;
    assert!(discovers(&zoe, &open).await);
    ann.patch(&format!("/channels/{}", fair.channel))
        .json(&json!({"history": "since_join"}))
        .send()
        .await
        .accepted();
    assert!(!discovers(&zoe, &open).await, "who joins now does not see it either");
}

#[tokio::test]
async fn an_archived_channel_or_space_is_not_discovered() {
    let stage = Stage::shared();
    let (ann, eve) = (stage.person("ann").await, stage.person("eve").await);
    let fair = space(&ann, "open").await;
    let open = said(&ann, &fair.channel, "come in").await;
    let other = ann.create_channel(&fair.space, "other").await;
    let there = said(&ann, &other, "over here").await;
    ann.delete(&format!("/channels/{}", fair.channel))
        .send()
        .await
        .accepted();
    assert!(!discovers(&eve, &open).await);
    assert!(discovers(&eve, &there).await);
    ann.delete(&format!("/spaces/{}", fair.space)).send().await.accepted();
    assert!(!discovers(&eve, &there).await);
}

#[tokio::test]
async fn a_cursor_belongs_to_one_walk() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    for number in 0..3 {
        said(&ann, &room.channel, &format!("number {number}")).await;
    }
    let next = feed(&ann, "/feeds/home?sort=new&limit=1").await.str("next");
    let wrong = [
        format!("/feeds/home?sort=top&after={next}"),
        format!("/feeds/discover?sort=new&after={next}"),
        format!("/spaces/{}/feed?sort=new&after={next}", room.space),
        "/feeds/home?sort=new&after=garbage".to_owned(),
        "/feeds/home?after=".to_owned(),
    ];
    for path in wrong {
        let answer = ann.get(&path).send().await.problem_code(422, "request/invalid");
        assert_eq!(answer["errors"][0]["pointer"], "/after", "{path}");
    }
    let sort = ann
        .get("/feeds/home?sort=best")
        .send()
        .await
        .problem_code(422, "request/invalid");
    assert_eq!(sort["errors"][0]["pointer"], "/sort");
    // Short pages, each with something, end.
    let (mut path, mut seen) = ("/feeds/home?sort=new&limit=1".to_owned(), BTreeSet::new());
    loop {
        let page = feed(&ann, &path).await;
        for id in ids(&page) {
            assert!(seen.insert(id), "twice");
        }
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/feeds/home?sort=new&limit=1&after={next}");
    }
    assert_eq!(seen.len(), 3);
}
