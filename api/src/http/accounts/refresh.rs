//! `POST /auth/refresh`: the next access token of a session, and the next refresh token, for the one in the cookie.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Session, cookie, user};
use crate::{
    app::App,
    problem::{Problem, codes},
    request::{now, request_id},
};

pub async fn refresh(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    app.takes_work()?;
    let presented = cookie::presented(&app, &request).ok_or_else(|| Problem::new(&codes::AUTH_INVALID_REFRESH))?;
    let refreshed = app
        .auth
        .refresh(&app.commands, &presented, request_id(&request))
        .await?;
    let left = (refreshed.access_expires_at - now()).num_seconds().max(0);
    Ok(HttpResponse::Ok()
        .cookie(cookie::keeping(&app, &request, &refreshed.refresh))
        .json(Session {
            access_token: refreshed.access_token,
            token_type: "Bearer",
            expires_in: left.unsigned_abs(),
            user: user(refreshed.user, &refreshed.handle, &refreshed.display_name),
            session_id: refreshed.session.to_string(),
        }))
}
