//! What those who follow the log ask for: where they left off, from the service database, who is in which channel, from the views, and
//! which messages are deleted, from the channels' own states.

use std::{collections::HashSet, time::Duration};

use commands::{Checkpoints, PortFailure, Sequencers, SpaceChannels};
use domain::{ChannelId, MessageId, SpaceId, UserId, channel::Channel};
use event_store::Identity;
use projections::{Views, live::Deletions};
use sqlx::{Row, SqlitePool};

/// How long one question waits for the views; the follower asks again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Positions by name of the follower, in the service database, each bound to the log it is a position of.
pub(super) struct StoredCheckpoints {
    pool: SqlitePool,
    log: Identity,
}

impl StoredCheckpoints {
    pub(super) fn new(pool: SqlitePool, log: Identity) -> Self {
        Self { pool, log }
    }
}

#[async_trait::async_trait]
impl Checkpoints for StoredCheckpoints {
    async fn load(&self, reactor: &str) -> Result<Option<u64>, PortFailure> {
        let row = sqlx::query(include_str!("following/load_checkpoint.sql"))
            .bind(reactor)
            .bind(self.log.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(failure)?;
        let position: Option<i64> = row.map(|row| row.try_get("position")).transpose().map_err(failure)?;
        Ok(position.map(i64::cast_unsigned))
    }

    async fn store(&self, reactor: &str, position: u64) -> Result<(), PortFailure> {
        let stored = sqlx::query(include_str!("following/store_checkpoint.sql"))
            .bind(reactor)
            .bind(self.log.to_string())
            .bind(position.cast_signed())
            .execute(&self.pool)
            .await;
        stored.map(|_| ()).map_err(failure)
    }
}

fn failure(error: sqlx::Error) -> PortFailure {
    PortFailure(error.to_string())
}

/// Memberships as the views show them, once they have come far enough.
pub(super) struct ViewedChannels(pub(super) Views);

#[async_trait::async_trait]
impl SpaceChannels for ViewedChannels {
    async fn of(&self, space: SpaceId, user: UserId, at: u64) -> Result<Vec<ChannelId>, PortFailure> {
        if !self.0.wait_for(at, PATIENCE).await {
            return Err(PortFailure("the views are behind".to_owned()));
        }
        self.0
            .channel_list
            .channels_in_space_of(space, user)
            .await
            .map_err(|error| PortFailure(error.to_string()))
    }
}

/// Deletions as the channels' own states know them, which is before any view or window does.
pub(super) struct StatedDeletions(pub(super) Sequencers<Channel>);

#[async_trait::async_trait]
impl Deletions for StatedDeletions {
    async fn among(&self, channel: ChannelId, mut messages: Vec<MessageId>) -> Option<HashSet<MessageId>> {
        let asked = self.0.read(channel.uuid(), move |view| {
            messages.retain(|message| view.state.open().is_some_and(|open| open.is_deleted(*message)));
            messages
        });
        Some(asked.await.ok()?.into_iter().collect())
    }
}
