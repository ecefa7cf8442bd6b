//! `GET /channels/{id}/members`: the people of a channel, for those who are in it.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use domain::UserId;

use crate::{
    app::App,
    http::path,
    ops::{access, pages::ListQuery},
    problem::Problem,
    render::{InChannel, List, answers::View},
    request::Who,
};

pub(crate) async fn members(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<ListQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let window = query.into_inner().window(&app.limits)?;
    let id = path::channel(&path)?;
    access::reader(&app, who.user, id).await?;
    let members = app.views.channel_list.members(id, window.after(), window.limit).await?;
    let ids: Vec<UserId> = members.items.iter().map(|member| member.user).collect();
    let people = app.views.directory.people(&ids).await?;
    let people: HashMap<UserId, _> = people.into_iter().map(|person| (person.id, person)).collect();
    let shape = |member: projections::ChannelMember| InChannel::of(member, people.get(&member.user));
    let items: Vec<InChannel> = members.items.into_iter().map(shape).collect();
    Ok(view.shows(&List::new(items, members.more, ids.last().map(|id| id.uuid()))))
}
