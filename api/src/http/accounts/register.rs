//! `POST /auth/register`: opens an account and its first session.

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode, web};
use domain::{DisplayName, Handle, UserId};
use secrecy::SecretString;
use serde::Deserialize;

use super::begun;
use crate::{
    app::App,
    auth::{NewAccount, SignedIn},
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
    let from = client_address(&request, &app.settings.trusted_proxies);
    let invite = match app.settings.registration {
        Registration::Open => None,
        Registration::Invite => Some(Invited::by(&app, from, invite, &handle, &password).await?),
        Registration::Closed => return Err(Problem::new(&codes::REGISTRATION_CLOSED)),
    };
    let wish = NewAccount {
        handle,
        display_name,
        password,
        key: idempotency_key(&request)?,
        request_id: request_id(&request),
    };
    let signed_in = open_account(&app, wish, invite.as_ref()).await;
    let signed_in = signed_in.map_err(|why| match invite {
        // Without an invite that lets somebody in, all that went before was only to find a retry: a refusal says nothing else.
        Some(Invited { lets_in: false, .. }) if why.status_code().is_client_error() => invites::no_such_invite(),
        Some(_) | None => why,
    })?;
    app.rates.known_from(&signed_in.handle, from);
    let status = if signed_in.replayed {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(begun(&app, &request, status, signed_in))
}

async fn open_account(app: &App, wish: NewAccount, invite: Option<&Invited>) -> Result<SignedIn, Problem> {
    still_free(app, &wish.handle).await?;
    let request_id = wish.request_id;
    // The membership comes before the account, so that of those who race for the last use of an invite only one becomes anybody.
    let admit = async |person: UserId| match invite {
        Some(invite) => invites::admit(app, &invite.code, person, request_id).await,
        None => Ok(()),
    };
    app.auth.register_admitted(&app.commands, wish, admit).await
}

/// The invite somebody brings.
struct Invited {
    code: Code,
    /// False for one that is used up, which is good enough for whoever used it: the account of that handle and password is theirs, and
    /// this is a retry.
    lets_in: bool,
}

impl Invited {
    /// Refuses what neither lets anybody in nor did so for this handle and password. To ask that is one more try to sign in.
    async fn by(
        app: &App,
        from: IpAddr,
        invite: Option<Code>,
        handle: &Handle,
        password: &SecretString,
    ) -> Result<Self, Problem> {
        let code = invite.ok_or_else(invites::no_such_invite)?;
        let lets_in = invites::is_good(app, &code).await?;
        if !lets_in {
            app.rates.login(handle, from)?;
            if !app.auth.owns(handle, password).await? {
                return Err(invites::no_such_invite());
            }
        }
        Ok(Self { code, lets_in })
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
