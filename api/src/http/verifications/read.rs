//! `GET /admin/projections/{name}`: what is known about one view, so far as it is a reason to trust it or not.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::Trust;
use crate::{app::App, http::quarantine, problem::Problem};

#[derive(Serialize)]
struct View<'a> {
    name: &'a str,
    #[serde(flatten)]
    trust: Trust,
}

pub(crate) async fn read(app: web::Data<App>, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let trust = Trust::of(&app.views, &name).map_err(quarantine::problem)?;
    let name = name.as_str();
    Ok(HttpResponse::Ok().json(View { name, trust }))
}
