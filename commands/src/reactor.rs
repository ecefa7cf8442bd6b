//! Follow-ups of events: whoever leaves a space or is removed or banned from it is removed from its channels, and so is whoever was brought
//! into one of them at that moment. The follower has a checkpoint of its
//! own that starts where it was first switched on, and its commands carry the cause's id as key, so repeating is harmless.

use std::{sync::Arc, time::Duration};

use domain::{
    Actor, ChannelId, Coded, Decider, IdempotencyKey, SpaceId, UserId,
    channel::{self, Channel, Rejection},
    space::Space,
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

/// Removes people from the channels of the spaces they are not in.
pub struct SpaceExits {
    pub log: Arc<dyn EventLog>,
    pub channels: Sequencers<Channel>,
    pub spaces: Sequencers<Space>,
    pub memberships: Arc<dyn SpaceChannels>,
    pub checkpoints: Arc<dyn Checkpoints>,
}

/// The name under which the checkpoint is kept.
const NAME: &str = "space-exits";
/// Wait before a failed follow-up is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The checkpoint is stored at least after this many events without an exit; repeating them costs nothing but reading.
const CHECKPOINT_EVENTS: u64 = 10_000;

/// What is followed up.
enum Cause {
    Exit(SpaceExit),
    Entry { channel: ChannelId, user: UserId },
}

impl Cause {
    fn of(recorded: &Recorded) -> Option<Self> {
        if recorded.stream.category() != Channel::CATEGORY {
            return SpaceExit::of(recorded).map(Self::Exit);
        }
        let event = &recorded.event;
        match channel::Event::decode(&event.kind, event.version, &event.payload).ok()? {
            channel::Event::MemberAdded(added) => Some(Self::Entry {
                channel: recorded.stream.id()?.into(),
                user: added.user,
            }),
            _ => None,
        }
    }
}

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
            let causes: Vec<_> = batch
                .events
                .iter()
                .filter_map(|cause| Some((Cause::of(cause)?, cause)))
                .collect();
            for (what, cause) in &causes {
                self.follow_until_done(what, cause).await;
            }
            if !causes.is_empty() || batch.scanned_to - stored >= CHECKPOINT_EVENTS {
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

    async fn follow_until_done(&self, what: &Cause, cause: &Recorded) {
        loop {
            let done = match what {
                Cause::Exit(exit) => self.follow(exit, cause).await,
                Cause::Entry { channel, user } => self.look_at_entry(*channel, *user, cause).await,
            };
            let Err(error) = done else { return };
            self.pause("Channel memberships cannot follow those of spaces", &error)
                .await;
        }
    }

    async fn follow(&self, exit: &SpaceExit, cause: &Recorded) -> Result<(), PortFailure> {
        let mut failed = None;
        for channel in self.memberships.of(exit.space, exit.user, exit.position).await? {
            if let Err(error) = self.remove(channel, exit.user, cause).await {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Who was brought into a channel while they were put out of its space: the channel had asked before, and nobody would look again.
    async fn look_at_entry(&self, channel: ChannelId, user: UserId, cause: &Recorded) -> Result<(), PortFailure> {
        let space = self
            .channels
            .read(channel.uuid(), |view| view.state.open().and_then(|open| open.space));
        let space = match space.await {
            Ok(Some(space)) => space,
            Ok(None) | Err(Unavailable::Unreadable) => return Ok(()),
            Err(error) => return Err(PortFailure(error.to_string())),
        };
        let is_in = self
            .spaces
            .read(space.uuid(), move |view| view.state.role(user).is_some());
        match is_in.await {
            Ok(true) | Err(Unavailable::Unreadable) => Ok(()),
            Ok(false) => self.remove(channel, user, cause).await,
            Err(error) => Err(PortFailure(error.to_string())),
        }
    }

    /// Whoever is out has lost every right in the channels with the space itself, so a channel whose stream is damaged is left as it is:
    /// it must not keep the others, and all exits after this one, waiting for ever.
    async fn remove(&self, channel: ChannelId, user: UserId, cause: &Recorded) -> Result<(), PortFailure> {
        let command = channel::Command::RemoveMember { user, reason: None };
        match self.channels.execute(channel.uuid(), command, caused_by(cause)).await {
            // Out of the channel already is as good.
            Ok(_) | Err(CommandError::Rejected(Rejection::NoSuchMember | Rejection::NotFound)) => Ok(()),
            Err(CommandError::Unavailable(Unavailable::Unreadable)) => {
                tracing::warn!(channel.id = %channel, "A channel that cannot be read does not follow a space exit");
                Ok(())
            }
            Err(error) => Err(PortFailure(error.to_string())),
        }
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
