//! `GET /metrics`: everything that is counted, for the monitoring.

use actix_web::{HttpResponse, http::header, web};

use crate::{app::App, metrics::CONTENT_TYPE};

pub async fn show(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, CONTENT_TYPE))
        .body(app.metrics.text())
}
