//! `POST /channels/{id}/messages`: says something.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::{self, messages::Send},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn send(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    body: Json<Send>,
) -> Result<HttpResponse, Problem> {
    let command = body.0.into_command()?;
    let ack = ops::carry_out(&app, path::channel(&path)?, command, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
