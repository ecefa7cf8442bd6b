//! `GET /reports/{id}`: a report, whole for those who decide about it, its state for who made it.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::{
    app::App,
    http::path,
    ops::reports::{self, ReportShape, Shown},
    problem::Problem,
    render::answers::View,
    request::Who,
};

pub(crate) async fn read(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let id = path::report(&path)?;
    Ok(match reports::show(&app, id, who.user).await? {
        Shown::Whole(made) => view.shows(&ReportShape::of_state(id, *made)),
        Shown::StateOnly(state) => view.shows(&json!({ "id": id, "state": state })),
    })
}
