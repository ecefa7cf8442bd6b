//! `PUT /channels/{id}/read`: everything up to a seq was read. Marks only rise.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::inbox::{self, MarkRead},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn mark_read(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    body: Json<MarkRead>,
) -> Result<HttpResponse, Problem> {
    let marked = inbox::mark_read(&app, &call, path::channel(&path)?, body.0.seq).await?;
    Ok(answers::set(&marked.pos, &marked))
}
