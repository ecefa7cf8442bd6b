//! `GET /admin/reports`, `POST /admin/reports/{id}/resolve` and `/undo`: the same for operators, about what is in no space. The guard has
//! seen that they are operators; here they say that they act as such.

use actix_web::{HttpResponse, web};
use commands::Caller;
use domain::user::ServiceRole;

use super::list::{self, Query};
use crate::{
    app::App,
    http::path,
    ops::reports::{self, Resolve},
    problem::Problem,
    render::answers::{self, View},
    request::{Call, Json, Who, Why},
};

pub(crate) async fn list_outside(
    app: web::Data<App>,
    who: Who,
    query: web::Query<Query>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let (state, window) = query.into_inner().window(&app)?;
    list::shows(&app, None, state, window, who.user, view).await
}

pub(crate) async fn resolve_as_operator(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    body: Json<Resolve>,
) -> Result<HttpResponse, Problem> {
    let ack = reports::resolve(&app, path::report(&path)?, body.0, operating(&call)).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}

pub(crate) async fn undo_as_operator(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    why: Json<Why>,
) -> Result<HttpResponse, Problem> {
    let ack = reports::undo(&app, path::report(&path)?, why.0.required()?, operating(&call)).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}

fn operating(call: &Call) -> Caller {
    Caller {
        acting_as: Some(ServiceRole::Operator),
        ..call.caller()
    }
}
