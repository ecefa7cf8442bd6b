//! What the follower of space exits asks for: where it left off, from the service database, and who is in which channel, from the views.

use std::time::Duration;

use commands::{Checkpoints, PortFailure, SpaceChannels};
use domain::{ChannelId, SpaceId, UserId};
use event_store::Identity;
use projections::Views;
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
