//! `GET /limits`: every bound a client can meet, as it holds here.

use actix_web::{HttpResponse, web};

use crate::app::App;

pub async fn show(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(app.limits)
}
