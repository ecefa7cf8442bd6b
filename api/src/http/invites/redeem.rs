//! `POST /invites/redeem`: comes into a space by an invite, its code in the body, where no log of any proxy sees it.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::invites::{self, Redeem},
    problem::Problem,
    render::answers,
    request::{Call, Json},
};

pub(crate) async fn redeem(app: web::Data<App>, call: Call, body: Json<Redeem>) -> Result<HttpResponse, Problem> {
    let ack = invites::redeem(&app, &body.0.code, &call).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
