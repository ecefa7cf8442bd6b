//! `DELETE /spaces/{id}/members/{user}`: removes a person from a space, and so from every channel of it; oneself: leaves.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::spaces,
    problem::Problem,
    render::answers,
    request::{Call, JsonIfAny, Why},
};

pub(crate) async fn remove_member(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
    why: JsonIfAny<Why>,
) -> Result<HttpResponse, Problem> {
    let (space, user) = (path::space(&path.0)?, path::user(&path.1)?);
    let reason = why.0.reason()?;
    let ack = spaces::remove_member(&app, space, user, reason, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
