//! `GET /healthz` says that the process answers, `GET /readyz` that it can serve.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use futures_util::FutureExt;
use serde::Serialize;

use crate::app::App;

/// Where this is asked.
pub const PATHS: [&str; 3] = ["/healthz", "/livez", "/readyz"];

/// Behind by more than this, the views answer yesterday's questions: another instance should be asked.
const LAG_EVENTS_MAX: u64 = 10_000;

pub async fn alive() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("alive\n")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Checks {
    /// The log takes events.
    log: bool,
    /// The views are close enough to the log.
    views: bool,
    /// The process was not asked to stop.
    serving: bool,
}

impl Checks {
    fn of(app: &App) -> Self {
        Self {
            log: app.log.failed().now_or_never().is_none(),
            views: app.views.lag() <= LAG_EVENTS_MAX,
            serving: !app.draining.is_cancelled(),
        }
    }

    fn status(self) -> StatusCode {
        if self.log && self.views && self.serving {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

pub async fn ready(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let checks = Checks::of(&app);
    let status = checks.status();
    let mut answer = HttpResponse::build(status);
    if request
        .query_string()
        .split('&')
        .any(|part| part == "verbose" || part.starts_with("verbose="))
    {
        return answer.json(checks);
    }
    let word = if status == StatusCode::OK {
        "ready\n"
    } else {
        "not ready\n"
    };
    answer.content_type("text/plain; charset=utf-8").body(word)
}
