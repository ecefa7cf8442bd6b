//! Marking a channel as read at once, as HTTP does; marks from sockets are coalesced in `commands` instead.

use commands::Caller;
use domain::{Actor, ChannelId, IdempotencyKey, inbox::Command};
use serde::{Deserialize, Serialize};

use super::access;
use crate::{
    app::App,
    problem::{Problem, codes},
    request::Call,
};

/// `PUT /channels/{id}/read`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkRead {
    pub(crate) seq: u64,
}

/// How far the person has read now.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Marked {
    pub(crate) channel: ChannelId,
    pub(crate) read: u64,
    pub(crate) pos: String,
    pub(crate) replayed: bool,
}

pub(crate) async fn mark_read(app: &App, call: &Call, channel: ChannelId, seq: u64) -> Result<Marked, Problem> {
    let user = call.who.user;
    let access = access::reader(app, user, channel).await?;
    if seq > access.top {
        return Err(Problem::new(&codes::ACK_AHEAD).detail(format!("the channel ends at seq {}", access.top)));
    }
    let caller = Caller {
        actor: Actor::User(user),
        acting_as: None,
        key: key_of(channel, seq),
        request_id: call.request_id,
        at: crate::request::now(),
    };
    let outcome = app
        .commands
        .inboxes
        .execute(user.uuid(), Command::MarkRead { channel, seq }, caller)
        .await?;
    let read = app
        .commands
        .inboxes
        .read(user.uuid(), move |view| view.state.marks(channel).read)
        .await?;
    let pos = app.pos(outcome.position).to_string();
    Ok(Marked {
        channel,
        read,
        pos,
        replayed: outcome.replayed || outcome.events.is_empty(),
    })
}

/// The mark itself is the key, as it is for marks from sockets: marks only rise, so the same one again is the same command.
fn key_of(channel: ChannelId, seq: u64) -> IdempotencyKey {
    IdempotencyKey::parse(&format!("read:{}:{seq}", channel.uuid().simple()))
        .expect("a word, a UUID and a number of at most 20 digits are 58 visible ASCII characters or fewer")
}
