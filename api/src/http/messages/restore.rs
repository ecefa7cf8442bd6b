//! `POST /channels/{id}/messages/{message}/restore`: gives back a message that somebody other than its author took away.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::{self, moderation},
    problem::Problem,
    render::answers,
    request::{Call, Json, Why},
};

pub(crate) async fn restore(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
    why: Json<Why>,
) -> Result<HttpResponse, Problem> {
    let reason = why.0.required()?;
    let channel = path::channel(&path.0)?;
    let message = path::message(&app, call.who.user, channel, &path.1).await?;
    let command = moderation::restoring(&app, channel, message, reason, None).await?;
    let ack = ops::carry_out(&app, channel, command, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
