//! `GET /channels`: the channels the caller is in, with what they have not read.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::{overview, pages::ListQuery},
    problem::Problem,
    render::{List, answers::View},
    request::Who,
};

pub(crate) async fn list(
    app: web::Data<App>,
    who: Who,
    query: web::Query<ListQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let window = query.into_inner().window(&app.limits)?;
    let channels = app
        .views
        .channel_list
        .channels_of(who.user, window.after(), window.limit)
        .await?;
    let last = channels.items.last().map(|of| of.channel.id.uuid());
    let items = overview::of_list(&app, channels.items).await?;
    Ok(view.shows(&List::new(items, channels.more, last)))
}
