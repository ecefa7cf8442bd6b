//! `DELETE /channels/{id}/messages/{message}`: takes a message back. It keeps its place, without its words.

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    http::header::{self, HeaderMap},
    web,
};
use domain::channel::Command;
use serde::Deserialize;

use crate::{
    app::App,
    http::path,
    ops::{self, versions},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

/// The body may be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    expected_version: Option<u16>,
}

pub(crate) async fn delete(
    app: web::Data<App>,
    call: Call,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body = if has_body(request.headers()) {
        Json::<Expected>::from_request(&request, &mut payload.into_inner())
            .await?
            .0
    } else {
        Expected::default()
    };
    let expected_version = versions::expected(if_match(&request)?, body.expected_version)?;
    let channel = path::channel(&path.0)?;
    let message = path::message(&app, call.who.user, channel, &path.1).await?;
    let ack = ops::carry_out(
        &app,
        channel,
        Command::Delete {
            message,
            expected_version,
        },
        call.caller(),
    )
    .await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}

/// `If-Match`, if it is there. Several are more than one version.
pub(super) fn if_match(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let mut given = request.headers().get_all(header::IF_MATCH);
    let first = given.next().map(|value| value.to_str().unwrap_or_default());
    match given.next() {
        None => Ok(first),
        Some(_) => Err(Problem::invalid("If-Match", "must be there once")),
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    length.is_some_and(|length| length != "0") || headers.contains_key(header::TRANSFER_ENCODING)
}
