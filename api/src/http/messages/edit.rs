//! `PATCH /channels/{id}/messages/{message}`: changes the words of one's own message.

use actix_web::{HttpRequest, HttpResponse, web};

use super::delete::if_match;
use crate::{
    app::App,
    http::path,
    ops::{self, messages::Rewrite, versions},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn edit(
    app: web::Data<App>,
    call: Call,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: Json<Rewrite>,
) -> Result<HttpResponse, Problem> {
    let expected = versions::expected(if_match(&request)?, body.0.expected_version())?;
    let words = body.0.into_words()?;
    let channel = path::channel(&path.0)?;
    let message = path::message(&app, call.who.user, channel, &path.1).await?;
    let ack = ops::carry_out(&app, channel, words.of(message, expected), call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
