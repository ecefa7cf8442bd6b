//! `GET /users/me`: oneself, from one's own stream and so always up to date.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::people,
    problem::Problem,
    render::{User, answers::View},
    request::Who,
};

pub(crate) async fn read_me(app: web::Data<App>, who: Who, view: View) -> Result<HttpResponse, Problem> {
    let me = who.user;
    let account = app
        .commands
        .users
        .read(me.uuid(), move |view| Some(User::of_account(me, view.state.account()?)));
    Ok(view.shows(&account.await?.ok_or_else(people::no_such_person)?))
}
