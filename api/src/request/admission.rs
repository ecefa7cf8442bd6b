//! What is refused before anything is done for a request, on whatever route: haste, heads out of bounds, names of other hosts, bodies
//! where none belong, encoded or too large ones, and secrets in the address. Who asks, and for what, is not looked at here.

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap},
    },
    middleware::Next,
};

use super::app;
use crate::{
    http::{health, metrics},
    limits::Limits,
    problem::{Problem, codes},
    settings::Settings,
};

/// Names of query parameters that hold secrets where people make mistakes. What stands in an address is logged by proxies, kept by
/// browsers and sent on as referrer, so it is refused before anything learns to rely on it.
const SECRETS: [&str; 17] = [
    "access_token",
    "api_key",
    "apikey",
    "assertion",
    "auth",
    "authorization",
    "bearer",
    "client_secret",
    "code",
    "id_token",
    "jwt",
    "password",
    "refresh_token",
    "secret",
    "session_token",
    "ticket",
    "token",
];

/// The refusal of a request that came too soon, until it is answered with it.
#[derive(Debug, Clone)]
pub(super) struct TooSoon(pub(super) Problem);

/// The request was not what it should be, so what follows it on its connection is not looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ambiguous;

pub(crate) async fn admission(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match admitted(request.request()) {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(problem) => Ok(request.error_response(problem)),
    }
}

fn admitted(request: &HttpRequest) -> Result<(), Problem> {
    let app = app(request)?;
    if let Some(TooSoon(problem)) = request.extensions().get() {
        return Err(problem.clone());
    }
    well_formed(request, &app.limits).inspect_err(|_| {
        request.extensions_mut().insert(Ambiguous);
    })?;
    if !is_probe(request.path()) {
        our_host(request.headers(), &app.settings)?;
    }
    no_secret_in(request.query_string())
}

fn well_formed(request: &HttpRequest, limits: &Limits) -> Result<(), Problem> {
    let headers = request.headers();
    head_within_bounds(headers, limits)?;
    if headers.get_all(header::HOST).nth(1).is_some() {
        return Err(malformed("there is more than one Host"));
    }
    body_belongs(request.method(), headers)?;
    body_within_bounds(headers, limits)
}

fn head_within_bounds(headers: &HeaderMap, limits: &Limits) -> Result<(), Problem> {
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum();
    if headers.len() > limits.request_headers || bytes > limits.request_head_bytes {
        return Err(Problem::new(&codes::REQUEST_HEAD_TOO_LARGE));
    }
    Ok(())
}

/// Those who look after the service come by its address, not by its name, and are told nothing that a name would protect.
pub(super) fn is_probe(path: &str) -> bool {
    health::PATHS.contains(&path) || path == metrics::PATH
}

/// A page of another site whose name was pointed at us, or a proxy that was misled, names another host than ours.
fn our_host(headers: &HeaderMap, settings: &Settings) -> Result<(), Problem> {
    let host = headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    if settings.serves_host(host) {
        Ok(())
    } else {
        Err(Problem::new(&codes::REQUEST_WRONG_HOST))
    }
}

fn body_belongs(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let takes_none = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
    if takes_none && has_body(headers) {
        return Err(malformed("this method takes no body"));
    }
    // An encoded body would have to be inflated before it can be bounded.
    let plain = |encoding: &header::HeaderValue| encoding == "identity";
    if !headers.get_all(header::CONTENT_ENCODING).all(plain) {
        return Err(Problem::new(&codes::REQUEST_MEDIA_TYPE).detail("encoded bodies are not taken"));
    }
    Ok(())
}

/// As far as the head tells; what comes without a length is bounded where it is read.
fn body_within_bounds(headers: &HeaderMap, limits: &Limits) -> Result<(), Problem> {
    let max = limits.request_body_bytes;
    let length = headers.get(header::CONTENT_LENGTH);
    let declared = length.and_then(|length| length.to_str().ok()?.trim().parse::<usize>().ok());
    if declared.is_some_and(|length| length > max) {
        return Err(Problem::new(&codes::REQUEST_TOO_LARGE).detail(format!("a body is at most {max} bytes")));
    }
    Ok(())
}

pub(super) fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || headers.contains_key(header::TRANSFER_ENCODING)
}

/// Only the name is looked at, and neither name nor value is said again.
fn no_secret_in(query: &str) -> Result<(), Problem> {
    let named = |(name, _): (std::borrow::Cow<'_, str>, _)| {
        let name = name.to_ascii_lowercase().replace('-', "_");
        SECRETS.contains(&name.as_str())
    };
    if url::form_urlencoded::parse(query.as_bytes()).any(named) {
        return Err(Problem::new(&codes::REQUEST_TOKEN_IN_QUERY));
    }
    Ok(())
}

fn malformed(detail: &str) -> Problem {
    Problem::new(&codes::REQUEST_MALFORMED).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_however_they_are_spelled() {
        for query in [
            "token=x",
            "a=1&access_token=x",
            "access%5Ftoken=x",
            "Access-Token=x",
            "ticket",
            "a&b&code=1",
            "REFRESH_TOKEN=",
        ] {
            let refused = no_secret_in(query).expect_err(query);
            assert_eq!(refused.code(), "request/token-in-query");
            assert!(!refused.to_string().contains('x') || !query.contains("=x"), "{refused}");
        }
        for query in ["", "handle=token", "after=1&limit=2", "tokens=1", "min_pos=ticket"] {
            no_secret_in(query).expect(query);
        }
    }

    #[test]
    fn heads_are_counted_with_their_separators() {
        let limits = Limits {
            request_head_bytes: 20,
            ..Limits::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("1234567890"));
        head_within_bounds(&headers, &limits).expect("exactly as many");
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("12345678901"));
        assert!(head_within_bounds(&headers, &limits).is_err());
    }
}
