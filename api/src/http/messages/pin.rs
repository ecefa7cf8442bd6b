//! `PUT/DELETE /channels/{id}/messages/{message}/pin`: pins a message for everyone in the channel, and unpins it.

use actix_web::{HttpResponse, web};
use domain::{MessageId, channel::Command};

use crate::{app::App, http::path, ops, problem::Problem, render::answers, request::Call};

pub(crate) async fn pin(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    carry_out(&app, &call, &path, |message| Command::Pin { message }).await
}

pub(crate) async fn unpin(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    carry_out(&app, &call, &path, |message| Command::Unpin { message }).await
}

async fn carry_out(
    app: &App,
    call: &Call,
    (channel, message): &(String, String),
    command: fn(MessageId) -> Command,
) -> Result<HttpResponse, Problem> {
    let channel = path::channel(channel)?;
    let message = path::message(app, call.who.user, channel, message).await?;
    let ack = ops::carry_out(app, channel, command(message), call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
