//! `GET /metrics`: everything that is counted, for the monitoring. Where the settings have a token, for whoever bears it.

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use crate::{
    app::App,
    metrics::CONTENT_TYPE,
    problem::{Problem, codes},
};

/// Where they are.
pub const PATH: &str = "/metrics";

pub async fn show(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if let Some(token) = &app.settings.metrics_token
        && !token.is_of(bearer(&request)?)
    {
        return Err(Problem::new(&codes::AUTH_INVALID_TOKEN));
    }
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, CONTENT_TYPE))
        .body(app.metrics.text()))
}

fn bearer(request: &HttpRequest) -> Result<&str, Problem> {
    let given = request.headers().get(header::AUTHORIZATION);
    let (scheme, token) = given
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .ok_or_else(|| Problem::new(&codes::AUTH_REQUIRED))?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(Problem::new(&codes::AUTH_REQUIRED))
    }
}
