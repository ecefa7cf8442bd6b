//! `POST /admin/users/{user}/reinstate`: lets a suspended person sign in again. Their sessions do not come back.

use actix_web::{HttpResponse, web};
use domain::{
    Reason,
    user::{Command, ServiceRole},
};
use serde::Deserialize;

use super::Ack;
use crate::{
    app::App,
    http::path,
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reinstate {
    reason: Reason,
}

pub(crate) async fn reinstate(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    body: Json<Reinstate>,
) -> Result<HttpResponse, Problem> {
    let user = path::user(&path)?;
    let mut caller = call.caller();
    caller.acting_as = Some(ServiceRole::Operator);
    let command = Command::Reinstate {
        reason: body.into_inner().reason,
    };
    let outcome = app.auth.end(&app.commands, user, command, caller).await?;
    let ack = Ack::of(&app, user, &outcome);
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
