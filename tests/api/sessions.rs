//! Sessions as their person sees them: going on by the cookie, ending, being listed; and what happens to whoever holds a copy of a token.

use serde_json::{Value, json};
use verbatim_tests::{Answer, PASSWORD, Person, Server, Stage, fresh_key};

const COOKIE: &str = "verbatim_refresh";

/// The refresh cookie that an answer sets, value and attributes.
fn cookie(answer: &Answer) -> (String, String) {
    let set = answer.headers.get_all("set-cookie").iter();
    let texts: Vec<_> = set.filter_map(|value| value.to_str().ok()).collect();
    let [text] = texts.as_slice() else {
        panic!("{} sets {} cookies", answer.asked, texts.len());
    };
    let (pair, attributes) = text.split_once(';').expect("a cookie has attributes");
    let (name, value) = pair.split_once('=').expect("a cookie has a value");
    assert!(name == COOKIE || name == format!("__Host-{COOKIE}"), "{name}");
    (value.to_owned(), attributes.to_ascii_lowercase())
}

fn token_of(answer: &Answer) -> String {
    cookie(answer).0
}

async fn login(stage: &Stage, handle: &str, password: &str) -> Answer {
    let body = json!({"handle": handle, "password": password, "device": "Ann's phone"});
    stage.post("/api/v1/auth/login").json(&body).send().await
}

async fn refresh(stage: &Stage, token: &str) -> Answer {
    stage
        .post("/api/v1/auth/refresh")
        .header("cookie", &format!("{COOKIE}={token}"))
        .raw_json("{}")
        .send()
        .await
}

/// A session of Ann's of its own: its first answer and its refresh token.
async fn signed_in(ann: &Person) -> (Answer, String) {
    signed_in_with(ann, PASSWORD).await
}

async fn signed_in_with(ann: &Person, password: &str) -> (Answer, String) {
    let answer = login(ann.stage(), &ann.handle, password).await.is(200);
    let token = token_of(&answer);
    (answer, token)
}

async fn me(stage: &Stage, access_token: &str) -> Answer {
    stage.get("/api/v1/users/me").token(access_token).send().await
}

async fn listed(ann: &Person) -> Vec<Value> {
    ann.get("/auth/sessions").send().await.is(200).items().clone()
}

fn impatient() -> Server {
    Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_REFRESH_RETRY_SECONDS", "0");
    })
}

#[tokio::test]
async fn a_session_goes_on_by_its_cookie_and_no_body_holds_the_token() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let (first, mut token) = signed_in(&ann).await;
    assert!(!first.text.contains(&token), "{}", first.text);
    for _ in 0..3 {
        let answer = refresh(&stage, &token).await.is(200);
        assert_eq!(answer["user"], first["user"]);
        assert_eq!(answer["session_id"], first["session_id"]);
        assert!((1..=900).contains(&answer.u64("expires_in")), "{}", answer.text);
        me(&stage, &answer.str("access_token")).await.is(200);
        let next = token_of(&answer);
        assert_ne!(next, token);
        assert!(!answer.text.contains(&next), "{}", answer.text);
        token = next;
    }
}

#[tokio::test]
async fn the_cookie_is_out_of_reach() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let (answer, _) = signed_in(&ann).await;
    let (_, attributes) = cookie(&answer);
    for attribute in ["httponly", "samesite=strict", "path=/", "max-age=2591"] {
        assert!(attributes.contains(attribute), "{attribute}: {attributes}");
    }
    assert!(!attributes.contains("domain"), "{attributes}");
}

#[tokio::test]
async fn over_tls_the_cookie_is_of_this_host_and_of_tls_alone() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let body = json!({"handle": ann.handle, "password": PASSWORD});
    let by_tls = |path: &str| stage.post(path).header("x-forwarded-proto", "https");
    let answer = by_tls("/api/v1/auth/login").json(&body).send().await.is(200);
    let set = answer.header("set-cookie").expect("a cookie");
    assert!(set.starts_with("__Host-verbatim_refresh="), "another name");
    let (token, attributes) = cookie(&answer);
    for attribute in ["secure", "httponly", "samesite=strict", "path=/"] {
        assert!(attributes.contains(attribute), "{attribute}: {attributes}");
    }
    let plain = by_tls("/api/v1/auth/refresh").header("cookie", &format!("{COOKIE}={token}"));
    plain
        .raw_json("{}")
        .send()
        .await
        .problem_code(401, "auth/invalid-refresh");
    let ours = by_tls("/api/v1/auth/refresh").header("cookie", &format!("__Host-{COOKIE}={token}"));
    ours.raw_json("{}").send().await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_refreshes_at_once_all_carry_one_and_the_same_pair() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let (_, token) = signed_in(&ann).await;
    let racing = (0..20).map(|_| {
        let (stage, token) = (stage.clone(), token.clone());
        tokio::spawn(async move { refresh(&stage, &token).await })
    });
    let mut pairs = vec![];
    for racer in racing {
        let answer = racer.await.expect("no panic").is(200);
        pairs.push((answer.str("access_token"), token_of(&answer)));
    }
    pairs.dedup();
    assert_eq!(pairs.len(), 1, "there are {} pairs", pairs.len());
    refresh(&stage, &pairs[0].1).await.is(200);
}

#[tokio::test]
async fn a_lost_answer_comes_again_even_from_a_server_that_was_killed() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let (_, token) = signed_in(&ann).await;
    let first = refresh(&stage, &token).await.is(200);
    server.kill9();
    server.launch();
    let stage = Stage::on(&server);
    let again = refresh(&stage, &token).await.is(200);
    assert_eq!(again.str("access_token"), first.str("access_token"));
    assert_eq!(token_of(&again), token_of(&first));
}

#[tokio::test]
async fn a_token_that_comes_back_late_ends_the_whole_family() {
    let server = impatient();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let (first, token) = signed_in(&ann).await;
    let second = refresh(&stage, &token).await.is(200);
    let refused = refresh(&stage, &token).await.problem_code(401, "auth/invalid-refresh");
    assert_eq!(refused.header("set-cookie"), None);
    refresh(&stage, &token_of(&second))
        .await
        .problem_code(401, "auth/invalid-refresh");
    for answer in [&first, &second] {
        me(&stage, &answer.str("access_token"))
            .await
            .problem_code(401, "auth/invalid-token");
    }
    ann.get("/users/me").send().await.is(200);
    assert_eq!(listed(&ann).await.len(), 1);
}

#[tokio::test]
async fn made_up_tokens_are_refused_and_end_nothing() {
    let server = impatient();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let (_, token) = signed_in(&ann).await;
    let mut guesses = vec![String::new(), "x".repeat(86), "x".repeat(5_000), "%00".to_owned()];
    for place in [0, 21, 40, 60, 85] {
        let mut guess = token.clone().into_bytes();
        guess[place] = if guess[place] == b'A' { b'Q' } else { b'A' };
        guesses.push(String::from_utf8(guess).expect("ascii"));
    }
    for guess in guesses {
        refresh(&stage, &guess).await.problem_code(401, "auth/invalid-refresh");
    }
    let bare = stage.post("/api/v1/auth/refresh").raw_json("{}").send().await;
    bare.problem_code(401, "auth/invalid-refresh");
    let twice = format!("{COOKIE}={token}; {COOKIE}={token}");
    let twice = stage
        .post("/api/v1/auth/refresh")
        .header("cookie", &twice)
        .raw_json("{}");
    twice.send().await.problem_code(401, "auth/invalid-refresh");
    refresh(&stage, &token).await.is(200);
}

#[tokio::test]
async fn tokens_are_not_taken_for_one_another() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let (answer, token) = signed_in(&ann).await;
    let access = answer.str("access_token");
    let ticket = stage
        .post("/api/v1/ws/ticket")
        .token(&access)
        .send()
        .await
        .is(201)
        .str("ticket");
    for other in [&access, &ticket] {
        refresh(&stage, other).await.problem_code(401, "auth/invalid-refresh");
    }
    for other in [&token, &ticket] {
        me(&stage, other).await.problem_code(401, "auth/invalid-token");
    }
}

#[tokio::test]
async fn pages_of_others_cannot_use_the_cookie() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let (_, token) = signed_in(&ann).await;
    for path in ["/api/v1/auth/refresh", "/api/v1/auth/logout"] {
        let ask = || stage.post(path).header("cookie", &format!("{COOKIE}={token}"));
        let foreign = ask().header("origin", "https://evil.example").raw_json("{}");
        assert_eq!(foreign.send().await.status, 403);
        let far = ask().header("sec-fetch-site", "cross-site").raw_json("{}");
        assert_eq!(far.send().await.status, 403);
        let form = ask().header("content-type", "text/plain").raw_body("{}");
        assert_eq!(form.send().await.status, 415);
    }
    refresh(&stage, &token).await.is(200);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_takes_the_cookie_away() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for by_cookie in [true, false] {
        let (answer, token) = signed_in(&ann).await;
        let access = answer.str("access_token");
        let ask = stage.post("/api/v1/auth/logout").raw_json("{}");
        let ask = if by_cookie {
            ask.header("cookie", &format!("{COOKIE}={token}"))
        } else {
            ask.token(&access)
        };
        let out = ask.send().await.is(204);
        let (value, attributes) = cookie(&out);
        assert!(value.is_empty() && attributes.contains("max-age=0"), "{attributes}");
        me(&stage, &access).await.problem_code(401, "auth/invalid-token");
        refresh(&stage, &token).await.problem_code(401, "auth/invalid-refresh");
    }
    ann.get("/users/me").send().await.is(200);
    stage
        .post("/api/v1/auth/logout")
        .raw_json("{}")
        .send()
        .await
        .problem_code(401, "auth/required");
}

#[tokio::test]
async fn one_sees_where_one_is_signed_in() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let (answer, _) = signed_in(&ann).await;
    let sessions = listed(&ann).await;
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert_eq!(sessions[0]["id"], answer["session_id"]);
    assert_eq!(sessions[0]["device"], "Ann's phone");
    assert_eq!(
        (&sessions[0]["current"], &sessions[1]["current"]),
        (&json!(false), &json!(true))
    );
    assert!(sessions[0]["last_used_at"].as_str() >= sessions[0]["started_at"].as_str());
    assert!(
        listed(&bob)
            .await
            .iter()
            .all(|session| session["id"] != answer["session_id"])
    );
}

#[tokio::test]
async fn one_ends_ones_own_sessions_and_nobody_elses() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let (answer, token) = signed_in(&ann).await;
    let session = answer.str("session_id");
    let others = bob.delete(&format!("/auth/sessions/{session}")).send().await;
    let nobodys = bob
        .delete("/auth/sessions/session_00000000000000000000000000")
        .send()
        .await
        .problem_code(404, "session/not-found");
    assert_eq!(
        others.problem_code(404, "session/not-found")["detail"],
        nobodys["detail"]
    );
    bob.delete("/auth/sessions/nonsense")
        .send()
        .await
        .problem_code(404, "session/not-found");

    let key = fresh_key();
    let end = || ann.delete(&format!("/auth/sessions/{session}")).key(&key).send();
    let ended = end().await.is(201);
    assert_eq!(ended["ended"], json!([session]));
    assert_eq!(end().await.is(200)["replayed"], true);
    me(&stage, &answer.str("access_token"))
        .await
        .problem_code(401, "auth/invalid-token");
    refresh(&stage, &token).await.problem_code(401, "auth/invalid-refresh");
}

#[tokio::test]
async fn one_ends_all_other_sessions_or_all() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let (one, _) = signed_in(&ann).await;
    let (two, token) = signed_in(&ann).await;
    let ended = ann.delete("/auth/sessions").send().await.is(201);
    assert_eq!(ended["ended"].as_array().map(Vec::len), Some(2));
    for answer in [&one, &two] {
        me(&stage, &answer.str("access_token")).await.problem(401);
    }
    refresh(&stage, &token).await.problem(401);
    ann.get("/users/me").send().await.is(200);
    let (three, _) = signed_in(&ann).await;
    ann.delete("/auth/sessions?all=true").send().await.is(201);
    ann.get("/users/me").send().await.problem(401);
    me(&stage, &three.str("access_token")).await.problem(401);
    ann.another_session().await.get("/users/me").send().await.is(200);
}

#[tokio::test]
async fn whoever_was_out_is_out_after_a_restart() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let (answer, _) = signed_in(&ann).await;
    ann.delete("/auth/sessions").send().await.is(201);
    server.kill9();
    server.launch();
    let stage = Stage::on(&server);
    me(&stage, &answer.str("access_token"))
        .await
        .problem_code(401, "auth/invalid-token");
    me(&stage, &ann.token).await.is(200);
}

#[tokio::test]
async fn another_password_ends_every_other_session() {
    const NEW: &str = "seven heliotropes on tuesday";
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let (answer, token) = signed_in(&ann).await;
    let change = |old: &str, new: &str| {
        let body = json!({"old": old, "new": new});
        ann.post("/auth/password").json(&body).send()
    };
    let wrong = change("not the password at all", NEW).await.problem(422);
    assert_eq!(wrong["errors"][0]["pointer"], "/old");
    let weak = change(PASSWORD, "password").await.problem(422);
    assert_eq!(weak["errors"][0]["pointer"], "/new");
    me(&stage, &answer.str("access_token")).await.is(200);

    let changed = change(PASSWORD, NEW).await.is(200);
    assert_eq!(changed["ended"], json!([answer["session_id"]]));
    me(&stage, &answer.str("access_token")).await.problem(401);
    refresh(&stage, &token).await.problem(401);
    ann.get("/users/me").send().await.is(200);
    login(&stage, &ann.handle, PASSWORD)
        .await
        .problem_code(401, "auth/invalid-credentials");
    login(&stage, &ann.handle, NEW).await.is(200);
}

#[tokio::test]
async fn a_change_of_password_whose_answer_was_lost_is_completed_by_asking_again() {
    const NEW: &str = "seven heliotropes on tuesday";
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let change = |key: &str| {
        let body = json!({"old": PASSWORD, "new": NEW});
        ann.post("/auth/password").key(key).json(&body).send()
    };
    let key = fresh_key();
    ann.another_session().await;
    let first = change(&key).await.is(200);
    let (meanwhile, _) = signed_in_with(&ann, NEW).await;
    // The old password is no more, the wish is the same: the first answer again, and whoever came with the new password stays.
    assert_eq!(change(&key).await.is(200)["ended"], first["ended"]);
    me(&stage, &meanwhile.str("access_token")).await.is(200);
    // Under another key nothing is known of a first time, so whatever it left undone is done now.
    assert_eq!(
        change(&fresh_key()).await.is(200)["ended"],
        json!([meanwhile["session_id"]])
    );
    me(&stage, &meanwhile.str("access_token")).await.problem(401);
}

#[tokio::test]
async fn a_command_whose_body_comes_after_the_revocation_is_not_carried_out() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let thief = ann.another_session().await;
    let authority = stage.address().authority();
    let body = json!({"body": "in her name"}).to_string();
    let mut stream = tokio::net::TcpStream::connect(&authority).await.expect("connects");
    let head = format!(
        "POST /api/v1/channels/{}/messages HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n{}",
        room.channel,
        thief.token,
        body.len(),
        &body[..body.len() - 1],
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    // The server asks for the body once it has the head: from then on only the last byte is waited for.
    let mut begun = vec![0; "HTTP/1.1 100 Continue".len()];
    stream.read_exact(&mut begun).await.expect("asked to go on");
    assert_eq!(begun, b"HTTP/1.1 100 Continue");
    ann.delete(&format!("/auth/sessions/{}", thief.session))
        .send()
        .await
        .is(201);
    stream
        .write_all(&body.as_bytes()[body.len() - 1..])
        .await
        .expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.contains("HTTP/1.1 401"), "{answer}");
    let page = ann.read(&format!("/channels/{}/messages", room.channel)).await.is(200);
    assert_eq!(page["items"], json!([]));
}

#[tokio::test]
async fn a_password_that_others_would_guess_is_refused() {
    let stage = Stage::shared();
    for guessable in ["password1", "qwertyuiop", "aaaaaaaaaaaaaaaa", "heliotropic-handle"] {
        let body = json!({"handle": "heliotropic-handle", "display_name": "Somebody", "password": guessable});
        let answer = stage
            .post("/api/v1/auth/register")
            .json(&body)
            .send()
            .await
            .problem(422);
        assert_eq!(answer["errors"][0]["pointer"], "/password", "{guessable}");
    }
}

/// A server on which this person is an operator.
async fn with_operator() -> (Server, Person) {
    let mut server = Server::start();
    let olga = Stage::on(&server).person("olga").await;
    server.terminate().await;
    assert!(server.run(&["grant", &olga.handle, "operator"]).status.success());
    server.launch();
    let stage = Stage::on(&server);
    let olga = stage.signed_in(&olga.handle).await;
    (server, olga)
}

#[tokio::test]
async fn whoever_is_suspended_is_out_and_is_told_so_only_with_the_right_password() {
    let (_server, olga) = with_operator().await;
    let stage = olga.stage().clone();
    let ann = stage.person("ann").await;
    let (answer, token) = signed_in(&ann).await;
    let suspend = format!("/admin/users/{}/suspend", ann.id);
    let reinstate = format!("/admin/users/{}/reinstate", ann.id);
    let because = json!({"reason": "spam"});
    for path in [&suspend, &reinstate] {
        let refused = ann.post(path).json(&because).send().await;
        refused.problem_code(403, "auth/role-required");
        olga.post(path).json(&json!({"reason": ""})).send().await.problem(422);
    }
    let past = json!({"reason": "spam", "until": "2020-01-01T00:00:00Z"});
    olga.post(&suspend).json(&past).send().await.problem(422);
    let nobody = olga.post("/admin/users/user_00000000000000000000000000/suspend");
    nobody.json(&because).send().await.problem_code(404, "user/not-found");

    olga.post(&suspend).json(&because).send().await.is(201);
    me(&stage, &answer.str("access_token"))
        .await
        .problem_code(401, "auth/invalid-token");
    ann.get("/users/me")
        .send()
        .await
        .problem_code(401, "auth/invalid-token");
    refresh(&stage, &token).await.problem_code(401, "auth/invalid-refresh");
    login(&stage, &ann.handle, "not the password at all")
        .await
        .problem_code(401, "auth/invalid-credentials");
    login(&stage, &ann.handle, PASSWORD)
        .await
        .problem_code(403, "user/suspended");

    olga.post(&reinstate).json(&because).send().await.is(201);
    ann.get("/users/me").send().await.problem(401);
    login(&stage, &ann.handle, PASSWORD).await.is(200);
}

#[tokio::test]
async fn a_role_that_was_revoked_offline_is_gone() {
    let (mut server, olga) = with_operator().await;
    let ann = olga.stage().person("ann").await;
    server.terminate().await;
    assert!(server.run(&["revoke", &olga.handle, "operator"]).status.success());
    assert!(
        !server
            .run(&["revoke", "nobody-of-that-name", "operator"])
            .status
            .success()
    );
    server.launch();
    let olga = Stage::on(&server).signed_in(&olga.handle).await;
    let refused = olga
        .post(&format!("/admin/users/{}/suspend", ann.id))
        .json(&json!({"reason": "spam"}))
        .send()
        .await;
    refused.problem_code(403, "auth/role-required");
}

/// Not a measurement of nanoseconds: whoever skips the hashing for one of them answers in a tenth of the time.
#[tokio::test]
async fn an_unknown_account_takes_as_long_as_a_wrong_password() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_RATE_LIMITS", "off");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let mut took = [vec![], vec![]];
    for round in 0..12 {
        let unknown = format!("nobody-{round}");
        for (place, handle) in [ann.handle.as_str(), &unknown].into_iter().enumerate() {
            let asked = std::time::Instant::now();
            login(&stage, handle, "not the password at all").await.problem(401);
            took[place].push(asked.elapsed());
        }
    }
    let [known, unknown] = took.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "known {known:?}, unknown {unknown:?}");
}
