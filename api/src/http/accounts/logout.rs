//! `POST /auth/logout`: ends the session of the access token, or of the refresh token in the cookie, and has the cookie forgotten.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use domain::{SessionId, UserId, user::Revocation};

use super::cookie;
use crate::{app::App, auth::authenticate, problem::Problem, request::request_id};

pub async fn logout(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    app.takes_work()?;
    if let Some((user, session)) = whose(&app, &request).await? {
        let request_id = request_id(&request);
        app.auth
            .end_session(&app.commands, user, session, Revocation::Logout, request_id)
            .await?;
    }
    Ok(HttpResponse::NoContent()
        .cookie(cookie::forgetting(&app, &request))
        .finish())
}

/// Whose session is meant; `None` for a cookie whose session is over. Without any word about it there is nothing to end.
async fn whose(app: &App, request: &HttpRequest) -> Result<Option<(UserId, SessionId)>, Problem> {
    let kept = cookie::presented(app, request);
    if request.headers().contains_key(header::AUTHORIZATION) || kept.is_none() {
        match authenticate(app, request).await {
            Ok(who) => return Ok(Some((who.user, who.session))),
            Err(problem) if kept.is_none() => return Err(problem),
            Err(_) => {}
        }
    }
    match kept {
        Some(kept) => app.auth.bearer_of(&kept).await,
        None => Ok(None),
    }
}
