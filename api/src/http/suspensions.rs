//! Locking people out of the whole service and letting them in again: acts of operators, each with its reason.

mod reinstate;
mod suspend;

use commands::Outcome;
use domain::UserId;
use serde::Serialize;

pub(crate) use reinstate::reinstate;
pub(crate) use suspend::suspend;

use crate::app::App;

#[derive(Serialize)]
struct Ack {
    user: UserId,
    pos: String,
    replayed: bool,
}

impl Ack {
    fn of(app: &App, user: UserId, outcome: &Outcome) -> Self {
        Self {
            user,
            pos: app.pos(outcome.position).to_string(),
            replayed: outcome.replayed || outcome.events.is_empty(),
        }
    }
}
