//! The table of problems is whole, its page is current, and refusals look as promised.

use std::{collections::HashSet, path::Path};

use actix_web::body::to_bytes;
use serde_json::Value;

use super::*;

#[test]
fn every_code_is_named_once_and_in_form() {
    let mut seen = HashSet::new();
    for kind in ALL {
        assert!(seen.insert(kind.code), "{} is there twice", kind.code);
        let (area, reason) = kind.code.split_once('/').expect("area/reason");
        let kebab = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(kebab(area) && kebab(reason), "{}", kind.code);
        assert!(
            StatusCode::from_u16(kind.status).is_ok_and(|status| status.is_client_error() || status.is_server_error())
        );
    }
}

#[test]
fn the_committed_page_of_problems_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts/problems.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, markdown()).expect("written");
    }
    let committed = std::fs::read_to_string(&path).expect("contracts/problems.md is committed");
    assert_eq!(committed, markdown(), "run UPDATE_GOLDEN=1 cargo test -p api problem");
}

#[test]
fn every_code_has_a_page() {
    for kind in ALL {
        assert!(
            page(kind.code).is_some_and(|page| page.contains(kind.code)),
            "{}",
            kind.code
        );
    }
    assert_eq!(page("nothing/such"), None);
}

async fn rendered(problem: Problem) -> (HttpResponse, Value) {
    let (head, body) = problem.error_response().into_parts();
    let body = to_bytes(body).await.expect("a body in memory");
    (
        head.set_body(actix_web::body::BoxBody::new(())),
        serde_json::from_slice(&body).expect("JSON"),
    )
}

#[actix_web::test]
async fn a_problem_is_rendered_as_promised() {
    let id = Uuid::from_u128(7);
    let problem = Problem::invalid("/body", "body is empty").for_request(id);
    let (head, body) = rendered(problem).await;
    assert_eq!(head.status(), 422);
    assert_eq!(
        head.headers().get("content-type").expect("a type"),
        "application/problem+json"
    );
    assert_eq!(body["type"], "/problems/request/invalid");
    assert_eq!(body["code"], "request/invalid");
    assert_eq!(body["status"], 422);
    assert_eq!(body["request_id"], id.to_string());
    assert_eq!(body["errors"][0]["pointer"], "/body");
    assert_eq!(body["errors"][0]["detail"], "body is empty");
    assert!(body.get("retry_after_ms").is_none());
}

#[actix_web::test]
async fn a_wait_is_told_in_the_body_and_in_the_head() {
    let problem = Problem::new(&codes::RATE_LIMITED).retry_after(Duration::from_millis(1_200));
    assert!(problem.retryable());
    let (head, body) = rendered(problem).await;
    assert_eq!(body["retry_after_ms"], 1_200);
    assert_eq!(head.headers().get("retry-after").expect("a wait"), "2");
}

#[test]
fn what_will_not_pass_by_itself_is_not_retryable() {
    assert!(!Problem::new(&codes::MESSAGE_NOT_AUTHOR).retryable());
    assert!(Problem::new(&codes::OUTCOME_UNKNOWN).retryable());
}
