//! `POST /admin/projections/{name}/retry`: folds again what a view put aside, as far as it can be read now.

use actix_web::{HttpResponse, web};
use event_store::StreamName;
use serde::Deserialize;

use super::{MendedShape, problem};
use crate::{app::App, problem::Problem, request::JsonIfAny};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retry {
    /// As `quarantined` names it; without it all of them.
    #[serde(default)]
    stream: Option<String>,
}

pub(crate) async fn retry(
    app: web::Data<App>,
    name: web::Path<String>,
    body: JsonIfAny<Retry>,
) -> Result<HttpResponse, Problem> {
    let stream = body.0.stream.map(|stream| StreamName::from_text(&stream));
    let mended = app.views.retry(&name, stream).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(MendedShape::from(mended)))
}
