//! `PATCH /users/me`: changes what others see of oneself.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::people::{self, Profile},
    problem::Problem,
    render::{User, Written, answers},
    request::{Call, Json},
};

pub(crate) async fn change_me(app: web::Data<App>, call: Call, body: Json<Profile>) -> Result<HttpResponse, Problem> {
    let me = call.who.user;
    let outcome = app
        .commands
        .users
        .execute(me.uuid(), body.0.into_command()?, call.caller())
        .await?;
    let account = app
        .commands
        .users
        .read(me.uuid(), move |view| Some(User::of_account(me, view.state.account()?)));
    let thing = account.await?.ok_or_else(people::no_such_person)?;
    let pos = app.pos(outcome.position).to_string();
    let replayed = outcome.replayed || outcome.events.is_empty();
    Ok(answers::set(
        &pos,
        &Written {
            thing,
            pos: pos.clone(),
            replayed,
        },
    ))
}
