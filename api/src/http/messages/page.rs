//! `GET /channels/{id}/messages`: a page of the timeline.

use std::collections::HashSet;

use actix_web::{HttpResponse, web};
use domain::{ChannelId, MessageId, UserId};
use projections::TimelineMessage;

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
        .page_for(who.user, id, access.visible_from, window.anchor, window.limit)
        .await?;
    let deleted = deleted(&app, who.user, id, &page.items).await?;
    Ok(view.shows(&Page::of(page, |id| deleted.contains(&id))))
}

/// Those of the messages that are deleted. Asked after they were read: words deleted by now are not shown, however far the view is.
pub(super) async fn deleted(
    app: &App,
    reader: UserId,
    channel: ChannelId,
    messages: &[TimelineMessage],
) -> Result<HashSet<MessageId>, Problem> {
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let deleted = move |open: &domain::channel::Open| -> HashSet<MessageId> {
        ids.into_iter().filter(|id| open.is_deleted(*id)).collect()
    };
    access::look(app, reader, channel, deleted)
        .await
        .map(|(_, deleted)| deleted)
}
