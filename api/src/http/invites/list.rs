//! `GET /spaces/{id}/invites`: the open invites of a space, for those who may make them. Codes are not shown again.

use actix_web::{HttpResponse, web};
use domain::rights::Right;

use crate::{
    app::App,
    http::path,
    ops::{access, pages::ListQuery},
    problem::Problem,
    render::{Invite, List, answers::View},
    request::{Who, now},
};

pub(crate) async fn list(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<ListQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let window = query.into_inner().window(&app.limits)?;
    let space = path::space(&path)?;
    access::with_right(&app, who.user, space, Right::Invite).await?;
    let invites = app
        .views
        .directory
        .invites(space, now(), window.after(), window.limit)
        .await?;
    let last = invites.items.last().map(|invite| invite.id.uuid());
    let items: Vec<Invite> = invites.items.into_iter().map(Invite::from).collect();
    Ok(view.shows(&List::new(items, invites.more, last)))
}
