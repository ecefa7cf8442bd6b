//! `GET /users/me/blocks`: whom one has blocked, from one's own stream and so always up to date. Nobody sees those of others.

use actix_web::{HttpResponse, web};
use domain::UserId;

use crate::{
    app::App,
    ops::pages::ListQuery,
    problem::Problem,
    render::{List, User, answers::View},
    request::Who,
};

pub(crate) async fn blocks(
    app: web::Data<App>,
    who: Who,
    query: web::Query<ListQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let window = query.into_inner().window(&app.limits)?;
    let after: Option<UserId> = window.after();
    let mut page: Vec<UserId> = app
        .commands
        .users
        .read(who.user.uuid(), move |view| {
            let blocked = view.state.account().into_iter().flat_map(|account| account.blocked());
            let later = |user: &UserId| after.is_none_or(|after| user.uuid() > after.uuid());
            blocked.filter(later).collect()
        })
        .await?;
    page.sort_unstable_by_key(|user| user.uuid());
    let more = page.len() > window.limit;
    page.truncate(window.limit);
    let people = app.views.directory.people(&page).await?;
    let items: Vec<User> = people.into_iter().map(User::from).collect();
    Ok(view.shows(&List::new(items, more, page.last().map(|user| user.uuid()))))
}
