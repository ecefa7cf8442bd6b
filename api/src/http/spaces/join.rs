//! `POST /spaces/{id}/join`: enters an open space.

use actix_web::{HttpResponse, web};
use domain::space::Command;

use crate::{app::App, http::path, ops::spaces, problem::Problem, render::answers, request::Call};

pub(crate) async fn join(app: web::Data<App>, call: Call, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let space = path::space(&path)?;
    spaces::room_for(&app, call.who.user, space, &call.caller()).await?;
    let ack = spaces::carry_out(&app, space, Command::Join, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
