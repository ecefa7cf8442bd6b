//! `POST /channels/{id}/leave`: leaves a channel.

use actix_web::{HttpResponse, web};
use domain::channel::Command;

use crate::{app::App, http::path, ops, problem::Problem, render::answers, request::Call};

pub(crate) async fn leave(app: web::Data<App>, call: Call, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let ack = ops::carry_out(&app, path::channel(&path)?, Command::Leave, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
