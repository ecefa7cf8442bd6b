//! `POST /reports`: says that a message or a person in a channel breaks the rules.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::reports::{self, Make},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn make(app: web::Data<App>, call: Call, body: Json<Make>) -> Result<HttpResponse, Problem> {
    let ack = reports::make(&app, body.0, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
