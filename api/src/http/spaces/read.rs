//! `GET /spaces/{id}`: a space, for those who are in it.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::access,
    problem::Problem,
    render::{Space, answers::View},
    request::Who,
};

pub(crate) async fn read(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let id = path::space(&path)?;
    let space = access::look_at_space(&app, who.user, id, move |open, role| Space::of_state(id, open, role)).await?;
    Ok(view.shows(&space))
}
