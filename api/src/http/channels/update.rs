//! `PATCH /channels/{id}`: changes the settings of a channel.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::{self, channels::Update},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn update(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    body: Json<Update>,
) -> Result<HttpResponse, Problem> {
    let command = body.0.into_command()?;
    let ack = ops::carry_out(&app, path::channel(&path)?, command, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
