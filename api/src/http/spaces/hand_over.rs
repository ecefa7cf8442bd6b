//! `POST /spaces/{id}/owner`: makes somebody else of the space its owner.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::spaces::{self, Handover},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn hand_over(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    body: Json<Handover>,
) -> Result<HttpResponse, Problem> {
    let command = body.0.into_command()?;
    let ack = spaces::carry_out(&app, path::space(&path)?, command, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
