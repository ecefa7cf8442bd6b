//! `GET /channels/{id}/messages/{message}/thread`: a page of what belongs to a thread, like one of the timeline, without the root.

use actix_web::{HttpResponse, web};

use super::page::deleted;
use crate::{
    app::App,
    http::path,
    ops::{access, pages::TimelineQuery},
    problem::Problem,
    render::{Page, answers::View},
    request::Who,
};

pub(crate) async fn thread(
    app: web::Data<App>,
    who: Who,
    path: web::Path<(String, String)>,
    query: web::Query<TimelineQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let window = query.into_inner().window(&app.limits)?;
    let channel = path::channel(&path.0)?;
    let root = path::message(&app, who.user, channel, &path.1).await?;
    let access = access::to_message(&app, who.user, channel, root).await?;
    let page = app
        .views
        .timeline
        .thread(
            who.user,
            channel,
            root,
            access.visible_from,
            window.anchor,
            window.limit,
        )
        .await?;
    let deleted = deleted(&app, who.user, channel, &page.items).await?;
    Ok(view.shows(&Page::of(page, |id| deleted.contains(&id))))
}
