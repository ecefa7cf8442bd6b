//! `GET /channels/{id}/messages`: a page of the timeline.

use std::collections::HashSet;

use actix_web::{HttpResponse, web};
use domain::MessageId;

use crate::{
    app::App,
    http::path,
    ops::{access, pages::TimelineQuery},
    problem::Problem,
    render::{Page, answers::View},
    request::Who,
};

pub(crate) async fn page(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<TimelineQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let window = query.into_inner().window(&app.limits)?;
    let id = path::channel(&path)?;
    let access = access::reader(&app, who.user, id).await?;
    let page = app
        .views
        .timeline
        .page(id, access.visible_from, window.anchor, window.limit)
        .await?;
    let ids: Vec<MessageId> = page.items.iter().map(|message| message.id).collect();
    // Asked after the page was read: words deleted by now are not shown, however far the view is.
    let deleted = move |open: &domain::channel::Open| -> HashSet<MessageId> {
        ids.into_iter().filter(|id| open.is_deleted(*id)).collect()
    };
    let (_, deleted) = access::look(&app, who.user, id, deleted).await?;
    Ok(view.shows(&Page::of(page, |id| deleted.contains(&id))))
}
