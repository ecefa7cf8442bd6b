//! `POST /spaces/{id}/restore`: brings an archived space back.

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

pub(crate) async fn restore(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    why: JsonIfAny<Why>,
) -> Result<HttpResponse, Problem> {
    let reason = why.0.reason()?;
    let ack = spaces::carry_out(&app, path::space(&path)?, Command::Restore { reason }, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
