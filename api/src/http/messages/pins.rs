//! `GET /channels/{id}/pins`: what is pinned, the newest pin first. A channel pins so few that they are one page.

use actix_web::{HttpResponse, web};
use domain::limits;

use super::page::deleted;
use crate::{
    app::App,
    http::path,
    ops::access,
    problem::Problem,
    render::{List, Message, answers::View},
    request::Who,
};

pub(crate) async fn pins(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let channel = path::channel(&path)?;
    let access = access::reader(&app, who.user, channel).await?;
    let mut pinned = app.views.timeline.pins(who.user, channel, limits::PINS_MAX).await?;
    let deleted = deleted(&app, who.user, channel, &pinned).await?;
    pinned.retain(|message| message.seq >= access.visible_from && !deleted.contains(&message.id));
    let items = pinned.into_iter().map(|row| Message::of(row, false)).collect();
    Ok(view.shows(&List::new(items, false, None)))
}
