//! `DELETE /spaces/{id}/mutes/{user}`: lets a muted person speak again.

use actix_web::{HttpResponse, web};
use domain::space::Command;

use crate::{
    app::App,
    http::path,
    ops::spaces,
    problem::Problem,
    render::answers,
    request::{Call, JsonIfAny, Why},
};

pub(crate) async fn unmute(
    app: web::Data<App>,
    call: Call,
    path: web::Path<(String, String)>,
    why: JsonIfAny<Why>,
) -> Result<HttpResponse, Problem> {
    let (space, user) = (path::space(&path.0)?, path::user(&path.1)?);
    let reason = why.0.reason()?;
    let ack = spaces::carry_out(
        &app,
        space,
        Command::Unmute {
            user,
            reason,
            laid_by: None,
        },
        call.caller(),
    )
    .await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
