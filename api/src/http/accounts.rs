//! Accounts: opening one, signing in and out, going on, another password, and the keys with which others verify our tokens.

mod change_password;
mod cookie;
mod jwks;
mod login;
mod logout;
mod refresh;
mod register;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use domain::{DisplayName, Handle, UserId};
use serde::Serialize;
use serde_json::{Value, json};

pub use change_password::change_password;
pub use jwks::jwks;
pub use login::login;
pub use logout::logout;
pub use refresh::refresh;
pub use register::register;

use crate::{app::App, auth::SignedIn, position::POSITION_HEADER};

/// A session, as whoever is in it needs it. The refresh token is in the cookie and nowhere else.
#[derive(Serialize)]
struct Session {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    user: Value,
    session_id: String,
}

#[derive(Serialize)]
struct Begun {
    #[serde(flatten)]
    session: Session,
    pos: String,
    replayed: bool,
}

/// What a person gets who has signed in.
fn begun(app: &App, request: &HttpRequest, status: StatusCode, signed_in: SignedIn) -> HttpResponse {
    let pos = app.pos(signed_in.position).to_string();
    HttpResponse::build(status)
        .insert_header((POSITION_HEADER, pos.clone()))
        .cookie(cookie::keeping(app, request, &signed_in.refresh))
        .json(Begun {
            session: Session {
                access_token: signed_in.access_token,
                token_type: "Bearer",
                expires_in: signed_in.expires_in_seconds,
                user: user(signed_in.user, &signed_in.handle, &signed_in.display_name),
                session_id: signed_in.session.to_string(),
            },
            pos,
            replayed: signed_in.replayed,
        })
}

fn user(id: UserId, handle: &Handle, display_name: &DisplayName) -> Value {
    json!({"id": id, "handle": handle, "display_name": display_name})
}
