//! `POST /auth/register`: opens an account and its first session.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use domain::{DisplayName, Handle};
use secrecy::SecretString;
use serde::Deserialize;

use super::begun;
use crate::{
    app::App,
    auth::NewAccount,
    problem::{Problem, codes},
    request::{Json, client_address, idempotency_key, request_id},
    settings::Registration,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    handle: Handle,
    display_name: DisplayName,
    password: SecretString,
    /// Read when registration is by invitation.
    #[serde(default)]
    #[expect(dead_code, reason = "invitations are refused below until they can be redeemed")]
    invite: Option<String>,
}

pub async fn register(
    app: web::Data<App>,
    request: HttpRequest,
    body: Json<Register>,
) -> Result<HttpResponse, Problem> {
    app.takes_work()?;
    match app.settings.registration {
        Registration::Open => {}
        Registration::Invite | Registration::Closed => return Err(Problem::new(&codes::REGISTRATION_CLOSED)),
    }
    let Register {
        handle,
        display_name,
        password,
        ..
    } = body.into_inner();
    still_free(&app, &handle).await?;
    let (key, request_id) = (idempotency_key(&request)?, request_id(&request));
    let wish = NewAccount {
        handle,
        display_name,
        password,
        key,
        request_id,
    };
    let signed_in = app.auth.register(&app.commands, wish).await?;
    let from = client_address(&request, &app.settings.trusted_proxies);
    app.rates.known_from(&signed_in.handle, from);
    let status = if signed_in.replayed {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(begun(&app, &request, status, signed_in))
}

/// Refuses a handle that the log knows and the table of credentials does not, as after the loss of that table: it stays its owner's.
/// Handles that both know are told apart by their passwords later.
async fn still_free(app: &App, handle: &Handle) -> Result<(), Problem> {
    let forgotten = app.auth.credentials.find(handle).await?.is_none();
    if forgotten && app.views.directory.person_by_handle(handle).await?.is_some() {
        return Err(Problem::new(&codes::HANDLE_TAKEN));
    }
    Ok(())
}
