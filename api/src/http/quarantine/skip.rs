//! `POST /admin/projections/{name}/skip`: has a view pass over the event that one of its streams waits for, for good. Who did it and why is
//! in the log before it is done.

use actix_web::{HttpResponse, web};
use commands::Caller;
use domain::{
    Reason,
    audit::{Command, Skipped},
    user::ServiceRole,
};
use projections::MendError;
use serde::Deserialize;

use super::{MendedShape, problem};
use crate::{
    app::App,
    problem::Problem,
    request::{Call, Json},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Skip {
    position: u64,
    reason: Reason,
}

pub(crate) async fn skip(
    app: web::Data<App>,
    call: Call,
    name: web::Path<String>,
    body: Json<Skip>,
) -> Result<HttpResponse, Problem> {
    let Skip { position, reason } = body.into_inner();
    // Looked up first, so that nothing is written down that will not be done.
    let waits = app.views.waits_for(&name, position).map_err(problem)?;
    waits.ok_or_else(|| problem(MendError::NotParked))?;
    let caller = Caller {
        acting_as: Some(ServiceRole::Operator),
        ..call.caller()
    };
    let skipped = Skipped {
        view: name.clone(),
        position,
        reason,
    };
    let operator = call.who.user.uuid();
    app.commands
        .audits
        .execute(operator, Command::Skip(skipped), caller)
        .await?;
    let mended = app.views.skip(&name, position).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(MendedShape::from(mended)))
}
