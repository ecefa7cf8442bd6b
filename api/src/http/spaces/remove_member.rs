//! `DELETE /spaces/{id}/members/{user}`: removes a person from a space, and so from every channel of it; oneself: leaves.

use actix_web::{HttpResponse, web};

use crate::{app::App, http::path, ops::spaces, problem::Problem, render::answers, request::Call};

pub(crate) async fn remove_member(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (space, user) = (path::space(&path.0)?, path::user(&path.1)?);
    let ack = spaces::remove_member(&app, space, user, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
