//! `DELETE /invites/{id}`: takes an invite back.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::invites,
    problem::Problem,
    render::answers,
    request::{Call, JsonIfAny, Why},
};

pub(crate) async fn revoke(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    why: JsonIfAny<Why>,
) -> Result<HttpResponse, Problem> {
    let reason = why.0.reason()?;
    let invite = path.parse().map_err(|_| invites::no_such_invite())?;
    let ack = invites::revoke(&app, invite, reason, &call).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
