//! `GET /.well-known/jwks.json`: the public keys that verify access tokens.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::{app::App, http::public};

pub async fn jwks(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    public::shown(
        &request,
        "application/json",
        public::MINUTE,
        app.auth.jwks().to_string(),
    )
}
