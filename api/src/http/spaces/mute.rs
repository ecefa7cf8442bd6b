//! `PUT /spaces/{id}/mutes/{user}`: keeps a person of a space from writing in its channels for a time.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::{
        people,
        spaces::{self, Mute},
    },
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn mute(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
    body: Json<Mute>,
) -> Result<HttpResponse, Problem> {
    let (space, user) = (path::space(&path.0)?, path::user(&path.1)?);
    let command = body.0.into_command(user)?;
    people::registered(&app, user).await?;
    let ack = spaces::carry_out(&app, space, command, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
