//! `POST /auth/logout`: ends the session of the access token, or of the refresh token in the cookie, and has the cookie forgotten.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use domain::{SessionId, UserId, user::Revocation};

use super::cookie;
use crate::{
    app::App,
    auth::authenticate,
    problem::{Problem, codes},
    request::{Who, request_id},
};

pub async fn logout(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    app.takes_work()?;
    let kept = cookie::presented(&app, &request);
    if request.headers().contains_key(header::AUTHORIZATION) || kept.is_none() {
        match authenticate(&app, &request).await {
            Ok(who) => end_own(&app, &request, who).await?,
            Err(problem) => match kept {
                Some(kept) => end_kept(&app, &request, &kept).await?,
                None => return Err(problem),
            },
        }
    } else if let Some(kept) = kept {
        end_kept(&app, &request, &kept).await?;
    }
    Ok(HttpResponse::NoContent()
        .cookie(cookie::forgetting(&app, &request))
        .finish())
}

/// Ends the session of the access token. One that an outside issuer keeps goes on all the same, and it is said so.
async fn end_own(app: &App, request: &HttpRequest, who: Who) -> Result<(), Problem> {
    end(app, request, who.user, who.session).await?;
    if app.auth.is_in(&who) {
        Err(Problem::new(&codes::AUTH_SESSION_ELSEWHERE))
    } else {
        Ok(())
    }
}

/// Ends the session of the refresh token. One that is over already is left as it is.
async fn end_kept(app: &App, request: &HttpRequest, kept: &str) -> Result<(), Problem> {
    match app.auth.bearer_of(kept).await? {
        Some((user, session)) => end(app, request, user, session).await,
        None => Ok(()),
    }
}

async fn end(app: &App, request: &HttpRequest, user: UserId, session: SessionId) -> Result<(), Problem> {
    let request_id = request_id(request);
    let why = Revocation::Logout;
    app.auth
        .end_session(&app.commands, user, session, why, request_id)
        .await
}
