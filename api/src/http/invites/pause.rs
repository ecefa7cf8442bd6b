//! `PUT /spaces/{id}/cohorts/{cohort}`: lets all invites of a cohort rest, or go on.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::{invites::Pause, spaces},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn pause(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
    body: Json<Pause>,
) -> Result<HttpResponse, Problem> {
    let command = body.0.into_command(&path.1)?;
    let ack = spaces::carry_out(&app, path::space(&path.0)?, command, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
