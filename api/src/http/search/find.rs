//! `GET /search`: messages with these words, newest first, wherever the caller may read now.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::search::{self, SearchQuery},
    problem::Problem,
    render::answers::View,
    request::Who,
};

pub(crate) async fn find(
    app: web::Data<App>,
    who: Who,
    query: web::Query<SearchQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let found = search::find(&app, &who, query.into_inner()).await?;
    Ok(view.shows(&found))
}
