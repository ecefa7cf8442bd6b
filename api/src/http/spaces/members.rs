//! `GET /spaces/{id}/members`: the people of a space, for those who are in it.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::{access, pages::ListQuery},
    problem::Problem,
    render::{List, Member, answers::View},
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
    let id = path::space(&path)?;
    access::look_at_space(&app, who.user, id, |_, _| ()).await?;
    let members = app
        .views
        .directory
        .space_members(id, window.after(), window.limit)
        .await?;
    let last = members.items.last().map(|member| member.user.uuid());
    let items: Vec<Member> = members.items.into_iter().map(Member::from).collect();
    Ok(view.shows(&List::new(items, members.more, last)))
}
