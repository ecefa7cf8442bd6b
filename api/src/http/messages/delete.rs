//! `DELETE /channels/{id}/messages/{message}`: takes a message back. It keeps its place, without its words.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use domain::{Reason, channel::Command};
use serde::Deserialize;

use crate::{
    app::App,
    http::path,
    ops::{self, versions},
    problem::Problem,
    render::answers,
    request::{Call, JsonIfAny},
};

/// The body may be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deletion {
    expected_version: Option<u16>,
    reason: Option<String>,
}

pub(crate) async fn delete(
    app: web::Data<App>,
    call: Call,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: JsonIfAny<Deletion>,
) -> Result<HttpResponse, Problem> {
    let Deletion {
        expected_version,
        reason,
    } = body.0;
    let expected_version = versions::expected(if_match(&request)?, expected_version)?;
    let parse = |reason: String| Reason::parse(&reason).map_err(|why| Problem::invalid("/reason", why.to_string()));
    let reason = reason.map(parse).transpose()?;
    let channel = path::channel(&path.0)?;
    let message = path::message(&app, call.who.user, channel, &path.1).await?;
    let ack = ops::carry_out(
        &app,
        channel,
        Command::Delete {
            message,
            expected_version,
            reason,
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
