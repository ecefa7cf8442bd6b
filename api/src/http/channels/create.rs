//! `POST /channels`: opens a direct conversation or makes a group.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::{
        self, Ack,
        channels::{Conversation, Creation},
        overview,
    },
    problem::Problem,
    render::{Written, answers},
    request::{Call, Json},
};

pub(crate) async fn create(app: web::Data<App>, call: Call, body: Json<Conversation>) -> Result<HttpResponse, Problem> {
    let creation = body.0.into_creation(call.who.user)?;
    carry_out(&app, &call, creation).await
}

/// Creates a channel and shows it, as its own stream has it, since views follow later.
pub(super) async fn carry_out(app: &App, call: &Call, creation: Creation) -> Result<HttpResponse, Problem> {
    let Ack {
        channel, pos, replayed, ..
    } = ops::create_channel(app, creation, call.caller()).await?.answer.await?;
    let thing = overview::of_channel(app, call.who.user, channel).await?;
    Ok(answers::written(
        replayed,
        &pos,
        &Written {
            thing,
            pos: pos.clone(),
            replayed,
        },
    ))
}
