//! `DELETE /auth/sessions/{id}`: ends one of one's own sessions. Others' are not there.

use actix_web::{HttpResponse, web};
use domain::user::{Command, Rejection, Revocation};

use super::Ended;
use crate::{app::App, problem::Problem, render::answers, request::Call};

pub(crate) async fn revoke(app: web::Data<App>, call: Call, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let session = path.parse().map_err(|_| Rejection::NoSuchSession)?;
    let command = Command::RevokeSession {
        session,
        why: Revocation::Revoked,
    };
    let outcome = app
        .auth
        .end(&app.commands, call.who.user, command, call.caller())
        .await?;
    let ended = Ended::of(&app, &outcome);
    Ok(answers::written(ended.replayed, &ended.pos, &ended))
}
