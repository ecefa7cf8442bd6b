//! `POST /reports/{id}/resolve`: decides about a report and does what was decided.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::reports::{self, Resolve},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn resolve(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    body: Json<Resolve>,
) -> Result<HttpResponse, Problem> {
    let ack = reports::resolve(&app, path::report(&path)?, body.0, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
