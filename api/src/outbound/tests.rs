//! Fetches against servers of this machine, which tests name as exceptions, and against names that lead where nobody may go.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use reqwest::dns::Resolve;
use tokio::net::TcpListener;

use super::{
    site::{Site, ok},
    *,
};

/// Names that lead elsewhere each time they are looked up.
#[derive(Default)]
struct Rebinding {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: AtomicUsize,
}

impl Rebinding {
    fn leading(host: &str, answers: &[&[&str]]) -> Arc<Self> {
        let parsed = answers
            .iter()
            .map(|answer| answer.iter().map(|text| text.parse().expect("an address")).collect())
            .collect();
        let names = Self::default();
        names.answers.lock().insert(host.to_owned(), parsed);
        Arc::new(names)
    }
}

#[async_trait::async_trait]
impl Names for Rebinding {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let time = self.asked.fetch_add(1, Ordering::SeqCst);
        let answers = self.answers.lock();
        let known = answers.get(host).ok_or(io::ErrorKind::NotFound)?;
        Ok(known[time.min(known.len() - 1)].clone())
    }
}

fn outbound(names: Arc<dyn Names>, exceptions: Vec<String>) -> Outbound {
    Outbound::new(names, exceptions, OutboundMetrics::default())
}

fn redirect_to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

const ROOM: usize = 1_024;

#[tokio::test]
async fn a_document_is_fetched_without_cookies_or_where_we_come_from() {
    let site = Site::answering(vec![redirect_to("/second"), ok("hello")]).await;
    let fetched = site.outbound().get(&site.url("/first"), Reach::Anywhere, ROOM).await;
    assert_eq!(fetched, Ok(b"hello".to_vec()));
    let heads = site.heads().join("").to_lowercase();
    assert!(heads.contains("get /first") && heads.contains("get /second"), "{heads}");
    for header in ["cookie:", "referer:", "authorization:"] {
        assert!(!heads.contains(header), "{heads}");
    }
}

#[tokio::test]
async fn the_servers_of_this_machine_are_refused_unless_a_test_names_them() {
    let site = Site::answering(vec![ok("secret")]).await;
    let outbound = outbound(Arc::new(SystemNames), vec![]);
    for reach in [Reach::Anywhere, Reach::Configured, Reach::Private] {
        assert_eq!(outbound.get(&site.url("/"), reach, ROOM).await, Err(Refused::Address));
    }
    let port = site.origin.rsplit(':').next().expect("a port");
    for host in ["127.0.0.1", "[::1]", "2130706433"] {
        let url = Url::parse(&format!("https://{host}:{port}/")).expect("an address");
        assert_eq!(
            outbound.get(&url, Reach::Configured, ROOM).await,
            Err(Refused::NotPublic)
        );
    }
    let local = Url::parse(&format!("https://localhost:{port}/")).expect("an address");
    assert_eq!(
        outbound.get(&local, Reach::Configured, ROOM).await,
        Err(Refused::NotPublic)
    );
    assert_eq!(site.visits(), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_however_it_changes() {
    for answer in [
        &["127.0.0.1"][..],
        &["169.254.169.254", "10.0.0.1"],
        &["::ffff:10.0.0.1"],
        &["fd00:ec2::254"],
    ] {
        let outbound = outbound(Rebinding::leading("rebound.example", &[answer]), vec![]);
        let url = Url::parse("https://rebound.example/").expect("an address");
        assert_eq!(
            outbound.get(&url, Reach::Anywhere, ROOM).await,
            Err(Refused::NotPublic),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn only_the_public_addresses_of_a_name_are_handed_on() {
    let names = Rebinding::leading(
        "mixed.example",
        &[&["1.0.0.1", "127.0.0.1", "64:ff9b::a00:1", "2606:4700::1111"]],
    );
    let name = || "mixed.example".parse().expect("a name");
    let guarded = Guarded::new(Arc::clone(&names) as Arc<dyn Names>, Reach::Anywhere);
    let found: Vec<_> = guarded
        .resolve(name())
        .await
        .expect("some are public")
        .map(|found| found.ip())
        .collect();
    assert_eq!(
        found,
        ["1.0.0.1", "2606:4700::1111"].map(|text| text.parse::<IpAddr>().expect("an address"))
    );
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_a_fetch_and_what_was_found_is_connected_to() {
    let site = Site::answering(vec![ok("here")]).await;
    let port = site.origin.rsplit(':').next().expect("a port");
    let origin = format!("http://rebound.example:{port}");
    // Every later answer would lead where nobody listens.
    let names = Rebinding::leading("rebound.example", &[&["127.0.0.1"], &["127.0.0.2"]]);
    let outbound = outbound(Arc::clone(&names) as Arc<dyn Names>, vec![origin.clone()]);
    let url = Url::parse(&origin).expect("an address");
    assert_eq!(outbound.get(&url, Reach::Anywhere, ROOM).await, Ok(b"here".to_vec()));
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    // The next fetch looks again: nothing is remembered, and no connection is kept.
    assert_eq!(
        outbound.get(&url, Reach::Anywhere, ROOM).await,
        Err(Refused::Unreachable)
    );
    assert_eq!((names.asked.load(Ordering::SeqCst), site.visits()), (2, 1));
}

#[tokio::test]
async fn a_name_that_nobody_has_is_told_apart() {
    let outbound = outbound(Rebinding::leading("known.example", &[&["1.1.1.1"]]), vec![]);
    let url = Url::parse("https://unknown.example/").expect("an address");
    assert_eq!(
        outbound.get(&url, Reach::Anywhere, ROOM).await,
        Err(Refused::NoSuchName)
    );
}

#[tokio::test]
async fn redirects_are_checked_like_the_first_address_and_counted() {
    for (location, refused) in [
        ("https://127.0.0.1/", Refused::NotPublic),
        ("https://169.254.169.254/latest/meta-data", Refused::NotPublic),
        ("http://example.org/", Refused::Address),
        ("https://a:b@example.org/", Refused::Address),
        ("file:///etc/passwd", Refused::Address),
        ("https://[::ffff:10.0.0.1]/", Refused::NotPublic),
    ] {
        let site = Site::answering(vec![redirect_to(location)]).await;
        let fetched = site.outbound().get(&site.url("/"), Reach::Anywhere, ROOM).await;
        assert_eq!(fetched, Err(refused), "{location}");
    }
    let site = Site::answering(vec![redirect_to("HERE/again")]).await;
    let fetched = site.outbound().get(&site.url("/"), Reach::Anywhere, ROOM).await;
    assert_eq!(fetched, Err(Refused::Redirects));
    assert_eq!(site.visits(), REDIRECTS_MAX + 1);
}

#[tokio::test]
async fn nobody_leads_us_on_from_an_address_that_may_be_private() {
    let site = Site::answering(vec![redirect_to("HERE/again")]).await;
    let fetched = site.outbound().get(&site.url("/"), Reach::Private, ROOM).await;
    assert_eq!(fetched, Err(Refused::Redirects));
    assert_eq!(site.visits(), 1);
}

#[tokio::test]
async fn more_than_the_bound_is_refused_whatever_length_is_announced() {
    let large = "x".repeat(ROOM + 1);
    let endless = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}",
        "x".repeat(1024 * 1024)
    );
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    for answer in [ok(&large), endless, chunked] {
        let site = Site::answering(vec![answer]).await;
        let fetched = site.outbound().get(&site.url("/"), Reach::Anywhere, ROOM).await;
        assert_eq!(fetched, Err(Refused::TooLarge(ROOM)));
    }
    let site = Site::answering(vec![ok(&"x".repeat(ROOM))]).await;
    let fetched = site.outbound().get(&site.url("/"), Reach::Anywhere, ROOM).await;
    assert_eq!(fetched.map(|body| body.len()), Ok(ROOM));
}

#[tokio::test]
async fn an_answer_that_is_no_document_is_refused() {
    let site = Site::answering(vec!["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned()]).await;
    let fetched = site.outbound().get(&site.url("/"), Reach::Anywhere, ROOM).await;
    assert_eq!(fetched, Err(Refused::Status(404)));
    let site = Site::answering(vec!["nonsense".to_owned()]).await;
    let fetched = site.outbound().get(&site.url("/"), Reach::Anywhere, ROOM).await;
    assert_eq!(fetched, Err(Refused::Unreachable));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    // Accepts through its backlog and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let outbound = outbound(Arc::new(SystemNames), vec![origin.clone()]);
    let url = Url::parse(&origin).expect("an address");
    assert_eq!(outbound.get(&url, Reach::Anywhere, ROOM).await, Err(Refused::TooSlow));
}
