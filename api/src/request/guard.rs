//! What stands in front of every handler, by its row in the table of routes: who may ask at all, and how often. A handler whose row
//! names a person is never reached without one. What that person may do to what they ask for is decided behind it.

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use domain::user::ServiceRole;

use super::{KnownUser, Who, app, client_address, origin::sent_by_our_pages};
use crate::{
    app::App,
    auth,
    problem::{Problem, codes},
    rates::Class,
};

/// What is done to sessions lies below this path.
const SESSIONS: &str = "/api/v1/auth/";

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Anyone,
    /// Whoever holds a cookie of ours: the handler reads it, and pages of others are kept from sending it.
    Cookie,
    /// Whoever bears an access token.
    Person,
    /// Somebody with that role over the whole service.
    Role(ServiceRole),
}

/// Which quota a request draws on, before anything else is done for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// None but that of the address, which every request draws on.
    Free,
    /// What the person reads.
    Read,
    /// The person's commands.
    Command,
    /// Registrations from the address.
    Registration,
    /// Sign-ins from the address. Those to one account are counted where its handle is known.
    Login,
    /// New access tokens for sessions at the address.
    Refresh,
    /// The person's tickets.
    Ticket,
    /// The person's reports.
    Report,
}

/// Lets a request through to its handler, or answers in its place.
pub(crate) async fn guard(
    access: Access,
    rate: Rate,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match admit(access, rate, request.request()).await {
        Ok(()) => {
            let answer = next.call(request).await?;
            Ok(match still_in(answer.request()) {
                Ok(()) => answer,
                Err(problem) => ServiceResponse::from_err(problem, answer.into_parts().0),
            })
        }
        Err(problem) => Ok(request.error_response(problem)),
    }
}

async fn admit(access: Access, rate: Rate, request: &HttpRequest) -> Result<(), Problem> {
    let app = app(request)?;
    let who = match access {
        Access::Anyone => None,
        Access::Cookie => {
            sent_by_our_pages(request)?;
            None
        }
        Access::Person | Access::Role(_) => Some(authenticate(app, request).await?),
    };
    counted(app, rate, who, request)?;
    match (access, who) {
        (Access::Role(role), Some(who)) => has_role(app, who, role).await,
        (Access::Anyone | Access::Cookie | Access::Person | Access::Role(_), _) => Ok(()),
    }
}

/// Asked again before an answer leaves: whoever was cut off while it was made (a read may wait for a view) is told nothing. Answers about
/// sessions are given also to whoever has just ended their own.
fn still_in(request: &HttpRequest) -> Result<(), Problem> {
    if request.path().starts_with(SESSIONS) {
        return Ok(());
    }
    not_cut_off(request)
}

/// Whoever sent the request, if it names somebody, has not been cut off since its head was looked at. A body may arrive long after it.
pub(super) fn not_cut_off(request: &HttpRequest) -> Result<(), Problem> {
    let who = request.extensions().get::<Who>().copied();
    match who {
        Some(who) if !app(request)?.auth.is_in(&who) => Err(Problem::new(&codes::AUTH_INVALID_TOKEN)),
        Some(_) | None => Ok(()),
    }
}

/// Who sends the request, by its access token. From then on handlers may ask for [`Who`].
async fn authenticate(app: &App, request: &HttpRequest) -> Result<Who, Problem> {
    let who = auth::authenticate(app, request).await?;
    request.extensions_mut().insert(KnownUser(who.user));
    request.extensions_mut().insert(who);
    Ok(who)
}

/// Draws on the quota; what is left of it is told in the answer, also when nothing is.
fn counted(app: &App, rate: Rate, who: Option<Who>, request: &HttpRequest) -> Result<(), Problem> {
    let by_address = |class| {
        let address = client_address(request, &app.settings.trusted_proxies);
        app.rates.count(class, address)
    };
    let counted = match (rate, who) {
        (Rate::Read, Some(who)) => app.rates.count(Class::Reads, who.user),
        (Rate::Command, Some(who)) => app.rates.count(Class::Commands, who.user),
        (Rate::Ticket, Some(who)) => app.rates.count(Class::Tickets, who.user),
        (Rate::Report, Some(who)) => app.rates.count(Class::Reports, who.user),
        (Rate::Registration, _) => by_address(Class::Registrations),
        (Rate::Login, _) => by_address(Class::Logins),
        (Rate::Refresh, _) => by_address(Class::Refreshes),
        (Rate::Free | Rate::Read | Rate::Command | Rate::Ticket | Rate::Report, _) => return Ok(()),
    };
    if let Some(standing) = counted.standing {
        request.extensions_mut().insert(standing);
    }
    counted.allowed()
}

/// Asked of the person's own stream, so that a role that was taken away is gone at once.
async fn has_role(app: &App, who: Who, role: ServiceRole) -> Result<(), Problem> {
    let has = app.commands.users.read(who.user.uuid(), move |view| {
        view.state
            .account()
            .is_some_and(|account| account.roles.contains(&role))
    });
    if has.await? {
        Ok(())
    } else {
        Err(Problem::new(&codes::AUTH_ROLE_REQUIRED))
    }
}
