//! `POST /admin/users/{user}/suspend`: locks a person out and ends all their sessions, for a time or until they are reinstated.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
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
    request::{Call, Json, now},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suspend {
    reason: Reason,
    #[serde(default)]
    until: Option<DateTime<Utc>>,
}

pub(crate) async fn suspend(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    body: Json<Suspend>,
) -> Result<HttpResponse, Problem> {
    let user = path::user(&path)?;
    let Suspend { reason, until } = body.into_inner();
    if until.is_some_and(|until| until <= now()) {
        return Err(Problem::invalid("/until", "this time has passed"));
    }
    let mut caller = call.caller();
    caller.acting_as = Some(ServiceRole::Operator);
    let command = Command::Suspend { until, reason };
    let outcome = app.auth.end(&app.commands, user, command, caller).await?;
    let ack = Ack::of(&app, user, &outcome);
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
