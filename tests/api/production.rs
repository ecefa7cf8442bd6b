//! What profile production refuses to start with, all of it told at once, and how it serves when everything is right.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Output};

use verbatim_tests::{Options, Server, Stage, run_to_end};

const ORIGIN: &str = "https://chat.example.org";
const TOKEN: &str = "9f2c4e6a8b0d1f3e5c7a9b2d4f6e8c0a";

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn production(options: &mut Options) -> &mut Options {
    options.set("VERBATIM_PROFILE", "production");
    options.set("VERBATIM_RATE_LIMITS", "on");
    options.set("VERBATIM_PUBLIC_ORIGIN", ORIGIN);
    // The tests come by address.
    options.set("VERBATIM_ALLOWED_HOSTS", "127.0.0.1")
}

/// A server for the world, with its keys made as an operator makes them.
fn prepared(choose: impl FnOnce(&mut Options)) -> Server {
    let server = Server::prepared_with(|options| choose(production(options)));
    let made = server.run(&["keys", "create"]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made));
    server
}

#[track_caller]
fn assert_refused(output: &Output, told: &[&str]) {
    let text = text(output);
    assert_eq!(output.status.code(), Some(78), "{text}");
    for words in told {
        assert!(text.contains(words), "{words:?} is not told: {text}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let wrong = [
        ("VERBATIM_PROFILE", "production"),
        ("VERBATIM_RATE_LIMITS", "off"),
        ("VERBATIM_ALLOWED_ORIGINS", "*,https://*.example.org"),
        ("VERBATIM_PUBLIC_ORIGIN", "http://chat.example.org"),
        ("VERBATIM_METRICS_LISTEN", "0.0.0.0:9090"),
        ("VERBATIM_METRICS_TOKEN_FILE", "/nowhere"),
        ("VERBATIM_COLOUR", "red"),
        ("VERBATIM_LIMIT_PAGE_MAX", "0"),
    ];
    for subcommand in ["serve", "check-config"] {
        let told = [
            "VERBATIM_RATE_LIMITS: cannot be off",
            "VERBATIM_ALLOWED_ORIGINS: `*` stands for pages nobody named",
            "VERBATIM_PUBLIC_ORIGIN: `http://chat.example.org` is not encrypted",
            "VERBATIM_METRICS_LISTEN: shows metrics to everyone",
            "VERBATIM_METRICS_TOKEN_FILE: the file it names cannot be read",
            "VERBATIM_COLOUR: there is no such setting",
            "VERBATIM_LIMIT_PAGE_MAX: must be a whole number",
            "access-ed25519.pem is missing",
            "intent.key is missing",
            "verbatim keys create",
        ];
        assert_refused(&run_to_end(&[subcommand], &wrong), &told);
    }
}

#[test]
fn a_name_to_answer_to_must_be_chosen() {
    let output = run_to_end(&["check-config"], &[("VERBATIM_PROFILE", "production")]);
    assert_refused(&output, &["VERBATIM_PUBLIC_ORIGIN: must be set"]);
}

#[test]
fn keys_are_made_by_an_operator_and_never_by_a_start() {
    let server = Server::prepared_with(|options| {
        production(options);
    });
    assert_refused(&server.run(&["serve"]), &["access-ed25519.pem is missing"]);
    assert!(!server.data().join("keys").exists(), "a refused start leaves nothing");
    assert_eq!(server.run(&["keys", "create"]).status.code(), Some(0));
    let key = server.data().join("keys/intent.key");
    let first = std::fs::read(&key).expect("made");
    assert_eq!(server.run(&["keys", "create"]).status.code(), Some(0));
    assert_eq!(
        std::fs::read(&key).expect("still there"),
        first,
        "keys that are there stay"
    );
    let checked = server.run(&["check-config"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    assert_ne!(server.run(&["keys"]).status.code(), Some(0));
}

#[test]
fn keys_that_protect_nothing_are_refused_by_name() {
    let server = prepared(|_| {});
    let keys = server.data().join("keys");
    let mode = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("changed");
    let (access, intent) = (keys.join("access-ed25519.pem"), keys.join("intent.key"));
    mode(&access, 0o644);
    std::fs::write(&intent, [0; 32]).expect("written");
    assert_refused(
        &server.run(&["check-config"]),
        &[
            "access-ed25519.pem can be read by others",
            "intent.key holds a key that anyone can guess",
        ],
    );
    mode(&access, 0o600);
    std::fs::write(&intent, "changeme").expect("written");
    let refused = server.run(&["serve"]);
    assert_refused(&refused, &["intent.key does not hold a key of its kind"]);
    assert!(!text(&refused).contains("changeme"));
}

#[tokio::test]
async fn in_production_only_our_own_names_are_answered_to() {
    let mut server = prepared(|_| {});
    server.launch();
    let stage = Stage::on(&server);
    for host in [
        "evil.example",
        "chat.example.org.evil.example",
        "localhost",
        "chat.example.org:8443",
        "",
    ] {
        let answer = stage.get("/api/v1/limits").header("host", host).send().await;
        answer.problem_code(421, "request/wrong-host");
        let answer = stage
            .post("/api/v1/auth/login")
            .header("host", host)
            .raw_json("{}")
            .send()
            .await;
        answer.problem_code(421, "request/wrong-host");
    }
    for host in ["chat.example.org", "CHAT.example.org:443"] {
        stage.get("/api/v1/limits").header("host", host).send().await.is(200);
    }
    // Whoever looks after the process comes by its address.
    for path in ["/healthz", "/livez", "/readyz"] {
        stage.get(path).header("host", "10.0.0.7:8080").send().await.is(200);
    }
}

#[tokio::test]
async fn in_production_answers_ask_for_encryption_and_tickets_lead_to_the_public_origin() {
    let mut server = prepared(|_| {});
    server.launch();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    for answer in [
        stage.get("/healthz").send().await,
        stage.get("/nowhere").send().await,
        ann.get("/users/me").send().await,
    ] {
        let policy = answer.header("strict-transport-security").expect("HSTS");
        assert!(policy.starts_with("max-age=63072000"), "{policy}");
    }
    let ticket = ann.post("/ws/ticket").send().await.is(201);
    assert_eq!(ticket["url"], "wss://chat.example.org/api/v1/ws");
    // Without an address of its own or a token there is nothing to see.
    stage.get("/metrics").send().await.problem(404);
    let local = stage.get("/api/v1/limits").header("origin", "http://localhost:5173");
    local.send().await.problem_code(403, "origin/refused");
}

#[tokio::test]
async fn metrics_with_a_token_are_shown_to_its_bearer_alone() {
    let mut server = prepared(|options| {
        options.set("VERBATIM_METRICS_TOKEN", TOKEN);
    });
    let shown = server.run(&["check-config"]);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown));
    assert!(!text(&shown).contains(TOKEN) && text(&shown).contains("metrics_token = [redacted]"));
    server.launch();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    stage.get("/metrics").send().await.problem_code(401, "auth/required");
    let wrong = format!("{}b", &TOKEN[..TOKEN.len() - 1]);
    for token in [&wrong, &TOKEN[1..], &ann.token] {
        let answer = stage.get("/metrics").token(token).send().await;
        answer.problem_code(401, "auth/invalid-token");
    }
    let metrics = stage.get("/metrics").token(TOKEN).send().await.is(200);
    assert!(metrics.text.contains("ws_connections"), "{}", metrics.text);
    assert!(server.printed().iter().all(|line| !line.contains(TOKEN)));
}

#[test]
fn metrics_of_the_world_take_a_token() {
    let open = |options: &mut Options| {
        production(options).set("VERBATIM_METRICS_LISTEN", "0.0.0.0:0");
    };
    assert_refused(
        &Server::prepared_with(open).run(&["check-config"]),
        &["VERBATIM_METRICS_LISTEN"],
    );
    let server = prepared(|options| {
        open(options);
        options.set("VERBATIM_METRICS_TOKEN", TOKEN);
    });
    assert_eq!(server.run(&["check-config"]).status.code(), Some(0));
}
