//! `GET /admin/projections`: every generation of every view.

use actix_web::{HttpResponse, web};
use projections::ProjectionState;
use serde::Serialize;

use super::ProjectionShape;
use crate::{app::App, http::verifications::DifferingShape};

/// There are a few generations of a few views, so one answer has all.
#[derive(Serialize)]
struct All {
    items: Vec<ProjectionShape>,
    next: Option<String>,
}

pub(crate) async fn list(app: web::Data<App>) -> HttpResponse {
    let mut items = vec![];
    for status in app.views.status() {
        let digest = app.views.digest(status.name, status.generation).await;
        let drift = match status.state {
            ProjectionState::Serving => app.views.drift(status.name),
            _ => vec![],
        };
        let mut shape = ProjectionShape::of(status, digest.map(|digest| digest.to_string()));
        shape.drift = drift.into_iter().map(DifferingShape::from).collect();
        items.push(shape);
    }
    HttpResponse::Ok().json(All { items, next: None })
}
