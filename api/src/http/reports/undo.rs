//! `POST /reports/{id}/undo`: takes a decision back and makes good what it led to.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::reports,
    problem::Problem,
    render::answers,
    request::{Call, Json, Why},
};

pub(crate) async fn undo(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    why: Json<Why>,
) -> Result<HttpResponse, Problem> {
    let ack = reports::undo(&app, path::report(&path)?, why.0.required()?, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
