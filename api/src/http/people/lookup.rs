//! `GET /users?handle=`: the one person with a handle, written in any case. Where not everyone may register, only among those one
//! shares a space or a conversation with.

use actix_web::{HttpResponse, web};
use domain::Handle;
use serde::Deserialize;

use crate::{
    app::App,
    ops::people,
    problem::Problem,
    render::{User, answers::View},
    request::Who,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    handle: String,
    #[serde(rename = "min_pos")]
    _min_pos: Option<serde::de::IgnoredAny>,
}

pub(crate) async fn lookup(
    app: web::Data<App>,
    who: Who,
    wanted: web::Query<Wanted>,
    view: View,
) -> Result<HttpResponse, Problem> {
    // What cannot be a handle is nobody's.
    let handle = Handle::parse(&wanted.handle).map_err(|_| people::no_such_person())?;
    let person = app
        .views
        .directory
        .person_by_handle(&handle)
        .await?
        .ok_or_else(people::no_such_person)?;
    people::findable(&app, who.user, person.id).await?;
    Ok(view.shows(&User::from(person)))
}
