//! `PUT /spaces/{id}/members/{user}`: brings a person into a space or changes their role.

use actix_web::{HttpResponse, web};
use domain::rights::Right;

use crate::{
    app::App,
    http::path,
    ops::{
        access, people,
        spaces::{self, Membership},
    },
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn put_member(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
    body: Json<Membership>,
) -> Result<HttpResponse, Problem> {
    let (space, user) = (path::space(&path.0)?, path::user(&path.1)?);
    let command = body.0.into_command(user)?;
    people::registered(&app, user).await?;
    // Whoever may not add anybody does not learn in how many spaces people are.
    if access::with_right(&app, call.who.user, space, Right::SetRoles)
        .await
        .is_ok()
    {
        spaces::room_for(&app, user, space, &call.caller()).await?;
    }
    let ack = spaces::carry_out(&app, space, command, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
