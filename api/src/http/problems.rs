//! `GET /problems/{area}/{reason}`: what a problem means, where its `type` leads.

use actix_web::{HttpResponse, http::header, web};

use crate::problem::{Problem, codes, page};

pub async fn show(path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (area, reason) = path.into_inner();
    let page = page(&format!("{area}/{reason}")).ok_or_else(|| Problem::new(&codes::ROUTE_NOT_FOUND))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/markdown; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(page))
}
