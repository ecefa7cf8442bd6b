//! `POST /spaces/{id}/invites`: makes an invite. Its code is in this answer and nowhere else.

use actix_web::{HttpResponse, web};
use domain::InviteId;
use serde::Serialize;

use crate::{
    app::App,
    http::path,
    ops::invites::{self, Create},
    problem::Problem,
    render::answers,
    request::{Call, JsonIfAny},
};

#[derive(Serialize)]
struct Made<'a> {
    id: InviteId,
    code: &'a str,
    pos: &'a str,
    replayed: bool,
}

pub(crate) async fn create(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
    body: JsonIfAny<Create>,
) -> Result<HttpResponse, Problem> {
    let terms = body.0.into_terms()?;
    let (id, code, ack) = invites::create(&app, path::space(&path)?, terms, &call).await?;
    let made = Made {
        id,
        code: code.text(),
        pos: &ack.pos,
        replayed: ack.replayed,
    };
    Ok(answers::written(ack.replayed, &ack.pos, &made))
}
