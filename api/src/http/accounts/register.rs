//! `POST /auth/register`: opens an account and its first session.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use domain::{DisplayName, Handle, UserId};
use secrecy::SecretString;
use serde::Deserialize;

use super::begun;
use crate::{
    app::App,
    auth::NewAccount,
    ops::invites::{self, Code},
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
    invite: Option<Code>,
}

pub async fn register(
    app: web::Data<App>,
    request: HttpRequest,
    body: Json<Register>,
) -> Result<HttpResponse, Problem> {
    app.takes_work()?;
    let Register {
        handle,
        display_name,
        password,
        invite,
    } = body.into_inner();
    let invite = match app.settings.registration {
        Registration::Open => None,
        Registration::Invite => Some(invited(&app, invite, &handle, &password).await?),
        Registration::Closed => return Err(Problem::new(&codes::REGISTRATION_CLOSED)),
    };
    still_free(&app, &handle).await?;
    let (key, request_id) = (idempotency_key(&request)?, request_id(&request));
    let wish = NewAccount {
        handle,
        display_name,
        password,
        key,
        request_id,
    };
    // The membership comes before the account, so that of those who race for the last use of an invite only one becomes anybody.
    let admit = async |person: UserId| match &invite {
        Some(code) => invites::admit(&app, code, person, request_id).await,
        None => Ok(()),
    };
    let signed_in = app.auth.register_admitted(&app.commands, wish, admit).await?;
    let from = client_address(&request, &app.settings.trusted_proxies);
    app.rates.known_from(&signed_in.handle, from);
    let status = if signed_in.replayed {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(begun(&app, &request, status, signed_in))
}

/// The invite to come in by, unless it lets nobody in. One that is used up is good enough for whoever used it: the account of that handle
/// and password is theirs, and this is a retry.
async fn invited(app: &App, invite: Option<Code>, handle: &Handle, password: &SecretString) -> Result<Code, Problem> {
    let code = invite.ok_or_else(invites::no_such_invite)?;
    let (good, own) = (
        invites::is_good(app, &code).await?,
        app.auth.owns(handle, password).await?,
    );
    if good || own {
        Ok(code)
    } else {
        Err(invites::no_such_invite())
    }
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
