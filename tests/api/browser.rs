//! What browsers are told: which pages may use the service, what may be kept, and what is refused before a page of somebody else, or a
//! proxy with ideas of its own, can make anything of it.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use verbatim_tests::{Answer, PASSWORD, Server, Stage, fresh_key};

const OURS: &str = "https://chat.example.org";

fn server() -> Server {
    Server::start_with(|options| {
        options.set("VERBATIM_ALLOWED_ORIGINS", OURS);
        options.set("VERBATIM_LIMIT_REQUEST_BODY_TIMEOUT_MS", "500");
    })
}

/// What comes back for these bytes until the server hangs up or has nothing more to say.
async fn raw(server: &Server, pieces: &[&str]) -> String {
    let mut stream = TcpStream::connect(server.address().authority())
        .await
        .expect("a connection");
    for piece in pieces {
        // The server may have hung up over an earlier piece already.
        stream.write_all(piece.as_bytes()).await.ok();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut answer = vec![];
    let mut buffer = [0; 4096];
    while let Ok(Ok(length @ 1..)) = timeout(Duration::from_secs(2), stream.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..length]);
        if answer.ends_with(b"}") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn preflight(stage: &Stage, path: &str, method: &str, headers: &str, origin: &str) -> verbatim_tests::Ask {
    stage
        .ask(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", headers)
}

fn allows(answer: &Answer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_answers_and_refusals() {
    let server = server();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    for origin in [
        OURS,
        "http://localhost:5173",
        &format!("http://{}", server.address().authority()),
    ] {
        for answer in [
            ann.get("/users/me").header("origin", origin).send().await.is(200),
            stage
                .get("/api/v1/users/me")
                .header("origin", origin)
                .send()
                .await
                .problem(401),
            stage.get("/nowhere").header("origin", origin).send().await.problem(404),
            ann.post("/spaces")
                .header("origin", origin)
                .raw_json("{")
                .send()
                .await
                .problem(400),
        ] {
            assert_eq!(allows(&answer), Some(origin), "{}", answer.asked);
            let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
            for name in [
                "x-request-id",
                "x-position",
                "ratelimit",
                "ratelimit-policy",
                "retry-after",
                "etag",
            ] {
                assert!(
                    exposed.to_ascii_lowercase().contains(name),
                    "{name} is not in {exposed:?}"
                );
            }
            assert_eq!(
                answer.header("access-control-allow-credentials"),
                None,
                "{}",
                answer.asked
            );
            assert!(
                answer
                    .header("vary")
                    .unwrap_or_default()
                    .to_ascii_lowercase()
                    .contains("origin")
            );
        }
    }
    let nobodys = ann.get("/users/me").send().await.is(200);
    assert_eq!(
        (allows(&nobodys), nobodys.header("access-control-expose-headers")),
        (None, None)
    );
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_and_nothing_is_done_for_them() {
    let server = server();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    for origin in [
        "https://evil.example",
        "https://chat.example.org.evil.example",
        "http://chat.example.org",
        "https://chat.example.org:444",
        "null",
        "https://CHAT.example.org",
    ] {
        let create = ann
            .post("/spaces")
            .json(&json!({"name": "Club"}))
            .header("origin", origin);
        for answer in [
            create.send().await,
            ann.get("/users/me").header("origin", origin).send().await,
            stage.get("/api/v1/ws").header("origin", origin).send().await,
            preflight(&stage, "/api/v1/spaces", "POST", "content-type", origin)
                .send()
                .await,
        ] {
            let answer = answer.problem_code(403, "origin/refused");
            assert_eq!(allows(&answer), None, "{origin} {}", answer.asked);
        }
    }
    assert_eq!(ann.read("/spaces").await.items().len(), 0);
}

#[tokio::test]
async fn preflights_are_answered_and_kept() {
    let server = server();
    let stage = Stage::on(&server);
    let wanted = "authorization, content-type, idempotency-key, if-match, x-request-id, dpop";
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let answer = preflight(&stage, "/api/v1/spaces", method, wanted, OURS)
            .send()
            .await
            .is(200);
        assert_eq!(allows(&answer), Some(OURS));
        assert_eq!(answer.header("access-control-max-age"), Some("7200"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert!(
            answer
                .header("access-control-allow-methods")
                .unwrap_or_default()
                .contains(method)
        );
    }
    for (method, headers) in [("TRACE", "content-type"), ("POST", "x-colour")] {
        preflight(&stage, "/api/v1/spaces", method, headers, OURS)
            .send()
            .await
            .problem(403);
    }
}

#[tokio::test]
async fn cookies_go_with_the_routes_of_cookies_alone() {
    let server = server();
    let stage = Stage::on(&server);
    for path in ["/api/v1/auth/login", "/api/v1/auth/register"] {
        let asked = preflight(&stage, path, "POST", "content-type", OURS)
            .send()
            .await
            .is(200);
        assert_eq!(asked.header("access-control-allow-credentials"), Some("true"), "{path}");
        let sent = stage
            .post(path)
            .raw_json("{}")
            .header("origin", OURS)
            .send()
            .await
            .problem(422);
        assert_eq!(sent.header("access-control-allow-credentials"), Some("true"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_what_keeps_browsers_out_of_trouble() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for answer in [
        stage.get("/healthz").send().await,
        stage.get("/nowhere").send().await,
        stage.get("/api/v1/limits").send().await,
        ann.get("/users/me").send().await,
        ann.post("/spaces").raw_json("{").send().await,
        stage.get("/problems/rate/limited").send().await,
    ] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{} {name}", answer.asked);
        }
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(
            answer
                .header("permissions-policy")
                .is_some_and(|policy| policy.contains("camera=()"))
        );
        assert_eq!(
            answer.header("strict-transport-security"),
            None,
            "a developer's machine"
        );
        assert_eq!(answer.header("server"), None);
    }
}

#[tokio::test]
async fn private_answers_are_kept_by_nobody_and_public_ones_for_a_while() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let login = json!({"handle": ann.handle, "password": PASSWORD});
    for answer in [
        ann.get("/users/me").send().await.is(200),
        ann.get(&format!("/channels/{}/messages", room.channel))
            .send()
            .await
            .is(200),
        ann.post("/ws/ticket").send().await.is(201),
        stage.post("/api/v1/auth/login").json(&login).send().await.is(200),
        stage.get("/api/v1/users/me").send().await.problem(401),
        stage.get("/nowhere").send().await.problem(404),
        stage.get("/healthz").send().await.is(200),
    ] {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.asked);
    }
    for path in [
        "/api/v1/limits",
        "/problems/rate/limited",
        "/api/asyncapi.json",
        "/.well-known/jwks.json",
    ] {
        let answer = stage.get(path).send().await.is(200);
        let rule = answer.header("cache-control").unwrap_or_default();
        assert!(rule.starts_with("public, max-age="), "{path}: {rule}");
        let tag = answer.header("etag").expect("a tag").to_owned();
        let again = stage.get(path).header("if-none-match", &tag).send().await.is(304);
        assert_eq!((again.text.as_str(), again.header("etag")), ("", Some(&*tag)), "{path}");
        stage
            .get(path)
            .header("if-none-match", "\"other\"")
            .send()
            .await
            .is(200);
    }
}

#[tokio::test]
async fn secrets_in_addresses_are_refused_and_not_repeated() {
    let server = server();
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    for name in [
        "access_token",
        "token",
        "ticket",
        "refresh_token",
        "code",
        "Access%5FToken",
        "id-token",
    ] {
        for path in [
            "/api/v1/users/me",
            "/api/v1/ws",
            "/nowhere",
            "/healthz",
            "/api/v1/channels?limit=1&x",
        ] {
            let joint = if path.contains('?') { '&' } else { '?' };
            let answer = stage
                .get(&format!("{path}{joint}{name}=hunter22{}", ann.token))
                .token(&ann.token);
            let answer = answer.send().await.problem_code(400, "request/token-in-query");
            assert!(
                !answer.text.contains("hunter22") && !answer.text.contains(&ann.token),
                "{}",
                answer.text
            );
        }
    }
    assert!(
        server
            .printed()
            .iter()
            .all(|line| !line.contains("hunter22") && !line.contains(&ann.token))
    );
    ann.get(&format!("/users?handle={}", ann.handle)).send().await.is(200);
}

#[tokio::test]
async fn bodies_are_refused_where_none_belong_and_when_they_are_encoded() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for path in ["/users/me", "/channels", "/nowhere"] {
        ann.get(path)
            .raw_json("{}")
            .send()
            .await
            .problem_code(400, "request/malformed");
    }
    for encoding in ["gzip", "br", "deflate", "identity, gzip", "x"] {
        let create = ann.post("/spaces").json(&json!({"name": "Club"}));
        create
            .header("content-encoding", encoding)
            .send()
            .await
            .problem_code(415, "request/media-type");
        let join = ann.post("/spaces/x/join").header("content-encoding", encoding);
        join.send().await.problem_code(415, "request/media-type");
    }
    ann.post("/spaces/x/leave")
        .raw_json(" ".repeat(300 * 1024))
        .send()
        .await
        .problem_code(413, "request/too-large");
    assert_eq!(ann.read("/spaces").await.items().len(), 0);
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_not_read() {
    let server = server();
    let host = server.address().authority();
    let login = "POST /api/v1/auth/login HTTP/1.1";
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    for head in [
        format!("{login}\r\nHost: {host}\r\nContent-Length: 2\r\nTransfer-Encoding: chunked"),
        format!("{login}\r\nHost: {host}\r\nContent-Length: 2\r\nContent-Length: 3"),
        format!("{login}\r\nHost: {host}\r\nContent-Length: +2"),
        format!("{login}\r\nHost: {host}\r\nTransfer-Encoding: gzip"),
        format!("{login}\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        format!("{login}\r\nHost: {host}\r\nTransfer-Encoding : chunked"),
        format!("POST /api/v1/auth/login HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked"),
        format!("{login}\r\nHost: {host}\r\nHost: evil.example\r\nContent-Length: 0"),
    ] {
        let answer = raw(&server, &[&format!("{head}\r\n\r\n0\r\n\r\n{smuggled}")]).await;
        assert!(
            answer.starts_with("HTTP/1.1 400") || answer.is_empty(),
            "{head}\n{answer}"
        );
        assert!(
            !answer.contains("alive"),
            "a second request was found within the first: {head}\n{answer}"
        );
    }
    server.assert_no_panic();
}

/// There is only one way to read these, so what follows them on the connection is a request of its own.
#[tokio::test]
async fn methods_without_a_body_are_refused_one_and_the_connection_ends() {
    let server = server();
    let host = server.address().authority();
    for shape in [
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 5\r\n\r\n12345",
    ] {
        let answer = raw(&server, &[&format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n{shape}")]).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{shape}\n{answer}");
        assert!(answer.contains("connection: close"), "{shape}\n{answer}");
    }
}

#[tokio::test]
async fn a_body_that_trickles_in_is_not_waited_for() {
    let server = server();
    let host = server.address().authority();
    let head = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    );
    let answer = raw(&server, &[&head]).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("request/timeout"), "{answer}");
    // However busily: each piece in time, the whole never.
    let mut pieces = vec![head.as_str()];
    pieces.extend(["{"; 20]);
    let answer = raw(&server, &pieces).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let chunked = head.replace("Content-Length: 1000", "Transfer-Encoding: chunked");
    let mut pieces = vec![chunked.as_str()];
    pieces.extend(["1\r\n{\r\n"; 20]);
    let answer = raw(&server, &pieces).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_page_that_is_refused_elsewhere_has_no_ticket_to_open_a_socket_with() {
    let server = server();
    let ann = Stage::on(&server).person("ann").await;
    let ask = ann
        .post("/ws/ticket")
        .key(&fresh_key())
        .header("origin", "https://evil.example");
    ask.send().await.problem_code(403, "origin/refused");
}
