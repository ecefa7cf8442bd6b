//! `GET /api/asyncapi.json`: the published contract of the socket.

use actix_web::{HttpRequest, HttpResponse};

use super::public;
use crate::contract;

pub(super) async fn asyncapi(request: HttpRequest) -> HttpResponse {
    public::shown(&request, "application/json", public::HOUR, contract::ASYNCAPI)
}
