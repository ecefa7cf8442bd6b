//! Who asks too often is told so, whoever they are and whatever they ask: by address before anything else, then by person, with headers
//! that say how much is left. Nobody is locked out by the haste of others.

use serde_json::json;
use verbatim_tests::{Answer, Ask, NOWHERE, Options, PASSWORD, Server, Stage, until};

fn on(options: &mut Options) -> &mut Options {
    options.set("VERBATIM_RATE_LIMITS", "on");
    // The proxy in front of these tests: each of them is many addresses.
    options.set("VERBATIM_TRUSTED_PROXIES", "127.0.0.1")
}

fn from(ask: Ask, address: &str) -> Ask {
    ask.header("x-forwarded-for", address)
}

fn login(stage: &Stage, handle: &str, password: &str, address: &str) -> Ask {
    let body = json!({"handle": handle, "password": password});
    from(stage.post("/api/v1/auth/login").json(&body), address)
}

/// The name and the parameters of a `RateLimit` or `RateLimit-Policy` field.
#[track_caller]
fn field(answer: &Answer, header: &str) -> (String, Vec<(String, u64)>) {
    let text = answer.header(header);
    let text = text.unwrap_or_else(|| panic!("{} has no {header}: {:?}", answer.asked, answer.headers));
    let mut parts = text.split(';');
    let name = parts.next().expect("a name").trim_matches('"').to_owned();
    let parameters = parts.map(|part| {
        let (name, value) = part.split_once('=').expect("name=value");
        (name.to_owned(), value.parse().expect("a whole number"))
    });
    (name, parameters.collect())
}

#[track_caller]
fn assert_limited(answer: Answer) -> Answer {
    let answer = answer.problem_code(429, "rate/limited");
    let wait_ms = answer["retry_after_ms"].as_u64().expect("a wait");
    let wait: u64 = answer.header("retry-after").expect("a wait").parse().expect("seconds");
    assert_eq!(wait, wait_ms.div_ceil(1_000).max(1));
    let (_, state) = field(&answer, "ratelimit");
    assert_eq!(state[0], ("r".to_owned(), 0), "{state:?}");
    answer
}

#[tokio::test]
async fn every_answer_says_what_is_left() {
    let server = Server::start_with(|options| {
        on(options);
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    for (ask, class) in [
        (stage.get("/healthz"), "requests"),
        (stage.get("/metrics"), "requests"),
        (stage.get("/api/v1/limits"), "requests"),
        (stage.get("/nowhere"), "requests"),
        (stage.post("/api/v1/limits"), "requests"),
        (stage.get("/api/v1/users/me"), "requests"),
        (stage.get("/api/v1/users/me?token=x"), "requests"),
        (ann.get("/users/me"), "reads"),
        (ann.get(&format!("/channels/{NOWHERE}")), "reads"),
        (ann.post("/spaces").json(&json!({"name": "Club"})), "commands"),
        (ann.post("/spaces").raw_json("{"), "commands"),
        (ann.post("/ws/ticket"), "tickets"),
        (stage.post("/api/v1/auth/login").raw_json("{"), "logins"),
        (stage.post("/api/v1/auth/register").raw_json("{"), "registrations"),
    ] {
        let answer = ask.send().await;
        let ((policy, quota), (state, left)) = (field(&answer, "ratelimit-policy"), field(&answer, "ratelimit"));
        assert_eq!((&*policy, &*state), (class, class), "{}", answer.asked);
        let names = |parameters: &[(String, u64)]| parameters.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names(&quota), names(&left)),
            (vec!["q".into(), "w".into()], vec!["r".into(), "t".into()])
        );
        assert!(left[0].1 < quota[0].1 && left[1].1 <= quota[1].1, "{quota:?} {left:?}");
    }
}

#[tokio::test]
async fn nothing_is_said_where_rates_are_lifted() {
    let answer = Stage::shared().get("/api/v1/limits").send().await.is(200);
    assert_eq!(answer.header("ratelimit"), None);
}

#[tokio::test]
async fn an_address_in_a_hurry_is_refused_on_every_route_and_others_are_not() {
    let server = Server::start_with(|options| {
        on(options).set("VERBATIM_LIMIT_REQUESTS_PER_SECOND", "1");
        options.set("VERBATIM_LIMIT_REQUESTS_BURST", "20");
    });
    let stage = Stage::on(&server);
    for _ in 0..20 {
        from(stage.get("/api/v1/limits"), "198.51.100.7").send().await.is(200);
    }
    for path in [
        "/api/v1/limits",
        "/nowhere",
        "/api/v1/users/me",
        "/problems/rate/limited",
    ] {
        assert_limited(from(stage.get(path), "198.51.100.7").send().await);
    }
    // Whoever looks after the process is always told whether it lives.
    from(stage.get("/healthz"), "198.51.100.7").send().await.is(200);
    from(stage.get("/api/v1/limits"), "198.51.100.8").send().await.is(200);
    until("the address to have waited long enough", async || {
        let answer = from(stage.get("/api/v1/limits"), "198.51.100.7").send().await;
        (answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_household_on_ipv6_is_one_address() {
    let server = Server::start_with(|options| {
        on(options).set("VERBATIM_LIMIT_REQUESTS_PER_SECOND", "1");
        options.set("VERBATIM_LIMIT_REQUESTS_BURST", "10");
    });
    let stage = Stage::on(&server);
    for number in 0..10 {
        let address = format!("[2001:db8:1:2::{number}]:4711");
        from(stage.get("/api/v1/limits"), &address).send().await.is(200);
    }
    assert_limited(from(stage.get("/api/v1/limits"), "2001:db8:1:2:ffff::1").send().await);
    from(stage.get("/api/v1/limits"), "2001:db8:1:3::1")
        .send()
        .await
        .is(200);
}

#[tokio::test]
async fn reading_too_fast_is_refused_by_person() {
    let server = Server::start_with(|options| {
        on(options).set("VERBATIM_LIMIT_READS_PER_SECOND", "1");
        options.set("VERBATIM_LIMIT_READS_BURST", "5");
    });
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    for _ in 0..5 {
        ann.get("/spaces").send().await.is(200);
    }
    let limited = assert_limited(ann.get("/users/me").send().await);
    assert_eq!(field(&limited, "ratelimit").0, "reads");
    bob.get("/spaces").send().await.is(200);
    ann.post("/spaces").json(&json!({"name": "Club"})).send().await.is(201);
}

#[tokio::test]
async fn one_address_cannot_try_many_accounts() {
    let server = Server::start_with(|options| {
        on(options);
    });
    let stage = Stage::on(&server);
    let mut refused = 0;
    for number in 0..30 {
        let answer = login(&stage, &format!("somebody-{number}"), "a guess", "198.51.100.7")
            .send()
            .await;
        match answer.status {
            401 => {}
            _ => {
                assert_limited(answer);
                refused += 1;
            }
        }
    }
    assert!(refused >= 19, "only {refused} of 30 were refused");
}

#[tokio::test]
async fn many_addresses_cannot_lock_out_ann_at_home() {
    const HOME: &str = "192.0.2.1";
    let server = Server::start_with(|options| {
        on(options);
    });
    let stage = Stage::on(&server);
    let account = json!({"handle": "ann", "display_name": "Ann", "password": PASSWORD});
    let register = stage.post("/api/v1/auth/register").json(&account);
    from(register, HOME).send().await.is(201);
    login(&stage, "ann", PASSWORD, "192.0.2.99").send().await.is(200);
    let mut refused = 0;
    for number in 0..40 {
        let answer = login(&stage, "ann", "a guess", &format!("198.51.100.{number}"))
            .send()
            .await;
        match answer.status {
            401 => {}
            _ => {
                assert_limited(answer);
                refused += 1;
            }
        }
    }
    assert!(refused >= 25, "only {refused} of 40 guesses were refused");
    login(&stage, "ann", PASSWORD, HOME).send().await.is(200);
    login(&stage, "ann", PASSWORD, "192.0.2.99").send().await.is(200);
    // An account that does not exist is guarded alike.
    let mut statuses = vec![];
    for number in 0..40 {
        let answer = login(&stage, "nobody", "a guess", &format!("203.0.113.{number}"))
            .send()
            .await;
        statuses.push(answer.status);
    }
    assert!(
        statuses.iter().filter(|status| **status == 429).count() >= 25,
        "{statuses:?}"
    );
}

#[tokio::test]
async fn refusals_and_keys_are_counted_by_class_alone() {
    let server = Server::start_with(|options| {
        on(options);
    });
    let stage = Stage::on(&server);
    for number in 0..200 {
        login(&stage, &format!("somebody-{number}"), "", "198.51.100.7")
            .send()
            .await;
        from(stage.get("/nowhere"), &format!("10.0.{number}.1")).send().await;
    }
    let metrics = stage.get("/metrics").send().await.is(200).text;
    let lines = || metrics.lines().filter(|line| line.starts_with("rate_limit_"));
    assert!(
        lines().any(|line| line.starts_with("rate_limit_refusals_total{class=\"logins\"}")),
        "{metrics}"
    );
    let keys = lines().find_map(|line| line.strip_prefix("rate_limit_keys{class=\"requests\"} "));
    assert!(
        keys.is_some_and(|keys| keys.parse::<u64>().expect("a number") >= 200),
        "{keys:?}"
    );
    assert!(lines().count() < 40, "{metrics}");
    assert!(
        !metrics.contains("somebody") && !metrics.contains("198.51"),
        "{metrics}"
    );
}
