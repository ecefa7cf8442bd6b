//! Leaving: the one command that people may repeat when they are out already. Its answer then tells what they knew when they left and
//! nothing of what came after; removing oneself, on the other hand, is for members only.

use std::sync::Arc;

use commands::{Sequencers, Unavailable};
use domain::{
    ChannelId, UserId,
    channel::{Channel, Standing},
};
use event_store::{EventLog, Identity};
use futures_util::FutureExt;

use super::{Ack, Submitted, access::no_such_channel};
use crate::{app::App, position::Pos, problem::Problem, request};

/// What it takes to answer someone who left before.
pub(super) struct Farewell {
    channels: Sequencers<Channel>,
    log: Arc<dyn EventLog>,
    identity: Identity,
    user: UserId,
}

impl Farewell {
    pub(super) fn new(app: &App, user: UserId) -> Self {
        Self {
            channels: app.commands.channels.clone(),
            log: Arc::clone(&app.log),
            identity: app.identity,
            user,
        }
    }

    /// The end of the log as position, since the channel's own would tell that something happened there.
    pub(super) async fn again(self, channel: ChannelId) -> Result<Ack, Problem> {
        let user = self.user;
        let standing = self.channels.read(channel.uuid(), move |view| {
            view.state.open().and_then(|open| open.standing(user))
        });
        let seq = match standing.await? {
            Some(Standing::Former { at, .. }) => at,
            Some(Standing::Member { .. }) | None => return Err(no_such_channel()),
        };
        Ok(Ack {
            seq,
            event: None,
            message: None,
            channel,
            pos: Pos::new(self.identity, head(&*self.log).await?).to_string(),
            at: request::now(),
            replayed: true,
        })
    }
}

/// The newest position of the whole log.
pub(super) async fn head(log: &dyn EventLog) -> Result<u64, Problem> {
    let head = log.head().await.map_err(Unavailable::from)?;
    Ok(head.position)
}

/// Whoever is out already has nobody to remove: to them the channel does not exist.
pub(super) fn for_members_only(submitted: Submitted) -> Submitted {
    let answer = submitted.answer.map(|told| match told {
        Ok(ack) if ack.event.is_none() => Err(no_such_channel()),
        told => told,
    });
    Submitted { answer: answer.boxed() }
}
