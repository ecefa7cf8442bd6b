//! `GET /feeds/discover`: what anyone may walk into, newest, best voted or hottest first.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::feeds::{self, FeedQuery, Scope},
    problem::Problem,
    render::answers::View,
    request::Who,
};

pub(crate) async fn discover(
    app: web::Data<App>,
    who: Who,
    query: web::Query<FeedQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let page = feeds::page(&app, &who, Scope::Discover, query.into_inner()).await?;
    Ok(view.shows(&page))
}
