//! `PUT/DELETE /channels/{id}/messages/{message}/vote`: votes on what somebody else wrote, and takes that back.

use actix_web::{HttpResponse, web};
use domain::channel::{Command, Vote};

use crate::{
    app::App,
    http::path,
    ops::{self, messages::OwnVote},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn vote(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
    body: Json<OwnVote>,
) -> Result<HttpResponse, Problem> {
    let vote = body.0.into_vote()?;
    carry_out(&app, &call, &path, Some(vote)).await
}

pub(crate) async fn unvote(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    carry_out(&app, &call, &path, None).await
}

async fn carry_out(
    app: &App,
    call: &Call,
    (channel, message): &(String, String),
    vote: Option<Vote>,
) -> Result<HttpResponse, Problem> {
    let channel = path::channel(channel)?;
    let message = path::message(app, call.who.user, channel, message).await?;
    let ack = ops::carry_out(app, channel, Command::Vote { message, vote }, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
