//! `DELETE /users/me/identities/did?did=`: the identity is no longer shown as proved.

use actix_web::{HttpResponse, web};
use domain::{DidWeb, user};
use serde::Deserialize;
use serde_json::json;

use crate::{app::App, problem::Problem, render::answers, request::Call};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    did: String,
}

pub(crate) async fn remove_identity(
    app: web::Data<App>,
    call: Call,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let me = call.who.user;
    let did = DidWeb::parse(&wanted.did).map_err(|why| Problem::invalid("/did", why.to_string()))?;
    let command = user::Command::RemoveIdentity { did: did.clone() };
    let outcome = app.commands.users.execute(me.uuid(), command, call.caller()).await?;
    // What is left of it in the schedule is forgotten when it is due.
    if let Err(error) = app.proving.checks().forget(me, &did).await {
        tracing::warn!(%error, "The schedule of identities could not be changed");
    }
    let pos = app.pos(outcome.position).to_string();
    let replayed = outcome.replayed || outcome.events.is_empty();
    Ok(answers::set(
        &pos,
        &json!({"did": did, "pos": pos, "replayed": replayed}),
    ))
}
