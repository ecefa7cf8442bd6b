//! `POST /auth/password`: another password for oneself. Every other session ends.

use actix_web::{HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{
    app::App,
    auth::{NewPassword, PASSWORD_BYTES_MAX},
    http::sessions::Ended,
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    old: SecretString,
    new: SecretString,
}

pub async fn change_password(
    app: web::Data<App>,
    call: Call,
    body: Json<ChangePassword>,
) -> Result<HttpResponse, Problem> {
    let ChangePassword { old, new } = body.into_inner();
    if old.expose_secret().len() > PASSWORD_BYTES_MAX {
        return Err(Problem::invalid("/old", "this is not the password"));
    }
    let me = call.who.user;
    // Guessing here is as good as guessing at the door, and costs whoever guesses there nothing.
    app.rates.own_password(me)?;
    let wish = NewPassword {
        who: call.who,
        old,
        new,
        caller: call.caller(),
    };
    let outcome = app.auth.change_password(&app.commands, wish).await?;
    let ended = Ended::of(&app, &outcome);
    Ok(answers::set(&ended.pos, &ended))
}
