//! `GET /problems/{area}/{reason}`: what a problem means, where its `type` leads.

use actix_web::{HttpRequest, HttpResponse, web};

use super::public;
use crate::problem::{Problem, codes, page};

pub async fn show(path: web::Path<(String, String)>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (area, reason) = path.into_inner();
    let page = page(&format!("{area}/{reason}")).ok_or_else(|| Problem::new(&codes::ROUTE_NOT_FOUND))?;
    Ok(public::shown(
        &request,
        "text/markdown; charset=utf-8",
        public::HOUR,
        page,
    ))
}
