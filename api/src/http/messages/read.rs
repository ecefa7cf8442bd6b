//! `GET /channels/{id}/messages/{message}`: one message as it stands now, with its version as `ETag`.

use actix_web::{HttpResponse, http::header, web};
use domain::{ChannelId, MessageId, UserId, channel::Fact};
use projections::TimelineMessage;

use crate::{
    app::App,
    http::path,
    ops::{access, versions},
    problem::Problem,
    render::{Message, answers::View},
    request::Who,
};

pub(crate) async fn read(
    app: web::Data<App>,
    who: Who,
    path: web::Path<(String, String)>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let channel = path::channel(&path.0)?;
    let message = path::message(&app, who.user, channel, &path.1).await?;
    let (access, fact) = access::look(&app, who.user, channel, move |open| open.message(message).copied()).await?;
    let fact = fact
        .filter(|fact| u64::from(fact.seq) >= access.visible_from)
        .ok_or_else(path::no_such_message)?;
    let row = row(&app, who.user, channel, message, fact, access.position).await?;
    let etag = versions::etag(row.version);
    Ok(view
        .begin()
        .insert_header((header::ETAG, etag))
        .json(Message::of(row, fact.is_deleted())))
}

/// The view's row, waiting for it where the channel is known to be further.
pub(super) async fn row(
    app: &App,
    reader: UserId,
    channel: ChannelId,
    message: MessageId,
    fact: Fact,
    position: u64,
) -> Result<TimelineMessage, Problem> {
    let row = app.views.timeline.message_for(reader, channel, message).await?;
    if let Some(row) = row.filter(|row| row.version >= fact.version) {
        return Ok(row);
    }
    app.shown(position).await?;
    app.views
        .timeline
        .message_for(reader, channel, message)
        .await?
        .ok_or_else(path::no_such_message)
}
