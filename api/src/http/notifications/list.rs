//! `GET /notifications`: what calls the caller, newest first.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::notifications::{self, NotificationsQuery},
    problem::Problem,
    render::answers::View,
    request::Who,
};

pub(crate) async fn list(
    app: web::Data<App>,
    who: Who,
    query: web::Query<NotificationsQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let page = notifications::page(&app, &who, query.into_inner()).await?;
    Ok(view.shows(&page))
}
