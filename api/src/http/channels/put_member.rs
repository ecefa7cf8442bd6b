//! `PUT /channels/{id}/members/{user}`: brings a person into a channel.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::{self, channels},
    problem::Problem,
    render::answers,
    request::Call,
};

pub(crate) async fn put_member(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (channel, user) = (path::channel(&path.0)?, path::user(&path.1)?);
    let command = channels::add_member(&app, user).await?;
    let ack = ops::carry_out(&app, channel, command, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
