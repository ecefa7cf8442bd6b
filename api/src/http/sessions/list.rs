//! `GET /auth/sessions`: where one is signed in.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use domain::SessionId;
use serde::Serialize;
use serde_json::json;

use crate::{app::App, problem::Problem, render::time, request::Who};

#[derive(Serialize)]
struct Item {
    id: SessionId,
    device: Option<String>,
    #[serde(serialize_with = "time")]
    started_at: DateTime<Utc>,
    #[serde(serialize_with = "time")]
    last_used_at: DateTime<Utc>,
    /// The one that asks.
    current: bool,
}

pub(crate) async fn list(app: web::Data<App>, who: Who) -> Result<HttpResponse, Problem> {
    let sessions = app.auth.sessions(&app.commands, who).await?.into_iter();
    let items: Vec<_> = sessions
        .map(|session| Item {
            id: session.id,
            device: session.device,
            started_at: session.started_at,
            last_used_at: session.last_used_at,
            current: session.id == who.session,
        })
        .collect();
    // One page: nobody has more sessions than fit on it.
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null})))
}
