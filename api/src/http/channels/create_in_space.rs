//! `POST /spaces/{id}/channels`: makes a channel in a space.

use actix_web::{HttpResponse, web};

use super::create;
use crate::{
    app::App,
    http::path,
    ops::channels::InSpace,
    problem::Problem,
    request::{Call, Json},
};

pub(crate) async fn create_in_space(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    body: Json<InSpace>,
) -> Result<HttpResponse, Problem> {
    let creation = body.0.into_creation(path::space(&path)?)?;
    create::carry_out(&app, &call, creation).await
}
