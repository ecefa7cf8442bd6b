//! `DELETE /spaces/{id}`: archives a space. Nothing of it is removed.

use actix_web::{HttpResponse, web};
use domain::space::Command;

use crate::{
    app::App,
    http::path,
    ops::spaces,
    problem::Problem,
    render::answers,
    request::{Call, JsonIfAny, Why},
};

pub(crate) async fn archive(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    why: JsonIfAny<Why>,
) -> Result<HttpResponse, Problem> {
    let reason = why.0.reason()?;
    let ack = spaces::carry_out(&app, path::space(&path)?, Command::Archive { reason }, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
