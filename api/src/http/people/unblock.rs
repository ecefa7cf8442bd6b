//! `DELETE /users/me/blocks/{user}`: takes a block back. Whoever is not blocked is as good.

use actix_web::{HttpResponse, web};
use domain::user::Command;

use crate::{app::App, http::path, ops::people, problem::Problem, request::Call};

pub(crate) async fn unblock(app: web::Data<App>, call: Call, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let user = path::user(&path)?;
    people::registered(&app, user).await?;
    people::change_block(&app, &call, user, Command::Unblock { user }).await
}
