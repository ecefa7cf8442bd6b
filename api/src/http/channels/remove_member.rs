//! `DELETE /channels/{id}/members/{user}`: removes a person from a channel; oneself: leaves.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops,
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
    let (channel, user) = (path::channel(&path.0)?, path::user(&path.1)?);
    let ack = ops::remove_member(&app, channel, user, why.0.reason()?, call.caller())
        .await?
        .answer
        .await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
