//! `POST /admin/projections/{name}/rebuild`, `/pause`, `/resume`, `/cancel`, `/promote`, `/rollback`, `/retire`: answered with 202 and the row
//! of the generation, since what takes long goes on behind the answer. Who did it is in the log before it is done; pausing is no privilege
//! worth a trail.

use actix_web::{HttpResponse, web};
use commands::Caller;
use domain::{
    Reason,
    audit::{Command, Operated},
    user::ServiceRole,
};
use projections::{Operation, OperationError, Promote};
use serde::Deserialize;

use super::ProjectionShape;
use crate::{
    app::App,
    problem::{Problem, codes},
    request::{Call, JsonIfAny},
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rebuild {
    #[serde(default)]
    promote: When,
    #[serde(default)]
    events_per_s: Option<u32>,
    #[serde(default)]
    reason: Option<Reason>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum When {
    #[default]
    #[serde(rename = "when_equal")]
    Equal,
    Always,
    Never,
}

/// What the other operations take.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Because {
    #[serde(default)]
    reason: Option<Reason>,
}

pub(crate) async fn rebuild(
    app: web::Data<App>,
    call: Call,
    name: web::Path<String>,
    body: JsonIfAny<Rebuild>,
) -> Result<HttpResponse, Problem> {
    let Rebuild {
        promote,
        events_per_s,
        reason,
    } = body.0;
    if events_per_s == Some(0) {
        return Err(Problem::invalid("/events_per_s", "must be at least 1"));
    }
    let promote = match promote {
        When::Equal => Promote::WhenEqual,
        When::Always => Promote::Always,
        When::Never => Promote::Never,
    };
    let operation = Operation::Rebuild { promote, events_per_s };
    operate(&app, &call, &name, operation, reason).await
}

pub(crate) async fn pause(
    app: web::Data<App>,
    call: Call,
    name: web::Path<String>,
    body: JsonIfAny<Because>,
) -> Result<HttpResponse, Problem> {
    operate(&app, &call, &name, Operation::Pause, body.0.reason).await
}

pub(crate) async fn resume(
    app: web::Data<App>,
    call: Call,
    name: web::Path<String>,
    body: JsonIfAny<Because>,
) -> Result<HttpResponse, Problem> {
    operate(&app, &call, &name, Operation::Resume, body.0.reason).await
}

pub(crate) async fn cancel(
    app: web::Data<App>,
    call: Call,
    name: web::Path<String>,
    body: JsonIfAny<Because>,
) -> Result<HttpResponse, Problem> {
    operate(&app, &call, &name, Operation::Cancel, body.0.reason).await
}

pub(crate) async fn promote(
    app: web::Data<App>,
    call: Call,
    name: web::Path<String>,
    body: JsonIfAny<Because>,
) -> Result<HttpResponse, Problem> {
    operate(&app, &call, &name, Operation::Promote, body.0.reason).await
}

pub(crate) async fn roll_back(
    app: web::Data<App>,
    call: Call,
    name: web::Path<String>,
    body: JsonIfAny<Because>,
) -> Result<HttpResponse, Problem> {
    operate(&app, &call, &name, Operation::RollBack, body.0.reason).await
}

pub(crate) async fn retire(
    app: web::Data<App>,
    call: Call,
    name: web::Path<String>,
    body: JsonIfAny<Because>,
) -> Result<HttpResponse, Problem> {
    operate(&app, &call, &name, Operation::Retire, body.0.reason).await
}

async fn operate(
    app: &App,
    call: &Call,
    name: &str,
    operation: Operation,
    reason: Option<Reason>,
) -> Result<HttpResponse, Problem> {
    // Looked at first, so that nothing is written down that will not be done.
    app.views.may(name, operation).map_err(problem)?;
    if let Some(command) = privilege(operation) {
        let operated = Operated {
            view: name.to_owned(),
            reason,
        };
        let caller = Caller {
            acting_as: Some(ServiceRole::Operator),
            ..call.caller()
        };
        let operator = call.who.user.uuid();
        app.commands.audits.execute(operator, command(operated), caller).await?;
    }
    let status = app.views.operate(name, operation).await.map_err(problem)?;
    Ok(HttpResponse::Accepted().json(ProjectionShape::of(status, None)))
}

/// What of it is worth a line in the trail: how fast something is built is not.
fn privilege(operation: Operation) -> Option<fn(Operated) -> Command> {
    match operation {
        Operation::Rebuild { .. } => Some(Command::Rebuild),
        Operation::Cancel => Some(Command::CancelRebuild),
        Operation::Promote => Some(Command::Promote),
        Operation::RollBack => Some(Command::RollBack),
        Operation::Retire => Some(Command::Retire),
        Operation::Pause | Operation::Resume => None,
    }
}

fn problem(error: OperationError) -> Problem {
    let kind = match &error {
        OperationError::NoSuchView => return Problem::new(&codes::ROUTE_NOT_FOUND),
        OperationError::RebuildRunning { .. } => &codes::PROJECTION_REBUILD_RUNNING,
        OperationError::NoRebuild => &codes::PROJECTION_NO_REBUILD,
        OperationError::NothingToPromote => &codes::PROJECTION_NOTHING_TO_PROMOTE,
        OperationError::NothingToRollBackTo => &codes::PROJECTION_NOTHING_TO_ROLL_BACK_TO,
        OperationError::NothingToRetire => &codes::PROJECTION_NOTHING_TO_RETIRE,
        OperationError::NotCaughtUp => &codes::PROJECTION_NOT_CAUGHT_UP,
        OperationError::NobodyFolds | OperationError::Files(_) | OperationError::Reads(_) => {
            tracing::error!(%error, "The generations of a view cannot be worked with");
            return Problem::new(&codes::VIEW_UNAVAILABLE);
        }
    };
    Problem::new(kind).detail(error.to_string())
}
