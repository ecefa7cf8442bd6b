//! `GET /channels/{id}`: a channel, for those who are in it.

use actix_web::{HttpResponse, web};

use crate::{app::App, http::path, ops::overview, problem::Problem, render::answers::View, request::Who};

pub(crate) async fn read(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    view: View,
) -> Result<HttpResponse, Problem> {
    Ok(view.shows(&overview::of_channel(&app, who.user, path::channel(&path)?).await?))
}
