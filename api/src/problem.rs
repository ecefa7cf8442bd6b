//! Every refusal a client can get, as RFC 9457 problems. This is the only place with status codes: the table of kinds is in
//! `problem/kinds.rs`, the way from each area's errors to a kind in `problem/conversions.rs`. Deciding what is refused lives elsewhere.
//!
//! To add a problem: one row in `problem/kinds.rs`, then `UPDATE_GOLDEN=1 cargo test -p api problem` for the page that lists them.

mod catalogue;
mod conversions;
mod kinds;

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;
use uuid::Uuid;

pub use catalogue::{markdown, page};
pub use kinds::{ALL, Kind, codes};

use crate::{auth::proof_algorithms, rates::Standing};

/// Where a response carries the id of its request.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// One refusal, on its way to the client. The detail is written for them: what they can do, never content or causes.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: &'static Kind,
    detail: Option<Box<str>>,
    errors: Vec<FieldError>,
    retry_after_ms: Option<u64>,
    /// The quota that is exhausted, for refusals of haste.
    standing: Option<Box<Standing>>,
    /// Set by the middleware that knows it, just before rendering.
    request_id: Option<Uuid>,
}

/// What is wrong with one field; the pointer is a JSON pointer (RFC 6901) into the request body, or a parameter's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    pub pointer: String,
    pub detail: String,
}

impl Problem {
    pub fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            detail: None,
            errors: vec![],
            retry_after_ms: kind.retry_after_ms,
            standing: None,
            request_id: None,
        }
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into().into_boxed_str());
        self
    }

    /// Names a wrong field, by JSON pointer.
    #[must_use]
    pub fn field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        });
        self
    }

    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
        self
    }

    #[must_use]
    pub(crate) fn of_quota(mut self, standing: Option<Standing>) -> Self {
        self.standing = standing.map(Box::new);
        self
    }

    pub(crate) fn quota(&self) -> Option<Standing> {
        self.standing.as_deref().copied()
    }

    pub(crate) fn for_request(mut self, id: Uuid) -> Self {
        self.request_id = Some(id);
        self
    }

    /// One wrong field and nothing else to say.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(&codes::REQUEST_INVALID).field(pointer, detail)
    }

    /// Something that is ours to repair; the cause goes to the log here, once.
    pub fn internal(cause: &(impl fmt::Display + ?Sized)) -> Self {
        tracing::error!(error = %cause, "A request met an error of ours");
        Self::new(&codes::INTERNAL_ERROR)
    }

    pub fn code(&self) -> &'static str {
        self.kind.code
    }

    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    pub fn detail_text(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.kind.title)
    }

    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    pub fn retry_after_ms(&self) -> Option<u64> {
        self.retry_after_ms
    }

    /// The same request may succeed later without a change: the `retryable` of `err` frames.
    pub fn retryable(&self) -> bool {
        self.kind.retry_after_ms.is_some()
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after_ms.map(|wait| wait.div_ceil(1000).max(1))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code, self.detail_text())
    }
}

impl std::error::Error for Problem {}

/// The wire form.
#[derive(Serialize)]
struct Rendered<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Uuid>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status_code());
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds() {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.kind.status == 401 {
            for challenge in self.challenges() {
                response.append_header((header::WWW_AUTHENTICATE, challenge));
            }
        }
        response.body(self.to_json())
    }
}

impl Problem {
    /// The ways to say who one is, as RFC 6750 and RFC 9449 have them.
    fn challenges(&self) -> Vec<String> {
        let algorithms = proof_algorithms();
        let dpop = |error: &str| format!("DPoP {error}algs=\"{algorithms}\"");
        if self.kind == &kinds::codes::AUTH_INVALID_TOKEN {
            let error = "error=\"invalid_token\"";
            vec![format!("Bearer {error}"), dpop(&format!("{error}, "))]
        } else if self.kind == &kinds::codes::AUTH_INVALID_PROOF {
            vec![dpop("error=\"invalid_dpop_proof\", ")]
        } else {
            vec!["Bearer".to_owned(), dpop("")]
        }
    }

    fn to_json(&self) -> String {
        let rendered = Rendered {
            r#type: format!("/problems/{}", self.kind.code),
            title: self.kind.title,
            status: self.kind.status,
            detail: self.detail_text(),
            code: self.kind.code,
            request_id: self.request_id,
            errors: &self.errors,
            retry_after_ms: self.retry_after_ms,
        };
        serde_json::to_string(&rendered).expect("plain strings and numbers always serialize")
    }
}

#[cfg(test)]
mod tests;
