//! `POST /spaces`: makes a space that the caller owns.

use actix_web::{HttpResponse, web};
use domain::{SpaceId, owned_id};

use crate::{
    app::App,
    ops::{
        access,
        spaces::{self, Create},
    },
    problem::Problem,
    render::{Space, Written, answers},
    request::{Call, Json},
};

pub(crate) async fn create(app: web::Data<App>, call: Call, body: Json<Create>) -> Result<HttpResponse, Problem> {
    let by = call.who.user;
    let id = SpaceId::from(owned_id("space", by, call.key.as_str()));
    let command = body.0.into_command()?;
    spaces::room_for(&app, by, id, &call.caller()).await?;
    let ack = spaces::carry_out(&app, id, command, call.caller()).await?;
    let thing = access::look_at_space(&app, by, id, move |open, role| Space::of_state(id, open, role)).await?;
    let (pos, replayed) = (ack.pos, ack.replayed);
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
