//! `POST /channels/{id}/join`: enters a public channel of one's space.

use actix_web::{HttpResponse, web};
use domain::channel::Command;

use crate::{app::App, http::path, ops, problem::Problem, render::answers, request::Call};

pub(crate) async fn join(app: web::Data<App>, call: Call, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let ack = ops::carry_out(&app, path::channel(&path)?, Command::Join, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
