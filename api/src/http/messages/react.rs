//! `PUT/DELETE /channels/{id}/messages/{message}/reactions/{emoji}`: reacts to a message, and takes that back. The emoji stands in the
//! path, percent-encoded.

use actix_web::{HttpResponse, web};
use domain::{Emoji, MessageId, channel::Command};

use crate::{app::App, http::path, ops, problem::Problem, render::answers, request::Call};

type Names = web::Path<(String, String, String)>;

pub(crate) async fn react(app: web::Data<App>, call: Call, path: Names) -> Result<HttpResponse, Problem> {
    carry_out(&app, &call, &path, |message, emoji| Command::React { message, emoji }).await
}

pub(crate) async fn unreact(app: web::Data<App>, call: Call, path: Names) -> Result<HttpResponse, Problem> {
    carry_out(&app, &call, &path, |message, emoji| Command::Unreact { message, emoji }).await
}

async fn carry_out(
    app: &App,
    call: &Call,
    (channel, message, emoji): &(String, String, String),
    command: fn(MessageId, Emoji) -> Command,
) -> Result<HttpResponse, Problem> {
    let emoji = Emoji::parse(emoji).map_err(|why| Problem::invalid("/emoji", why.to_string()))?;
    let channel = path::channel(channel)?;
    let message = path::message(app, call.who.user, channel, message).await?;
    let ack = ops::carry_out(app, channel, command(message, emoji), call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
