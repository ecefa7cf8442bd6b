//! The frame around every request: its id, its count by address, the log line, the metrics, the headers of every answer, and the form
//! of every refusal, panics included. What is refused on every route is in `admission.rs`; what a request means is none of its business.

use std::{panic::AssertUnwindSafe, time::Instant};

use actix_cors::CorsError;
use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        ConnectionType, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use domain::UserId;
use futures_util::FutureExt;
use uuid::Uuid;

use super::{
    KnownUser, RequestId,
    address::{ClientAddress, client_address},
    admission::{Ambiguous, TooSoon, is_probe},
    hiding::hide,
    origin::allow_credentials,
};
use crate::{
    app::App,
    metrics::HttpLabels,
    problem::{Problem, REQUEST_ID_HEADER, codes},
    rates::Standing,
    settings::Profile,
};

/// The route of requests that match none, in logs and metrics.
const NO_ROUTE: &str = "none";

/// Sent with every answer that does not say otherwise. Nothing served here is a page that loads anything, is shown in a frame, or
/// wants anything of the device; only pages of our own or of allowed origins read it at all.
const HEADERS: [(HeaderName, HeaderValue); 8] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ),
    (
        header::PERMISSIONS_POLICY,
        HeaderValue::from_static("camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// In profile production: whoever was here once comes back encrypted, for two years.
const STRICTLY_ENCRYPTED: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

pub(crate) async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        return Err(Problem::internal("the application's state is not registered").into());
    };
    let _until_answered = app.in_flight.enter();
    let passing = Passing::of(&app, &request);
    let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let answered = answered
        .unwrap_or_else(|_| Err(panicked().into()))
        .map(ServiceResponse::map_into_boxed_body);
    if let Ok(response) = &answered {
        hide(response.status().as_u16(), passing.started.into()).await;
    }
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
    /// What its address has left.
    standing: Option<Standing>,
}

impl Passing {
    /// Counts the request by its address before anything is done for it. Who came too soon is refused further in, where the answer
    /// gets what browsers need to read it.
    fn of(app: &App, request: &ServiceRequest) -> Self {
        let id = id_of(request.headers());
        let address = client_address(request.request(), &app.settings.trusted_proxies);
        let counted = app.rates.request(address);
        let mut known = request.extensions_mut();
        known.insert(RequestId(id));
        known.insert(ClientAddress(address));
        match counted.allowed() {
            Err(problem) if !is_probe(request.path()) => {
                known.insert(TooSoon(problem));
            }
            Err(_) | Ok(()) => {}
        }
        Self {
            id,
            method: known_method(request.method().as_str()),
            started: Instant::now(),
            standing: counted.standing,
        }
    }

    fn finish(&self, app: &App, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let (request, mut response) = response.into_parts();
        let problem = problem_of(&response);
        if let Some(problem) = &problem {
            response = rendered(&problem.clone().for_request(self.id), &response);
        }
        let exhausted = problem.as_ref().and_then(Problem::quota);
        let standing = exhausted.or_else(|| request.extensions().get::<Standing>().copied());
        self.put_headers(app, response.headers_mut(), standing);
        if request.extensions().get::<Ambiguous>().is_some() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        let template = request.match_pattern();
        allow_credentials(response.headers_mut(), template.as_deref());
        let route = template.unwrap_or_else(|| NO_ROUTE.to_owned());
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
        self.put_headers(app, response.headers_mut(), None);
        self.note(app, NO_ROUTE.to_owned(), response.status(), None, Some(problem.code()));
        InternalError::from_response(problem, response).into()
    }

    fn put_headers(&self, app: &App, headers: &mut HeaderMap, standing: Option<Standing>) {
        if let Ok(value) = HeaderValue::from_str(&self.id.to_string()) {
            headers.insert(HeaderName::from_static(REQUEST_ID_HEADER), value);
        }
        for (name, value) in HEADERS {
            if !headers.contains_key(&name) {
                headers.insert(name, value);
            }
        }
        if app.settings.profile == Profile::Production {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICTLY_ENCRYPTED);
        }
        let both = [self.standing, standing].into_iter().flatten();
        if let Some(standing) = both.reduce(Standing::tighter) {
            put_rate(headers, standing);
        }
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
        None if error.as_error::<CorsError>().is_some() => Problem::new(&codes::ORIGIN_REFUSED),
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

/// The same refusal in our form; the methods that would have been allowed stay named, and browsers may read it where they could have
/// read another answer.
fn rendered(problem: &Problem, framework: &HttpResponse) -> HttpResponse {
    const KEPT: [HeaderName; 4] = [
        header::ALLOW,
        header::VARY,
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
    ];
    let mut response = problem.error_response();
    for name in KEPT {
        if let Some(value) = framework.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// What is left of a quota, as the IETF's draft on rate limit headers has it.
fn put_rate(headers: &mut HeaderMap, standing: Standing) {
    let fields = [
        ("ratelimit-policy", standing.policy_field()),
        ("ratelimit", standing.state_field()),
    ];
    for (header, text) in fields {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(HeaderName::from_static(header), value);
        }
    }
}

#[cfg(test)]
mod tests;
