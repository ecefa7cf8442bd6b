//! `GET /channels/{id}/posts`: the top-level messages of a channel of a space, the posts of a forum, newest, best voted or hottest first.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::feeds::{self, FeedQuery, Scope},
    problem::Problem,
    render::answers::View,
    request::Who,
};

pub(crate) async fn posts(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<FeedQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let scope = Scope::Posts(path::channel(&path)?);
    let page = feeds::page(&app, &who, scope, query.into_inner()).await?;
    Ok(view.shows(&page))
}
