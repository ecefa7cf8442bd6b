//! `PUT /users/me/blocks/{user}`: no conversations of two with them from now on, no mentions by them, and neither sees whether the other is
//! there.

use actix_web::{HttpResponse, web};
use domain::user::Command;

use crate::{app::App, http::path, ops::people, problem::Problem, request::Call};

pub(crate) async fn block(app: web::Data<App>, call: Call, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let user = path::user(&path)?;
    people::registered(&app, user).await?;
    people::change_block(&app, &call, user, Command::Block { user }).await
}
