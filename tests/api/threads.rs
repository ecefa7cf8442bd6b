//! Threads and forums over HTTP: what belongs to a thread, how comments nest, and walks through rankings that nobody's vote disturbs.

use serde_json::{Value, json};
use verbatim_tests::{Answer, Person, Room, Stage, fresh_key};

async fn say_in(person: &Person, channel: &str, d: Value) -> Answer {
    let path = format!("/channels/{channel}/messages");
    person.post(&path).key(&fresh_key()).json(&d).send().await
}

async fn answer(person: &Person, channel: &str, thread: &str, reply_to: &str, body: &str) -> String {
    let d = json!({"body": body, "thread": thread, "reply_to": reply_to});
    say_in(person, channel, d).await.is(201).str("message")
}

async fn vote(person: &Person, channel: &str, message: &str, vote: &str) {
    let path = format!("/channels/{channel}/messages/{message}/vote");
    person.put(&path).json(&json!({"vote": vote})).send().await.accepted();
}

async fn thread(person: &Person, channel: &str, root: &str, query: &str) -> Answer {
    let path = format!("/channels/{channel}/messages/{root}/thread?{query}");
    person.read(&path).await
}

async fn comments(person: &Person, channel: &str, parent: &str, query: &str) -> Answer {
    let path = format!("/channels/{channel}/messages/{parent}/comments?{query}");
    person.read(&path).await
}

fn ids(page: &Answer) -> Vec<String> {
    let id = |item: &Value| item["id"].as_str().expect("an id").to_owned();
    page.items().iter().map(id).collect()
}

async fn forum(people: &[&Person]) -> Room {
    let (owner, others) = people.split_first().expect("somebody");
    let space = owner.create_space("Ideas").await;
    let body = json!({"name": "ideas", "kind": "forum"});
    let made = owner
        .post(&format!("/spaces/{space}/channels"))
        .json(&body)
        .send()
        .await
        .is(201);
    assert_eq!(made["kind"], "forum");
    let channel = made.str("id");
    for person in others {
        owner.admit(&space, person).await;
        person.join(&channel).await;
    }
    Room { space, channel }
}

async fn ann_bob_and_carol() -> (Person, Person, Person) {
    let stage = Stage::shared();
    (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    )
}

#[tokio::test]
async fn a_thread_has_its_messages_and_its_root_a_summary() {
    let (ann, bob, _) = ann_bob_and_carol().await;
    let channel = ann.open_direct(&bob).await.str("id");
    let root = ann.send(&channel, "where do we meet").await.str("message");
    bob.send(&channel, "something else").await;
    let first = answer(&bob, &channel, &root, &root, "at the well").await;
    let second = answer(&ann, &channel, &root, &first, "which well").await;
    let shown = bob.message(&channel, &second).await.is(200);
    assert_eq!(
        (&shown["thread"], &shown["reply_to"], &shown["depth"]),
        (&json!(root), &json!(first), &json!(0))
    );
    let page = thread(&ann, &channel, &root, "").await.is(200);
    assert_eq!(ids(&page), [first.clone(), second.clone()]);
    assert_eq!(
        (&page["complete_before"], &page["complete_after"]),
        (&json!(true), &json!(true))
    );
    let summary = ann.message(&channel, &root).await.is(200)["thread_summary"].clone();
    assert_eq!(
        (&summary["replies"], &summary["last_seq"], &summary["last_at"]),
        (&json!(2), &shown["seq"], &shown["at"])
    );
    ann.delete_message(&channel, &second).await.is(201);
    ann.delete_message(&channel, &second).await.is(200);
    let summary = ann.message(&channel, &root).await.is(200)["thread_summary"].clone();
    assert_eq!((&summary["replies"], &summary["last_seq"]), (&json!(1), &shown["seq"]));
    let timeline = ann.page(&channel, "").await;
    assert_eq!(
        timeline.items().len(),
        4,
        "the timeline has all messages, those of threads too"
    );
}

#[tokio::test]
async fn pages_of_a_thread_are_limited_and_meet_without_holes() {
    let (ann, bob, _) = ann_bob_and_carol().await;
    let channel = ann.open_direct(&bob).await.str("id");
    let root = ann.send(&channel, "count with me").await.str("message");
    let mut all = vec![];
    for number in 0..60 {
        all.push(answer(&ann, &channel, &root, &root, &format!("number {number}")).await);
        if number % 7 == 0 {
            bob.send(&channel, "not in the thread").await;
        }
    }
    let newest = thread(&bob, &channel, &root, "").await.is(200);
    assert_eq!(ids(&newest), all[10..], "the newest fifty, unless more are asked for");
    thread(&bob, &channel, &root, "limit=101").await.problem(422);
    let mut walked = vec![];
    let mut page = thread(&bob, &channel, &root, "limit=7&after=0").await.is(200);
    loop {
        walked.extend(ids(&page));
        if page["complete_after"] == true {
            break;
        }
        let after = page.u64("hi");
        page = thread(&bob, &channel, &root, &format!("limit=7&after={after}"))
            .await
            .is(200);
    }
    assert_eq!(walked, all);
}

#[tokio::test]
async fn a_thread_in_a_thread_and_an_answer_from_elsewhere_are_refused() {
    let (ann, bob, _) = ann_bob_and_carol().await;
    let channel = ann.open_direct(&bob).await.str("id");
    let (root, other) = (
        ann.send(&channel, "one").await.str("message"),
        ann.send(&channel, "two").await.str("message"),
    );
    let inside = answer(&bob, &channel, &root, &root, "inside").await;
    let refused = async |d: Value, status: u16, code: &str| {
        say_in(&ann, &channel, d).await.problem_code(status, code);
    };
    refused(json!({"body": "x", "thread": inside}), 422, "message/thread-in-thread").await;
    refused(
        json!({"body": "x", "thread": root, "reply_to": other}),
        422,
        "message/other-thread",
    )
    .await;
    refused(
        json!({"body": "x", "thread": other, "reply_to": inside}),
        422,
        "message/other-thread",
    )
    .await;
    refused(json!({"body": "x", "thread": "message_x"}), 422, "request/invalid").await;
    let nowhere = "message_01h455vb4pex5vsknk084sn02q";
    refused(json!({"body": "x", "thread": nowhere}), 404, "message/not-found").await;
    ann.delete_message(&channel, &other).await.is(201);
    refused(json!({"body": "x", "thread": other}), 409, "message/deleted").await;
    refused(json!({"body": "x", "reply_to": other}), 409, "message/deleted").await;
}

#[tokio::test]
async fn comments_nest_below_their_post_and_only_so_deep() {
    let (ann, bob, _) = ann_bob_and_carol().await;
    let Room { channel, .. } = forum(&[&ann, &bob]).await;
    let post = ann.send(&channel, "a well on the square").await.str("message");
    let d = json!({"body": "who digs", "thread": post});
    let first = say_in(&bob, &channel, d).await.is(201).str("message");
    let shown = ann.message(&channel, &first).await.is(200);
    assert_eq!((&shown["reply_to"], &shown["depth"]), (&json!(post), &json!(1)));
    let mut parent = first.clone();
    for depth in 2..=10 {
        parent = answer(&ann, &channel, &post, &parent, "and then").await;
        assert_eq!(bob.message(&channel, &parent).await.is(200)["depth"], depth);
    }
    let too_deep = json!({"body": "deeper", "thread": post, "reply_to": parent});
    say_in(&bob, &channel, too_deep)
        .await
        .problem_code(422, "message/too-deep");
    let outside = json!({"body": "an answer", "reply_to": post});
    say_in(&bob, &channel, outside)
        .await
        .problem_code(422, "message/thread-missing");
    let tree = comments(&bob, &channel, &post, "").await.is(200);
    let depths: Vec<_> = tree.items().iter().map(|item| item["depth"].as_u64()).collect();
    assert_eq!(depths, (1..=10).map(Some).collect::<Vec<_>>());
    let below = comments(&bob, &channel, &first, "").await.is(200);
    assert_eq!(below.items().len(), 9, "the comments below a comment");
    assert_eq!(
        ann.message(&channel, &post).await.is(200)["thread_summary"]["replies"],
        10
    );
}

#[tokio::test]
async fn siblings_stand_by_votes_or_by_age_and_answers_behind_what_they_answer() {
    let (ann, bob, carol) = ann_bob_and_carol().await;
    let Room { channel, .. } = forum(&[&ann, &bob, &carol]).await;
    let post = ann.send(&channel, "a post").await.str("message");
    let old = answer(&ann, &channel, &post, &post, "old").await;
    let middle = answer(&ann, &channel, &post, &post, "middle").await;
    let new = answer(&ann, &channel, &post, &post, "new").await;
    let below_old = answer(&ann, &channel, &post, &old, "below old").await;
    let beside = answer(&ann, &channel, &post, &old, "beside").await;
    vote(&bob, &channel, &middle, "up").await;
    vote(&bob, &channel, &new, "down").await;
    vote(&carol, &channel, &beside, "up").await;
    let top = comments(&bob, &channel, &post, "sort=top").await.is(200);
    assert_eq!(ids(&top), [&middle, &old, &beside, &below_old, &new].map(String::clone));
    assert_eq!(top["next"], json!(null));
    let newest = comments(&bob, &channel, &post, "sort=new").await.is(200);
    assert_eq!(
        ids(&newest),
        [&new, &middle, &old, &beside, &below_old].map(String::clone)
    );
    comments(&bob, &channel, &post, "sort=hot").await.problem(422);
}

#[tokio::test]
async fn a_walk_shows_the_ranking_of_its_beginning_without_what_was_deleted_since() {
    let (ann, bob, carol) = ann_bob_and_carol().await;
    let Room { channel, .. } = forum(&[&ann, &bob, &carol]).await;
    let post = ann.send(&channel, "a post").await.str("message");
    let mut parents = vec![post.clone()];
    for number in 0..24usize {
        let parent = parents[number * 7 % parents.len()].clone();
        let comment = answer(&ann, &channel, &post, &parent, &format!("number {number}")).await;
        if number % 3 == 0 {
            vote(&bob, &channel, &comment, "up").await;
        }
        if number % 2 == 0 {
            parents.push(comment);
        }
    }
    for sort in ["top", "new"] {
        let whole = ids(&comments(&bob, &channel, &post, &format!("sort={sort}&limit=100"))
            .await
            .is(200));
        assert_eq!(whole.len() % 24, 0, "all of them");
        let mut walked = vec![];
        let mut gone = vec![];
        let mut page = comments(&bob, &channel, &post, &format!("sort={sort}&limit=5"))
            .await
            .is(200);
        for turn in 0.. {
            walked.extend(ids(&page));
            let Some(next) = page["next"].as_str().map(str::to_owned) else {
                break;
            };
            // Meanwhile the last becomes the first, somebody comments, and what is still to come is deleted.
            vote(
                &carol,
                &channel,
                whole.last().expect("comments"),
                ["up", "down"][turn % 2],
            )
            .await;
            vote(&bob, &channel, &whole[whole.len() - 2 - turn], "down").await;
            answer(&carol, &channel, &post, &post, "meanwhile").await;
            if turn == 1 {
                gone.push(whole[15].clone());
                ann.delete_message(&channel, &whole[15]).await.is(201);
            }
            page = comments(&bob, &channel, &post, &format!("limit=5&after={next}"))
                .await
                .is(200);
        }
        let expected: Vec<_> = whole.iter().filter(|id| !gone.contains(id)).cloned().collect();
        assert_eq!(walked, expected, "{sort}");
        break_even(&ann, &channel, &post).await;
        if sort == "top" {
            // The next round begins with what is there then.
            clear(&ann, &carol, &channel, &post, 24).await;
        }
    }
}

/// A fresh walk has the new comments, too.
async fn break_even(ann: &Person, channel: &str, post: &str) {
    let fresh = comments(ann, channel, post, "sort=new&limit=100").await.is(200);
    assert!(
        fresh.items().iter().any(|item| item["body"] == "meanwhile"),
        "{}",
        fresh.text
    );
}

/// Takes back what came meanwhile, and fills up to that many.
async fn clear(ann: &Person, carol: &Person, channel: &str, post: &str, count: usize) {
    let all = comments(ann, channel, post, "sort=new&limit=100").await.is(200);
    for item in all.items().iter().filter(|item| item["body"] == "meanwhile") {
        carol
            .delete_message(channel, item["id"].as_str().expect("an id"))
            .await
            .is(201);
    }
    let left = comments(ann, channel, post, "limit=100").await.is(200).items().len();
    for _ in left..count {
        answer(ann, channel, post, post, "one more").await;
    }
}

#[tokio::test]
async fn a_cursor_is_opaque_and_goes_on_in_its_own_order() {
    let (ann, bob, _) = ann_bob_and_carol().await;
    let Room { channel, .. } = forum(&[&ann, &bob]).await;
    let post = ann.send(&channel, "a post").await.str("message");
    for number in 0..3 {
        answer(&bob, &channel, &post, &post, &format!("number {number}")).await;
    }
    let first = comments(&ann, &channel, &post, "sort=new&limit=2").await.is(200);
    let next = first.str("next");
    comments(&ann, &channel, &post, &format!("sort=new&after={next}"))
        .await
        .is(200);
    comments(&ann, &channel, &post, &format!("sort=top&after={next}"))
        .await
        .problem_code(422, "request/invalid");
    for wrong in ["x", "", "AAAA"] {
        comments(&ann, &channel, &post, &format!("after={wrong}"))
            .await
            .problem_code(422, "request/invalid");
    }
}

#[tokio::test]
async fn threads_and_comments_are_for_who_may_read_the_channel() {
    let (ann, bob, carol) = ann_bob_and_carol().await;
    let group = ann.create_group(&[&bob]).await;
    let root = ann.send(&group, "before").await.str("message");
    for what in ["thread", "comments", "revisions"] {
        let path = format!("/channels/{group}/messages/{root}/{what}");
        carol.get(&path).send().await.problem_code(404, "channel/not-found");
    }
    ann.add_member(&group, &carol).await.accepted();
    for what in ["thread", "comments", "revisions"] {
        let path = format!("/channels/{group}/messages/{root}/{what}");
        carol.get(&path).send().await.problem_code(404, "message/not-found");
    }
    say_in(&carol, &group, json!({"body": "x", "thread": root}))
        .await
        .problem_code(404, "message/not-found");
    let outside = ann
        .get(&format!("/channels/{group}/messages/message_x/thread"))
        .send()
        .await;
    outside.problem_code(404, "message/not-found");
}

#[tokio::test]
async fn deleted_words_leave_threads_and_comments_at_once() {
    let (ann, bob, _) = ann_bob_and_carol().await;
    let Room { channel, .. } = forum(&[&ann, &bob]).await;
    let post = ann.send(&channel, "a post").await.str("message");
    for turn in 0..10 {
        let words = format!("heliotrope-{turn}-");
        let comment = answer(&ann, &channel, &post, &post, &words).await;
        assert!(thread(&bob, &channel, &post, "").await.is(200).text.contains(&words));
        ann.delete_message(&channel, &comment).await.is(201);
        for what in ["thread", "comments", "comments?sort=new"] {
            // On purpose without `min_pos`: the view may lag, the words may not show.
            let path = format!("/channels/{channel}/messages/{post}/{what}");
            let shown = bob.get(&path).send().await.is(200);
            assert!(!shown.text.contains(&words), "{} shows deleted words", shown.asked);
        }
    }
}

#[tokio::test]
async fn a_message_is_read_by_its_id_and_its_place_by_around() {
    let (ann, bob, _) = ann_bob_and_carol().await;
    let Room { channel, .. } = forum(&[&ann, &bob]).await;
    let post = ann.send(&channel, "a post").await.str("message");
    let mut middle = String::new();
    for number in 0..9 {
        let comment = answer(&bob, &channel, &post, &post, &format!("number {number}")).await;
        if number == 4 {
            middle = comment;
        }
    }
    let shown = ann.message(&channel, &middle).await.is(200);
    let around = thread(&ann, &channel, &post, &format!("limit=3&around={}", shown["seq"]))
        .await
        .is(200);
    assert_eq!(around.items()[1], shown.body);
}
