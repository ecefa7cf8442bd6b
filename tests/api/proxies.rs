//! Whose word about an address is taken: that of configured proxies, and of them only what they wrote themselves.

use verbatim_tests::{Server, Stage};

/// The burst of one address: who is counted elsewhere does not exhaust it.
const BURST: usize = 10;

fn with_proxies(proxies: &str) -> Server {
    Server::start_with(|options| {
        options.set("VERBATIM_RATE_LIMITS", "on");
        options.set("VERBATIM_LIMIT_REQUESTS_PER_SECOND", "1");
        options.set("VERBATIM_LIMIT_REQUESTS_BURST", BURST.to_string());
        options.set("VERBATIM_TRUSTED_PROXIES", proxies);
    })
}

/// Whether requests with these lines all count as one address.
async fn are_one(stage: &Stage, lines: impl Fn(usize) -> Vec<String>) -> bool {
    let mut refused = 0;
    for number in 0..BURST * 3 {
        let ask = stage.get("/nowhere");
        let ask = lines(number)
            .into_iter()
            .fold(ask, |ask, line| ask.header("x-forwarded-for", &line));
        refused += usize::from(ask.send().await.status == 429);
    }
    refused > BURST
}

#[tokio::test]
async fn nobody_is_believed_unless_named() {
    let server = with_proxies("");
    let stage = Stage::on(&server);
    assert!(are_one(&stage, |number| vec![format!("10.1.1.{number}")]).await);
}

#[tokio::test]
async fn the_last_word_of_a_named_proxy_counts() {
    let server = with_proxies("127.0.0.1,10.0.0.0/8");
    let stage = Stage::on(&server);
    assert!(!are_one(&stage, |number| vec![format!("198.51.100.{number}")]).await);
    // What the client wrote in front of it does not.
    assert!(are_one(&stage, |number| vec![format!("203.0.113.{number}, 192.0.2.1")]).await);
    assert!(
        are_one(&stage, |number| vec![
            format!("203.0.113.{number}"),
            "192.0.2.2".to_owned()
        ])
        .await
    );
    // Nor what stands before an untrusted hop, behind however many trusted ones.
    let through_two = |number| {
        vec![
            format!("203.0.113.{number}, 192.0.2.3, 10.0.0.7"),
            "10.0.0.8".to_owned(),
        ]
    };
    assert!(are_one(&stage, through_two).await);
    let from_many = |number| vec![format!("192.0.2.{}, 10.0.0.7, 10.0.0.8", 100 + number)];
    assert!(!are_one(&stage, from_many).await);
}

#[tokio::test]
async fn what_is_no_address_is_the_proxys_own() {
    let server = with_proxies("127.0.0.1");
    let stage = Stage::on(&server);
    let nonsense = [
        "unknown",
        "_secret",
        "198.51.100",
        "a, b, c",
        "[::1",
        "1.2.3.4.5",
        "\u{e4}",
        "%00",
    ];
    assert!(are_one(&stage, |number| vec![nonsense[number % nonsense.len()].to_owned()]).await);
    // With ports, brackets and zones they are addresses all the same.
    assert!(are_one(&stage, |number| vec![format!("198.51.100.1:{}", 1_000 + number)]).await);
    assert!(are_one(&stage, |number| vec![format!("[2001:db8::{number}]:443")]).await);
    assert!(are_one(&stage, |number| vec![format!("2001:db8:1::1%eth{number}")]).await);
}
