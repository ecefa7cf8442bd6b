//! `GET /.well-known/jwks.json`: the public keys that verify access tokens.

use actix_web::{HttpResponse, http::header, web};

use crate::app::App;

pub async fn jwks(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(app.auth.jwks())
}
