//! `GET /limits`: every bound a client can meet, as it holds here.

use actix_web::{HttpRequest, HttpResponse, web};

use super::public;
use crate::{app::App, problem::Problem};

pub async fn show(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let limits = serde_json::to_vec(&app.limits).map_err(|error| Problem::internal(&error))?;
    Ok(public::shown(&request, "application/json", public::MINUTE, limits))
}
