//! `PUT /notifications/read`: everything up to a position was seen. The mark only rises.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::notifications::{self, MarkRead},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn mark_read(app: web::Data<App>, call: Call, body: Json<MarkRead>) -> Result<HttpResponse, Problem> {
    let marked = notifications::mark_read(&app, &call, body.0).await?;
    Ok(answers::set(&marked.pos, &marked))
}
