//! What the timeline knows beside its pages: what is pinned, and where the earlier words of a message stand.

use chrono::{DateTime, Utc};
use domain::{ChannelId, MessageId, UserId};

use super::{Timeline, TimelineMessage};
use crate::{ViewError, columns};

impl Timeline {
    /// What is pinned, the newest pin first.
    pub async fn pins(
        &self,
        reader: UserId,
        channel: ChannelId,
        limit: usize,
    ) -> Result<Vec<TimelineMessage>, ViewError> {
        let mut tx = self.reads.current().begin().await?;
        let rows = sqlx::query(include_str!("pins.sql"))
            .bind(columns::blob(channel.uuid()))
            .bind(columns::integer(limit as u64))
            .fetch_all(&mut *tx)
            .await?;
        let ids = rows.iter().map(|row| columns::id(row, "message"));
        let ids = ids.collect::<sqlx::Result<Vec<MessageId>>>()?;
        super::these(&mut tx, reader, channel, &ids).await
    }

    /// The later versions of a message below `before`, newest first: where their words stand in the stream. The first stands at the
    /// message's own seq.
    pub async fn revisions(
        &self,
        channel: ChannelId,
        message: MessageId,
        before: u32,
        limit: usize,
    ) -> Result<Vec<Revision>, ViewError> {
        let rows = sqlx::query(include_str!("revisions.sql"))
            .bind(columns::blob(channel.uuid()))
            .bind(columns::blob(message.uuid()))
            .bind(i64::from(before))
            .bind(columns::integer(limit as u64))
            .fetch_all(&self.reads.current())
            .await?;
        let revision = |row| -> sqlx::Result<Revision> {
            Ok(Revision {
                version: columns::number(row, "version")?,
                seq: columns::number(row, "seq")?,
                at: columns::time(row, "at")?,
            })
        };
        Ok(rows.iter().map(revision).collect::<sqlx::Result<_>>()?)
    }
}

/// Where the words of one version of a message stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    pub version: u16,
    pub seq: u64,
    pub at: DateTime<Utc>,
}
