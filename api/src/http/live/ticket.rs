//! `POST /ws/ticket`: a ticket that opens one socket within seconds.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde_json::json;

use crate::{app::App, problem::Problem, request::Who};

pub async fn ticket(app: web::Data<App>, who: Who, request: HttpRequest) -> Result<HttpResponse, Problem> {
    app.takes_work()?;
    let ticket = app.auth.issue_ticket(who)?;
    let expires_in = app.limits.ticket_ttl_ms.div_ceil(1000);
    Ok(HttpResponse::Created().json(json!({"ticket": ticket, "expires_in": expires_in, "url": url(&app, &request)})))
}

/// Where the socket opens: at our public origin, or where nobody named it as the client reaches us.
fn url(app: &App, request: &HttpRequest) -> String {
    if let Some(origin) = &app.settings.public_origin {
        // https becomes wss, http becomes ws.
        return format!("{}/api/v1/ws", origin.replacen("http", "ws", 1));
    }
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let scheme = if request.connection_info().scheme() == "https" {
        "wss"
    } else {
        "ws"
    };
    format!("{scheme}://{host}/api/v1/ws")
}
