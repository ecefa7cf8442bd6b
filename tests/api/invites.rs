//! Invites: codes that let people in exactly as often as they say, and tell nobody else anything.

use serde_json::{Value, json};
use verbatim_tests::{Answer, NOWHERE, PASSWORD, Person, Server, Stage, fresh_key};

/// As long as a real one.
const WRONG: &str = "00000000000000000000000000000000";

async fn invite(by: &Person, space: &str, terms: Value) -> Answer {
    by.post(&format!("/spaces/{space}/invites")).json(&terms).send().await
}

async fn code(by: &Person, space: &str, terms: Value) -> String {
    invite(by, space, terms).await.is(201).str("code")
}

async fn redeem(person: &Person, code: &str) -> Answer {
    person.post("/invites/redeem").json(&json!({"code": code})).send().await
}

async fn by_invite(owner: &Person) -> String {
    owner
        .post("/spaces")
        .json(&json!({"name": "By invite", "join": "invite"}))
        .send()
        .await
        .is(201)
        .str("id")
}

async fn listed(by: &Person, space: &str) -> Vec<Value> {
    by.read(&format!("/spaces/{space}/invites"))
        .await
        .is(200)
        .items()
        .clone()
}

#[tokio::test]
async fn a_code_lets_people_in_and_only_by_it() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let space = by_invite(&ann).await;
    bob.post(&format!("/spaces/{space}/join")).send().await.problem(404);
    let code = code(&ann, &space, json!({"role": "guest"})).await;
    assert_eq!(code.len(), 32);
    redeem(&bob, &code).await.is(201);
    assert_eq!(bob.read(&format!("/spaces/{space}")).await["role"], "guest");
    carol.post(&format!("/invites/{code}/redeem")).send().await.is(201);
    // Twice is not an error.
    redeem(&bob, &code).await.is(200);
    let invites = listed(&ann, &space).await;
    assert_eq!(
        (&invites[0]["used"], &invites[0]["uses"], &invites[0]["role"]),
        (&json!(2), &Value::Null, &json!("guest"))
    );
    assert!(invites[0].get("code").is_none());
}

#[tokio::test]
async fn making_it_again_with_the_same_key_shows_the_same_code_to_its_maker_only() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    ann.set_role(&space, &bob, "admin").await.accepted();
    let key = fresh_key();
    let wish = |person: &Person| {
        person
            .post(&format!("/spaces/{space}/invites"))
            .key(&key)
            .json(&json!({"uses": 2}))
    };
    let first = wish(&ann).send().await.is(201);
    let again = wish(&ann).send().await.is(200);
    assert_eq!((&first["id"], &first["code"]), (&again["id"], &again["code"]));
    assert_ne!(wish(&bob).send().await.is(201)["code"], first["code"]);
    ann.post(&format!("/spaces/{space}/invites"))
        .key(&key)
        .json(&json!({"uses": 3}))
        .send()
        .await
        .problem_code(409, "idempotency/mismatch");
    assert_eq!(listed(&ann, &space).await.len(), 2);
}

#[tokio::test]
async fn one_key_in_two_spaces_makes_two_invites() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let (one, two) = (by_invite(&ann).await, by_invite(&ann).await);
    let key = fresh_key();
    let mut made = vec![];
    for space in [&one, &two] {
        let path = format!("/spaces/{space}/invites");
        made.push(ann.post(&path).key(&key).json(&json!({})).send().await.is(201));
    }
    assert_ne!(made[0]["id"], made[1]["id"]);
    for (space, invite) in [&one, &two].into_iter().zip(&made) {
        assert_eq!(redeem(&bob, &invite.str("code")).await.is(201)["space"], json!(space));
        let listed = listed(&ann, space).await;
        assert_eq!((&listed[0]["id"], &listed[0]["used"]), (&invite["id"], &json!(1)));
    }
}

#[tokio::test]
async fn of_many_who_race_exactly_as_many_get_in_as_there_are_uses() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let space = by_invite(&ann).await;
    let code = code(&ann, &space, json!({"uses": 3})).await;
    let mut people = vec![];
    for _ in 0..9 {
        people.push(stage.person("racer").await);
    }
    let answers = futures_util::future::join_all(people.iter().map(|person| redeem(person, &code))).await;
    let (in_, out): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(in_.len(), 3);
    for refused in out {
        refused.problem_code(404, "invite/not-found");
    }
    assert_eq!(ann.read(&format!("/spaces/{space}/members")).await.items().len(), 4);
    assert!(listed(&ann, &space).await.is_empty());
}

#[tokio::test]
async fn every_code_that_lets_nobody_in_is_answered_alike() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let space = by_invite(&ann).await;
    let used = code(&ann, &space, json!({"uses": 1})).await;
    redeem(&bob, &used).await.is(201);
    let revoked = invite(&ann, &space, json!({})).await.is(201);
    ann.delete(&format!("/invites/{}", revoked.str("id")))
        .json(&json!({"reason": "was on a poster"}))
        .send()
        .await
        .is(201);
    ann.delete(&format!("/invites/{}", revoked.str("id")))
        .send()
        .await
        .is(200);
    let resting = code(&ann, &space, json!({"cohort": "spring-26"})).await;
    let cohort = format!("/spaces/{space}/cohorts/spring-26");
    ann.put(&cohort).json(&json!({"paused": true})).send().await.is(201);
    let closed = ann.create_space("Closing").await;
    let of_closed = code(&ann, &closed, json!({})).await;
    ann.patch(&format!("/spaces/{closed}"))
        .json(&json!({"join": "closed"}))
        .send()
        .await
        .is(201);
    let archived = ann.create_space("Archived").await;
    let of_archived = code(&ann, &archived, json!({})).await;
    ann.delete(&format!("/spaces/{archived}")).send().await.is(201);
    let guarded = ann.create_space("Guarded").await;
    let for_the_banned = code(&ann, &guarded, json!({})).await;
    ann.ban(&guarded, &eve).await.is(201);
    let wrong = redeem(&eve, WRONG).await.problem_code(404, "invite/not-found");
    for code in [
        used.as_str(),
        &revoked.str("code"),
        &resting,
        &of_closed,
        &of_archived,
        &for_the_banned,
        "x",
        "",
    ] {
        let refused = redeem(&eve, code).await.problem_code(404, "invite/not-found");
        assert_eq!(refused["detail"], wrong["detail"], "{code}");
    }
    assert_eq!(listed(&ann, &space).await[0]["paused"], true);
    ann.put(&cohort).json(&json!({"paused": false})).send().await.is(201);
    redeem(&eve, &resting).await.is(201);
}

#[tokio::test]
async fn invites_are_the_admins_business() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let space = ann.create_space("Club").await;
    ann.set_role(&space, &bob, "moderator").await.accepted();
    let id = invite(&ann, &space, json!({})).await.is(201).str("id");
    for (person, status, code) in [(&bob, 403, "space/forbidden"), (&eve, 404, "space/not-found")] {
        invite(person, &space, json!({})).await.problem_code(status, code);
        person
            .read(&format!("/spaces/{space}/invites"))
            .await
            .problem_code(status, code);
        person
            .put(&format!("/spaces/{space}/cohorts/spring"))
            .json(&json!({"paused": true}))
            .send()
            .await
            .problem_code(status, code);
        // Who may not know of it is told that there is none.
        let hidden = person.delete(&format!("/invites/{id}")).send().await.problem(404);
        let nothing = NOWHERE.replace("channel_", "invite_");
        let absent = person.delete(&format!("/invites/{nothing}")).send().await.problem(404);
        assert_eq!(
            (&hidden["code"], &hidden["detail"]),
            (&absent["code"], &absent["detail"])
        );
    }
    assert_eq!(listed(&ann, &space).await.len(), 1);
}

#[tokio::test]
async fn terms_out_of_bounds_are_refused() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let space = ann.create_space("Club").await;
    for wrong in [
        json!({"uses": 0}),
        json!({"uses": 1001}),
        json!({"expires_in_s": 1}),
        json!({"role": "admin"}),
        json!({"cohort": "Spring 26"}),
        json!({"colour": "red"}),
    ] {
        invite(&ann, &space, wrong).await.problem_code(422, "request/invalid");
    }
    ann.put(&format!("/spaces/{space}/cohorts/Spring"))
        .json(&json!({"paused": true}))
        .send()
        .await
        .problem(422);
    assert!(listed(&ann, &space).await.is_empty());
}

fn account(handle: &str, invite: Option<&str>) -> Value {
    let mut account = json!({"handle": handle, "display_name": handle, "password": PASSWORD});
    if let Some(invite) = invite {
        account["invite"] = json!(invite);
    }
    account
}

#[tokio::test]
async fn where_registration_is_by_invite_one_use_makes_one_account() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().to_str().expect("a path of text").to_owned();
    let mut open = Server::start_with(|options| {
        options.set("VERBATIM_DATA_DIR", &folder);
    });
    let stage = Stage::on(&open);
    let ann = stage.person("ann").await;
    let space = by_invite(&ann).await;
    let single = code(&ann, &space, json!({"uses": 1})).await;
    let other = code(&ann, &space, json!({})).await;
    let ann_handle = ann.handle.clone();
    assert_eq!(open.terminate().await, Some(0));

    let by_invite = Server::start_with(|options| {
        options.set("VERBATIM_DATA_DIR", &folder);
        options.set("VERBATIM_REGISTRATION", "invite");
    });
    let stage = Stage::on(&by_invite);
    let register = async |key: &str, body: Value| stage.post("/api/v1/auth/register").key(key).json(&body).send().await;
    // No invite and a bad one are the same, whoever the handle belongs to.
    for body in [
        account("bob", None),
        account("bob", Some(WRONG)),
        json!({"handle": ann_handle, "display_name": "x", "password": "another long secret", "invite": WRONG}),
        json!({"handle": ann_handle, "display_name": "x", "password": PASSWORD, "invite": WRONG}),
    ] {
        register(&fresh_key(), body).await.problem_code(404, "invite/not-found");
    }
    let login = json!({"handle": "bob", "password": PASSWORD});
    stage.post("/api/v1/auth/login").json(&login).send().await.problem(401);
    // Five want the one use.
    let racers: Vec<String> = (0..5).map(|number| format!("racer-{number}")).collect();
    let keys: Vec<String> = racers.iter().map(|_| fresh_key()).collect();
    let racing = racers
        .iter()
        .zip(&keys)
        .map(|(racer, key)| register(key, account(racer, Some(&single))));
    let answers = futures_util::future::join_all(racing).await;
    let winners: Vec<usize> = (0..5).filter(|place| answers[*place].status == 201).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    let winner = winners[0];
    for (place, answer) in answers.into_iter().enumerate() {
        if place != winner {
            answer.problem_code(404, "invite/not-found");
            // Whoever was refused is nobody, and no sign-in makes them somebody.
            let login = json!({"handle": racers[place], "password": PASSWORD});
            stage.post("/api/v1/auth/login").json(&login).send().await.problem(401);
            // Nor is the handle theirs: somebody else may have it.
            let other_body = json!({
                "handle": racers[place], "display_name": "x", "password": "another long secret", "invite": other,
            });
            register(&fresh_key(), other_body).await.is(201);
        }
    }
    // A lost reply is asked for again, though the invite is used up by now.
    let again = register(&keys[winner], account(&racers[winner], Some(&single)))
        .await
        .is(200);
    let token = again.str("access_token");
    let spaces = stage
        .get(&format!("/api/v1/spaces?min_pos={}", again.str("pos")))
        .token(&token)
        .send()
        .await
        .is(200);
    assert_eq!(
        (&spaces.items()[0]["id"], &spaces.items()[0]["role"]),
        (&json!(space), &json!("member"))
    );
    register(&fresh_key(), account("bob", Some(&other))).await.is(201);
}

#[tokio::test]
async fn spaces_and_channels_are_bounded() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_SPACES_PER_USER", "2");
        options.set("VERBATIM_LIMIT_CHANNELS_PER_SPACE", "2");
    });
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let (key, space) = (fresh_key(), ann.create_space("one").await);
    let second = || ann.post("/spaces").key(&key).json(&json!({"name": "two"}));
    second().send().await.is(201);
    ann.read("/spaces").await.is(200);
    ann.post("/spaces")
        .json(&json!({"name": "three"}))
        .send()
        .await
        .problem_code(409, "space/too-many");
    // A retry of what was in bounds is answered as before.
    second().send().await.is(200);
    let of_bob = bob.create_space("four").await;
    let code = code(&bob, &of_bob, json!({})).await;
    redeem(&ann, &code).await.problem_code(409, "space/too-many");
    ann.post(&format!("/spaces/{of_bob}/join"))
        .send()
        .await
        .problem_code(409, "space/too-many");
    bob.set_role(&of_bob, &ann, "member")
        .await
        .problem_code(409, "space/too-many");
    for name in ["a", "b"] {
        ann.create_channel(&space, name).await;
    }
    ann.read("/channels").await.is(200);
    let third = json!({"name": "c", "kind": "text"});
    ann.post(&format!("/spaces/{space}/channels"))
        .json(&third)
        .send()
        .await
        .problem_code(409, "space/too-many-channels");
    bob.post(&format!("/spaces/{space}/channels"))
        .json(&third)
        .send()
        .await
        .problem_code(404, "space/not-found");
}

#[tokio::test]
async fn who_has_as_many_spaces_as_can_be_is_still_told_how_they_once_came_in() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_SPACES_PER_USER", "1");
    });
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    let code = code(&ann, &space, json!({})).await;
    let (joined, redeemed) = (fresh_key(), fresh_key());
    let join = || bob.post(&format!("/spaces/{space}/join")).key(&joined);
    let by_code = || bob.post("/invites/redeem").key(&redeemed).json(&json!({"code": code}));
    let leave = || bob.delete(&format!("/spaces/{space}/members/{}", bob.id));
    join().send().await.is(201);
    leave().send().await.accepted();
    bob.read("/spaces").await.is(200);
    let first = by_code().send().await.is(201);
    leave().send().await.accepted();
    bob.read("/spaces").await.is(200);
    bob.create_space("My own").await;
    bob.read("/spaces").await.is(200);
    join().send().await.is(200);
    assert_eq!(by_code().send().await.is(200)["event"], first["event"]);
    bob.post(&format!("/spaces/{space}/join"))
        .send()
        .await
        .problem_code(409, "space/too-many");
}

#[tokio::test]
async fn no_line_of_the_log_shows_a_code() {
    let mut server = Server::start_with(|options| {
        options.set("RUST_LOG", "debug");
    });
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let space = ann.create_space("Club").await;
    let (one, other) = (code(&ann, &space, json!({})).await, code(&ann, &space, json!({})).await);
    bob.post(&format!("/invites/{one}/redeem")).send().await.is(201);
    redeem(&bob, &other).await.is(200);
    assert_eq!(server.terminate().await, Some(0));
    let printed = server.printed();
    assert!(printed.iter().any(|line| line.contains("/invites/{code}/redeem")));
    for code in [&one, &other] {
        assert!(!printed.iter().any(|line| line.contains(code.as_str())));
    }
}
