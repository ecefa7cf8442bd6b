//! `PUT /spaces/{id}/bans/{user}`: puts a person out of a space and keeps them out.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::{
        people,
        spaces::{self, Ban},
    },
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn ban(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
    body: Json<Ban>,
) -> Result<HttpResponse, Problem> {
    let (space, user) = (path::space(&path.0)?, path::user(&path.1)?);
    let command = body.0.into_command(user)?;
    people::registered(&app, user).await?;
    let ack = spaces::carry_out(&app, space, command, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
