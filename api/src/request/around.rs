//! The frame around every request: its id, the bounds of its head, the log line, the metrics, the headers of every answer, and the
//! form of every refusal, panics included. What a request means is none of its business.

use std::{panic::AssertUnwindSafe, time::Instant};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use domain::UserId;
use futures_util::FutureExt;
use uuid::Uuid;

use super::{KnownUser, RequestId};
use crate::{
    app::App,
    limits::Limits,
    metrics::HttpLabels,
    problem::{Problem, REQUEST_ID_HEADER, codes},
    rates::Standing,
};

/// The route of requests that match none, in logs and metrics.
const NO_ROUTE: &str = "none";

/// Sent with every answer that does not say otherwise. Nothing served here is a page that loads anything.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

pub(crate) async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        return Err(Problem::internal("the application's state is not registered").into());
    };
    let _until_answered = app.in_flight.enter();
    let passing = Passing::of(&request);
    request.extensions_mut().insert(RequestId(passing.id));
    let answered = match within_bounds(request.headers(), &app.limits) {
        Ok(()) => {
            let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
            answered
                .unwrap_or_else(|_| Err(panicked().into()))
                .map(ServiceResponse::map_into_boxed_body)
        }
        Err(problem) => Ok(request.error_response(problem)),
    };
    match answered {
        Ok(response) => Ok(passing.finish(&app, response)),
        Err(error) => Err(passing.finish_lost(&app, &error)),
    }
}

/// What is kept of a request while it is elsewhere.
struct Passing {
    id: Uuid,
    method: &'static str,
    started: Instant,
}

impl Passing {
    fn of(request: &ServiceRequest) -> Self {
        Self {
            id: id_of(request.headers()),
            method: known_method(request.method().as_str()),
            started: Instant::now(),
        }
    }

    fn finish(&self, app: &App, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let (request, mut response) = response.into_parts();
        let problem = problem_of(&response);
        if let Some(problem) = &problem {
            response = rendered(&problem.clone().for_request(self.id), &response);
        }
        put_headers(response.headers_mut(), self.id);
        if let Some(standing) = request.extensions().get::<Standing>() {
            put_rate(response.headers_mut(), *standing);
        }
        let route = request.match_pattern().unwrap_or_else(|| NO_ROUTE.to_owned());
        self.note(
            app,
            route,
            response.status(),
            user_of(&request),
            problem.map(|problem| problem.code()),
        );
        ServiceResponse::new(request, response)
    }

    /// The same for a request that is gone: a panic took it along.
    fn finish_lost(&self, app: &App, error: &Error) -> Error {
        let problem = problem_of_error(error).for_request(self.id);
        let mut response = problem.error_response();
        put_headers(response.headers_mut(), self.id);
        self.note(app, NO_ROUTE.to_owned(), response.status(), None, Some(problem.code()));
        InternalError::from_response(problem, response).into()
    }

    /// The one log line of a request, and its metrics. Never its query, its body or its sender's address.
    fn note(&self, app: &App, route: String, status: StatusCode, user: Option<UserId>, code: Option<&'static str>) {
        let (method, status) = (self.method, status.as_u16());
        let elapsed = self.started.elapsed();
        tracing::info!(
            request_id = %self.id,
            method,
            route,
            status,
            duration_ms = elapsed.as_micros() as f64 / 1000.0,
            user = user.map(tracing::field::display),
            code,
            "Answered {method} {route} with {status}"
        );
        app.metrics.http.answered(HttpLabels { method, route, status }, elapsed);
    }
}

/// The client's id for the request if it is one of ours in form, so that no text of theirs gets into the logs.
fn id_of(headers: &HeaderMap) -> Uuid {
    let given = headers
        .get(REQUEST_ID_HEADER)
        .and_then(|value| Uuid::try_parse(value.to_str().ok()?).ok());
    given.filter(|id| !id.is_nil()).unwrap_or_else(Uuid::now_v7)
}

fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.iter().find(|known| **known == method).copied().unwrap_or("other")
}

fn user_of(request: &HttpRequest) -> Option<UserId> {
    request.extensions().get::<KnownUser>().map(|user| user.0)
}

fn within_bounds(headers: &HeaderMap, limits: &Limits) -> Result<(), Problem> {
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum();
    if headers.len() > limits.request_headers || bytes > limits.request_head_bytes {
        return Err(Problem::new(&codes::REQUEST_HEAD_TOO_LARGE));
    }
    Ok(())
}

/// The panic itself was logged where it happened.
fn panicked() -> Problem {
    Problem::new(&codes::INTERNAL_ERROR)
}

/// The refusal that a response stands for, if it is one: ours, or one of the framework that has no words of its own yet.
fn problem_of(response: &HttpResponse) -> Option<Problem> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    match response.error() {
        Some(error) => Some(problem_of_error(error)),
        None if has_words(response) => None,
        None => Some(Problem::new(by_status(status))),
    }
}

fn problem_of_error(error: &Error) -> Problem {
    match error.as_error::<Problem>() {
        Some(problem) => problem.clone(),
        None => Problem::new(by_status(error.as_response_error().status_code())),
    }
}

fn has_words(response: &HttpResponse) -> bool {
    !matches!(response.body().size(), BodySize::None | BodySize::Sized(0))
}

fn by_status(status: StatusCode) -> &'static crate::problem::Kind {
    match status.as_u16() {
        404 => &codes::ROUTE_NOT_FOUND,
        405 => &codes::ROUTE_METHOD_NOT_ALLOWED,
        413 => &codes::REQUEST_TOO_LARGE,
        415 => &codes::REQUEST_MEDIA_TYPE,
        431 => &codes::REQUEST_HEAD_TOO_LARGE,
        422 => &codes::REQUEST_INVALID,
        400..=499 => &codes::REQUEST_MALFORMED,
        _ => &codes::INTERNAL_ERROR,
    }
}

/// The same refusal in our form; the methods that would have been allowed stay named.
fn rendered(problem: &Problem, framework: &HttpResponse) -> HttpResponse {
    let mut response = problem.error_response();
    if let Some(allow) = framework.headers().get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response
}

fn put_headers(headers: &mut HeaderMap, id: Uuid) {
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(HeaderName::from_static(REQUEST_ID_HEADER), value);
    }
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
}

/// What is left of the person's commands, as the IETF's draft on rate limit headers has it.
fn put_rate(headers: &mut HeaderMap, standing: Standing) {
    let policy = format!("\"commands\";q={};w={}", standing.burst, standing.window_seconds);
    let state = format!("\"commands\";r={};t={}", standing.remaining, standing.reset_seconds);
    for (header, text) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(HeaderName::from_static(header), value);
        }
    }
}

#[cfg(test)]
mod tests;
