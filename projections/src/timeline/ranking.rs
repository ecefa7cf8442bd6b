//! Comments as a tree, ranked as it stood at a seq of the channel. That tree never changes any more, so a place in it is a number: pages
//! meet without holes or doubles whatever is voted or said meanwhile. What is deleted keeps its place and is not shown.

use domain::{ChannelId, MessageId, UserId};
use sqlx::SqliteConnection;

use super::{Timeline, TimelineMessage};
use crate::{ViewError, columns};

/// Siblings by what stands first among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranking {
    /// The newest.
    New,
    /// The one with the most votes, and of equal ones the oldest.
    Top,
}

/// Where a walk through a ranking goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The seq of the channel as of which it is ranked.
    pub as_of: u64,
    /// How many comments, deleted ones included, come before.
    pub behind: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comments {
    Page {
        /// What answers stands behind what it answers.
        items: Vec<TimelineMessage>,
        next: Option<Place>,
    },
    /// The ranking as of that seq is not known any more.
    Forgotten,
}

impl Timeline {
    /// The comments below `parent`, a post or a comment; from the start as they stand now.
    pub async fn comments(
        &self,
        reader: UserId,
        channel: ChannelId,
        parent: MessageId,
        ranking: Ranking,
        from: Option<Place>,
        limit: usize,
    ) -> Result<Comments, ViewError> {
        let mut tx = self.reads.current().begin().await?;
        let (top, horizon) = reach(&mut tx, channel).await?;
        let place = from.unwrap_or(Place { as_of: top, behind: 0 });
        if ranking == Ranking::Top && place.as_of < horizon {
            return Ok(Comments::Forgotten);
        }
        let mut ids = ranked(&mut tx, channel, parent, ranking, place, limit + 1).await?;
        let next = (ids.len() > limit).then_some(Place {
            behind: place.behind + limit as u64,
            ..place
        });
        ids.truncate(limit);
        let mut items = super::these(&mut tx, reader, channel, &ids).await?;
        items.retain(|item| !item.deleted);
        Ok(Comments::Page { items, next })
    }
}

/// Up to where the channel is folded, and from where on rankings are known.
async fn reach(db: &mut SqliteConnection, channel: ChannelId) -> Result<(u64, u64), ViewError> {
    let row = sqlx::query(include_str!("reach.sql"))
        .bind(columns::blob(channel.uuid()))
        .fetch_one(db)
        .await?;
    Ok((columns::number(&row, "top")?, columns::number(&row, "horizon")?))
}

async fn ranked(
    db: &mut SqliteConnection,
    channel: ChannelId,
    parent: MessageId,
    ranking: Ranking,
    place: Place,
    limit: usize,
) -> Result<Vec<MessageId>, ViewError> {
    let sql = match ranking {
        Ranking::New => include_str!("comments_by_age.sql"),
        Ranking::Top => include_str!("comments_by_score.sql"),
    };
    let rows = sqlx::query(sql)
        .bind(columns::blob(channel.uuid()))
        .bind(columns::blob(parent.uuid()))
        .bind(columns::integer(place.as_of))
        .bind(columns::integer(limit as u64))
        .bind(columns::integer(place.behind))
        .fetch_all(db)
        .await?;
    let ids = rows.iter().map(|row| columns::id(row, "id"));
    Ok(ids.collect::<sqlx::Result<_>>()?)
}
