//! Accounts: opening one, signing in, and the keys with which others verify our tokens.

mod jwks;
mod login;
mod register;

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

pub use jwks::jwks;
pub use login::login;
pub use register::register;

use crate::{app::App, auth::SignedIn, position::POSITION_HEADER};

#[derive(Serialize)]
struct Session {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    user: Value,
    session_id: String,
    pos: String,
    replayed: bool,
}

/// What a person gets who has signed in.
fn session(app: &App, status: StatusCode, signed_in: SignedIn) -> HttpResponse {
    let pos = app.pos(signed_in.position).to_string();
    let user = json!({"id": signed_in.user, "handle": signed_in.handle, "display_name": signed_in.display_name});
    HttpResponse::build(status)
        .insert_header((POSITION_HEADER, pos.clone()))
        .json(Session {
            access_token: signed_in.access_token,
            token_type: "Bearer",
            expires_in: signed_in.expires_in_seconds,
            user,
            session_id: signed_in.session.to_string(),
            pos,
            replayed: signed_in.replayed,
        })
}
