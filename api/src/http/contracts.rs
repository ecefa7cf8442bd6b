//! `GET /api/asyncapi.json`: the published contract of the socket.

use actix_web::{HttpResponse, http::header};

use crate::contract;

pub(super) async fn asyncapi() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(contract::ASYNCAPI)
}
