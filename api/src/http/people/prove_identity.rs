//! `PUT /users/me/identities/did`: proves that a domain's identity is one's own, by its document.

use actix_web::{HttpResponse, web};
use domain::{DidWeb, user};
use serde::Deserialize;

use crate::{
    app::App,
    did_web::interval,
    ops::{fields::Fields, people},
    problem::Problem,
    render::{Written, answers},
    request::{Call, Json, now},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    did: String,
}

pub(crate) async fn prove_identity(
    app: web::Data<App>,
    call: Call,
    body: Json<Claim>,
) -> Result<HttpResponse, Problem> {
    let me = call.who.user;
    let mut fields = Fields::default();
    let did = fields.field("/did", DidWeb::parse(&body.0.did));
    let did = fields.finish(did)?;
    app.proving.claim(&did, me, now()).await?;
    // First the schedule: one for something that was never proved is forgotten when it is due.
    let scheduled = app.proving.checks().passed(me, &did, interval(&app), now()).await;
    scheduled.map_err(|error| Problem::internal(&error))?;
    let command = user::Command::ProveIdentity { did: did.clone() };
    let outcome = app.commands.users.execute(me.uuid(), command, call.caller()).await?;
    let pos = app.pos(outcome.position).to_string();
    let replayed = outcome.replayed || outcome.events.is_empty();
    let identities = people::identities(&app, me).await?;
    let thing = identities.into_iter().find(|identity| identity.did == did.as_str());
    let thing = thing.ok_or_else(|| Problem::internal("an identity that was just proved is not there"))?;
    Ok(answers::set(
        &pos,
        &Written {
            thing,
            pos: pos.clone(),
            replayed,
        },
    ))
}
