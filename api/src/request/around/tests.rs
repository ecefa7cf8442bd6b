//! Every answer carries what it must, whoever refused the request and however it went wrong.

use actix_web::{
    App as WebApp, HttpResponse,
    body::to_bytes,
    dev::Service,
    middleware::from_fn,
    test::{TestRequest, init_service},
    web,
};
use serde_json::Value;
use uuid::Uuid;

use super::around;
use crate::request::{admission, cors};
use crate::{http, serve::Stage};

/// Asks a whole application, to which a route that panics was added.
async fn answer(request: TestRequest) -> HttpResponse {
    let stage = Stage::set(&[]).await;
    let service = WebApp::new()
        .app_data(stage.app.clone())
        .wrap(from_fn(admission))
        .wrap(cors(&stage.app))
        .wrap(from_fn(around))
        .route("/panic", web::get().to(panics))
        .configure(http::routes(&stage.app));
    let service = init_service(service).await;
    match service.call(request.to_request()).await {
        Ok(response) => response.into_parts().1,
        Err(error) => error.error_response(),
    }
}

async fn panics() -> HttpResponse {
    panic!("the words of somebody");
}

async fn problem(request: TestRequest) -> (u16, Value) {
    let response = answer(request).await;
    assert_eq!(
        response.headers().get("content-type").expect("a type"),
        "application/problem+json"
    );
    assert_eq!(response.headers().get("cache-control").expect("a rule"), "no-store");
    let id = response
        .headers()
        .get("x-request-id")
        .expect("an id")
        .to_str()
        .expect("ASCII")
        .to_owned();
    let status = response.status().as_u16();
    let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.expect("a body")).expect("JSON");
    assert_eq!(body["request_id"], id);
    assert_eq!(body["status"], status);
    (status, body)
}

#[actix_web::test]
async fn unknown_routes_and_methods_are_problems() {
    for path in ["/nothing", "/api/v1/nothing", "/problems/no/such"] {
        let (status, body) = problem(TestRequest::get().uri(path)).await;
        assert_eq!((status, &body["code"]), (404, &"route/not-found".into()), "{path}");
    }
    let (status, body) = problem(TestRequest::put().uri("/api/v1/limits")).await;
    assert_eq!((status, &body["code"]), (405, &"route/method-not-allowed".into()));
}

#[actix_web::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let response = answer(TestRequest::put().uri("/api/v1/limits")).await;
    assert_eq!(response.headers().get("allow").expect("named"), "GET");
}

#[actix_web::test]
async fn a_panic_is_an_error_of_ours_and_quotes_nothing() {
    let (status, body) = problem(TestRequest::get().uri("/panic")).await;
    assert_eq!((status, &body["code"]), (500, &"internal/error".into()));
    assert!(!body.to_string().contains("words of somebody"));
}

#[actix_web::test]
async fn only_a_uuid_is_taken_as_request_id() {
    let ours = Uuid::from_u128(0x1234).to_string();
    let response = answer(
        TestRequest::get()
            .uri("/healthz")
            .insert_header(("x-request-id", ours.clone())),
    )
    .await;
    assert_eq!(response.headers().get("x-request-id").expect("an id"), ours.as_str());
    let response = answer(
        TestRequest::get()
            .uri("/healthz")
            .insert_header(("x-request-id", "drop table")),
    )
    .await;
    let id = response
        .headers()
        .get("x-request-id")
        .expect("an id")
        .to_str()
        .expect("ASCII");
    assert!(Uuid::try_parse(id).is_ok(), "{id}");
}

#[actix_web::test]
async fn heads_are_bounded_in_number_and_size() {
    let many = (0..65).fold(TestRequest::get().uri("/healthz"), |request, number| {
        request.insert_header((format!("x-header-{number}"), "x"))
    });
    assert_eq!(problem(many).await.1["code"], "request/head-too-large");
    let long = TestRequest::get()
        .uri("/healthz")
        .insert_header(("x-long", "x".repeat(32 * 1024)));
    assert_eq!(problem(long).await.0, 431);
}

#[actix_web::test]
async fn bodies_are_declared_bounded_and_shallow() {
    let login = || TestRequest::post().uri("/api/v1/auth/login");
    let json = ("content-type", "application/json");
    let (status, _) = problem(login().set_payload("{}")).await;
    assert_eq!(status, 415);
    let (status, _) = problem(
        login()
            .insert_header(json)
            .insert_header(("content-encoding", "gzip"))
            .set_payload("{}"),
    )
    .await;
    assert_eq!(status, 415);
    let (status, _) = problem(login().insert_header(json).set_payload(vec![b' '; 256 * 1024 + 1])).await;
    assert_eq!(status, 413);
    let (status, body) = problem(login().insert_header(json).set_payload("[".repeat(200))).await;
    assert_eq!((status, &body["code"]), (400, &"request/malformed".into()));
    let (status, body) = problem(
        login()
            .insert_header(json)
            .set_payload(r#"{"handle":"ann","pass":"x"}"#),
    )
    .await;
    assert_eq!((status, &body["errors"][0]["pointer"]), (422, &"/pass".into()));
}

#[actix_web::test]
async fn strangers_are_asked_to_sign_in() {
    let ticket = || TestRequest::post().uri("/api/v1/ws/ticket");
    assert_eq!(problem(ticket()).await.1["code"], "auth/required");
    assert_eq!(
        problem(ticket().insert_header(("authorization", "Basic eDp5"))).await.1["code"],
        "auth/required"
    );
    assert_eq!(
        problem(ticket().insert_header(("authorization", "Bearer x"))).await.1["code"],
        "auth/invalid-token"
    );
}
