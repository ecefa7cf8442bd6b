//! Notifications: what calls a person, newest first: answers to what they said, direct messages, mentions, and being brought somewhere by
//! somebody else. It holds ids only; the words are in the timeline, and whether they may be seen is asked by whoever reads.

use chrono::{DateTime, Utc};
use domain::{Actor, ChannelId, MessageId, SpaceId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;

use crate::{Listing, ViewError, columns, reads::Reads};

mod fold;

pub(crate) use fold::NOTIFICATIONS;

/// Why somebody is called. A message that has several reasons calls once, by the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It answers a message of theirs.
    Reply,
    /// It was said in a direct conversation.
    Direct,
    Mention,
    /// Somebody else brought them into a space or a channel.
    Invite,
}

/// Something that calls a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Of the event that calls them.
    pub position: u64,
    pub kind: Kind,
    pub at: DateTime<Utc>,
    pub by: Actor,
    pub space: Option<SpaceId>,
    /// Nothing for an invite to a space.
    pub channel: Option<ChannelId>,
    /// Nothing for an invite.
    pub message: Option<MessageId>,
}

/// The queries of the notifications.
#[derive(Debug, Clone)]
pub struct Notifications {
    reads: Reads,
}

impl Notifications {
    pub(crate) fn new(reads: Reads) -> Self {
        Self { reads }
    }

    /// What calls `user` between two positions, both left out, newest first. Deleted messages and people one has blocked call nobody.
    pub async fn between(
        &self,
        user: UserId,
        (above, below): (u64, u64),
        limit: usize,
    ) -> Result<Listing<Notification>, ViewError> {
        let rows = sqlx::query(include_str!("notifications/between.sql"))
            .bind(columns::blob(user.uuid()))
            .bind(columns::integer(below))
            .bind(columns::integer(above))
            .bind(Listing::<Notification>::rows_wanted(limit))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(Listing::of(rows.iter().map(notification), limit)?)
    }

    /// The position up to which `user` has seen theirs.
    pub async fn mark(&self, user: UserId) -> Result<u64, ViewError> {
        let row = sqlx::query(include_str!("notifications/mark.sql"))
            .bind(columns::blob(user.uuid()))
            .fetch_optional(&self.reads.current())
            .await?;
        Ok(row.map_or(Ok(0), |row| columns::number(&row, "up_to"))?)
    }
}

fn notification(row: &SqliteRow) -> sqlx::Result<Notification> {
    Ok(Notification {
        position: columns::number(row, "position")?,
        kind: columns::word(row, "kind")?,
        at: columns::time(row, "at")?,
        by: columns::actor(row, "by")?,
        space: columns::optional_id(row, "space")?,
        channel: columns::optional_id(row, "channel")?,
        message: columns::optional_id(row, "message")?,
    })
}
