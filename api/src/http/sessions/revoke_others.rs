//! `DELETE /auth/sessions`: ends every session but the one that asks, or with `?all=true` that one too.

use actix_web::{HttpResponse, web};
use domain::user::{Command, Revocation};
use serde::Deserialize;

use super::Ended;
use crate::{app::App, problem::Problem, render::answers, request::Call};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    #[serde(default)]
    all: bool,
}

pub(crate) async fn revoke_others(
    app: web::Data<App>,
    call: Call,
    which: web::Query<Which>,
) -> Result<HttpResponse, Problem> {
    let command = Command::RevokeSessions {
        except: (!which.all).then_some(call.who.session),
        why: Revocation::Revoked,
    };
    let outcome = app
        .auth
        .end(&app.commands, call.who.user, command, call.caller())
        .await?;
    let ended = Ended::of(&app, &outcome);
    Ok(answers::written(ended.replayed, &ended.pos, &ended))
}
