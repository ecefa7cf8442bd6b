//! `GET /spaces/{id}/feed`: the channels of a space that one is in, newest, best voted or hottest first.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::feeds::{self, FeedQuery, Scope},
    problem::Problem,
    render::answers::View,
    request::Who,
};

pub(crate) async fn of_space(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<FeedQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let scope = Scope::Space(path::space(&path)?);
    let page = feeds::page(&app, &who, scope, query.into_inner()).await?;
    Ok(view.shows(&page))
}
