//! `GET /spaces`: the caller's spaces.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::pages::ListQuery,
    problem::Problem,
    render::{List, Space, answers::View},
    request::Who,
};

pub(crate) async fn list(
    app: web::Data<App>,
    who: Who,
    query: web::Query<ListQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let window = query.into_inner().window(&app.limits)?;
    let spaces = app
        .views
        .directory
        .spaces_of(who.user, window.after(), window.limit)
        .await?;
    let last = spaces.items.last().map(|of| of.space.id.uuid());
    let items: Vec<Space> = spaces.items.into_iter().map(Space::from).collect();
    Ok(view.shows(&List::new(items, spaces.more, last)))
}
