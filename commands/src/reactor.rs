//! Follow-ups of events: whoever leaves a space or is removed or banned from it is removed from its channels. The follower has a checkpoint of its
//! own that starts where it was first switched on, and its commands carry the cause's id as key, so repeating is harmless.

use std::{sync::Arc, time::Duration};

use domain::{
    Actor, ChannelId, IdempotencyKey, SpaceId, UserId,
    channel::{self, Channel, Rejection},
};
use event_store::{EventLog, Recorded};

use crate::{Caller, CommandError, Sequencers, SpaceExit, Unavailable};

/// A port of the follower did not answer; the text is for the log line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PortFailure(pub String);

/// Which channels of a space a person is in; answered from a view that has seen the log up to `at`.
#[async_trait::async_trait]
pub trait SpaceChannels: Send + Sync {
    async fn of(&self, space: SpaceId, user: UserId, at: u64) -> Result<Vec<ChannelId>, PortFailure>;
}

/// Where a follower left off; kept outside the views, so that no rebuild repeats a follow-up.
#[async_trait::async_trait]
pub trait Checkpoints: Send + Sync {
    /// `None` before the first store.
    async fn load(&self, reactor: &str) -> Result<Option<u64>, PortFailure>;
    async fn store(&self, reactor: &str, position: u64) -> Result<(), PortFailure>;
}

/// Removes people from the channels of the spaces they are no longer in.
pub struct SpaceExits {
    pub log: Arc<dyn EventLog>,
    pub channels: Sequencers<Channel>,
    pub memberships: Arc<dyn SpaceChannels>,
    pub checkpoints: Arc<dyn Checkpoints>,
}

/// The name under which the checkpoint is kept.
const NAME: &str = "space-exits";
/// Wait before a failed follow-up is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The checkpoint is stored at least after this many events without an exit; repeating them costs nothing but reading.
const CHECKPOINT_EVENTS: u64 = 10_000;

impl SpaceExits {
    /// Notes where following starts, unless it is known already. To be called before anybody can write: what happened before is not
    /// followed up, what happens from then on is, however late [`Self::run`] gets its turn.
    pub async fn begin(&self) -> Result<(), PortFailure> {
        self.start().await.map(|_position| ())
    }

    /// Follows the log for ever. Failures are logged and tried again; nothing is skipped.
    pub async fn run(self) {
        let start = loop {
            match self.start().await {
                Ok(position) => break position,
                Err(error) => self.pause("Space exits cannot start", &error).await,
            }
        };
        let mut tail = Arc::clone(&self.log).tail(start);
        let mut stored = start;
        loop {
            let batch = match tail.next().await {
                Ok(batch) => batch,
                Err(error) => {
                    self.pause("Space exits cannot read the log", &PortFailure(error.to_string()))
                        .await;
                    continue;
                }
            };
            for place in &batch.damaged {
                let (position, stream) = (
                    place.position,
                    place.stream.as_ref().map_or("?", |stream| stream.as_str()),
                );
                tracing::error!(
                    position,
                    stream,
                    "Channel memberships pass over what cannot be read in {stream}"
                );
            }
            let exits: Vec<_> = batch
                .events
                .iter()
                .filter_map(|cause| Some((SpaceExit::of(cause)?, cause)))
                .collect();
            for (exit, cause) in &exits {
                self.follow_until_done(exit, cause).await;
            }
            if !exits.is_empty() || batch.scanned_to - stored >= CHECKPOINT_EVENTS {
                match self.checkpoints.store(NAME, batch.scanned_to).await {
                    Ok(()) => stored = batch.scanned_to,
                    Err(error) => tracing::warn!(%error, "Checkpoint of {NAME} cannot be stored"),
                }
            }
        }
    }

    /// The stored checkpoint, or the head of the log when there is none: what happened before is not followed up.
    async fn start(&self) -> Result<u64, PortFailure> {
        if let Some(position) = self.checkpoints.load(NAME).await? {
            return Ok(position);
        }
        let head = self.log.head().await.map_err(|error| PortFailure(error.to_string()))?;
        self.checkpoints.store(NAME, head.position).await?;
        Ok(head.position)
    }

    async fn follow_until_done(&self, exit: &SpaceExit, cause: &Recorded) {
        while let Err(error) = self.follow(exit, cause).await {
            self.pause("Channel memberships cannot follow a space exit", &error)
                .await;
        }
    }

    /// Whoever is out has lost every right in the channels with the space itself, so a channel whose stream is damaged is left as it is:
    /// it must not keep the others, and all exits after this one, waiting for ever.
    async fn follow(&self, exit: &SpaceExit, cause: &Recorded) -> Result<(), PortFailure> {
        let mut failed = None;
        for channel in self.memberships.of(exit.space, exit.user, exit.position).await? {
            let command = channel::Command::RemoveMember {
                user: exit.user,
                reason: None,
            };
            match self.channels.execute(channel.uuid(), command, caused_by(cause)).await {
                // Out of the channel already is as good.
                Ok(_) | Err(CommandError::Rejected(Rejection::NoSuchMember | Rejection::NotFound)) => {}
                Err(CommandError::Unavailable(Unavailable::Unreadable)) => {
                    tracing::warn!(channel.id = %channel, "A channel that cannot be read does not follow a space exit");
                }
                Err(error) => failed = Some(PortFailure(error.to_string())),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn pause(&self, what: &str, error: &PortFailure) {
        tracing::warn!(%error, "{what}");
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

fn caused_by(cause: &Recorded) -> Caller {
    Caller {
        actor: Actor::System,
        acting_as: None,
        key: IdempotencyKey::parse(&format!("after:{}", cause.event.id.simple()))
            .expect("a word and a UUID are 38 visible ASCII characters"),
        request_id: cause.event.request_id,
        at: cause.event.recorded_at,
    }
}
