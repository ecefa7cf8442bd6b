//! `GET /spaces/{id}/bans`: who is kept out of a space, for its moderators.

use actix_web::{HttpResponse, web};
use projections::SanctionKind;

use crate::{
    app::App,
    http::path,
    ops::{pages::ListQuery, spaces},
    problem::Problem,
    render::{List, Sanctioned, answers::View},
    request::Who,
};

pub(crate) async fn bans(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<ListQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let window = query.into_inner().window(&app.limits)?;
    let space = path::space(&path)?;
    let found = spaces::sanctions(&app, who.user, space, SanctionKind::Ban, &window).await?;
    let last = found.items.last().map(|sanction| sanction.user.uuid());
    let items: Vec<Sanctioned> = found.items.into_iter().map(Sanctioned::from).collect();
    Ok(view.shows(&List::new(items, found.more, last)))
}
