//! The ordered stream of a channel over HTTP, from the same windows and log that sockets read: as pages with long polling, or as an
//! endless event stream for those who ask for one. One verb a file.

mod list;
mod stream;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Deserialize;

use crate::{app::App, http::path, problem::Problem, request::Who};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    after: Option<String>,
    limit: Option<String>,
    wait_ms: Option<String>,
}

/// `GET /channels/{id}/events`, in the form that `Accept` asks for.
pub(crate) async fn read(
    app: web::Data<App>,
    who: Who,
    request: HttpRequest,
    path: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let channel = path::channel(&path)?;
    if wants_stream(&request) {
        stream::stream(app, &who, channel, &request, &query).await
    } else {
        list::list(&app, &who, channel, &query).await
    }
}

fn wants_stream(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(header::ACCEPT);
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|kind| kind.trim().eq_ignore_ascii_case(stream::MEDIA_TYPE))
}

/// A whole number of the query, or of whatever else stands for it.
fn number(name: &str, given: Option<&str>, default: u64, least: u64, most: u64) -> Result<u64, Problem> {
    let Some(given) = given else { return Ok(default) };
    match given.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(Problem::invalid(
            name,
            format!("must be a whole number from {least} to {most}"),
        )),
    }
}

/// The seq behind which to begin; the largest number is left out since one follows it.
fn seq(name: &str, given: Option<&str>) -> Result<u64, Problem> {
    number(name, given, 0, 0, u64::MAX - 1)
}

/// The log is not readable; the cause is for operators only.
fn unreadable(error: &projections::live::LiveError, channel: domain::ChannelId) -> Problem {
    use event_store::ReadError;
    use projections::live::LiveError;
    tracing::warn!(%error, channel.id = %channel, "Events of a channel cannot be read");
    Problem::new(match error {
        LiveError::Log(ReadError::Damaged { .. }) => &crate::problem::codes::STREAM_UNREADABLE,
        LiveError::Log(ReadError::Unavailable { .. }) | LiveError::State => {
            &crate::problem::codes::SERVICE_LOG_UNAVAILABLE
        }
    })
}
