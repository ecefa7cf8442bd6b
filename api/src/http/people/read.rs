//! `GET /users/{id}`: one person, whom any signed-in person may look up.

use actix_web::{HttpResponse, web};
use domain::UserId;

use crate::{
    app::App,
    http::path,
    ops::people,
    problem::Problem,
    render::{Profile, User, answers::View},
    request::Who,
};

pub(crate) async fn read(
    app: web::Data<App>,
    _who: Who,
    path: web::Path<String>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let id: UserId = path::user(&path)?;
    let person = app
        .views
        .directory
        .person(id)
        .await?
        .ok_or_else(people::no_such_person)?;
    let shown = Profile {
        user: User::from(person),
        identities: people::identities(&app, id).await?,
    };
    Ok(view.shows(&shown))
}
