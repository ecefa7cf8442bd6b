//! The feeds: top-level messages of the channels of spaces, newest, best voted or hottest first, as the ranking was at any position of the
//! log that is not too far back. So the pages of a walk show one ranking, whatever is voted and said meanwhile.
//!
//! **Hot** is a pure function of the log: the time of sending, and what its votes are worth in time. `hot = at + sign(score) * 12.5 h *
//! log10(max(|score|, 1))`, in microseconds, where `score` is up less down. It changes with votes alone, so nothing recomputes it as time
//! goes by: what is newer starts higher. The formula is the one that reddit published (`r2/lib/db/_sorts.pyx`, `_hot`), multiplied by its
//! 45,000 seconds so that whole numbers do; log10 comes from the table `feed_bonus`, whose lines between its points are at most 3 % of
//! one power of ten below the curve. No floating point number is stored or compared, so that every engine ranks alike.

use domain::{ChannelId, MessageId, SpaceId, UserId};
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

use crate::{ViewError, columns, reads::Reads};

mod fold;

pub(crate) use fold::FEED;

/// Channels whose entries make up one feed: those joined last.
pub const FEED_CHANNELS_MAX: usize = 1_000;
/// Entries that one question about all open channels looks at. Beyond them the next page goes on.
const ENTRIES_LOOKED_AT_MAX: u64 = 5_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    New,
    Top,
    Hot,
}

/// Whose entries are ranked.
#[derive(Debug, Clone)]
pub enum Among {
    These(Vec<ChannelId>),
    /// Those of public channels whose history is open to all, in spaces that anyone may join.
    Open,
}

/// A place in a ranking; entries follow each other downwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub rank: i64,
    pub position: u64,
}

impl Place {
    /// Above everything.
    pub const TOP: Self = Self {
        rank: i64::MAX,
        position: i64::MAX as u64,
    };
}

/// An entry, with the place it had at the position that was asked for, and its numbers as they are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub place: Place,
    pub channel: ChannelId,
    pub message: MessageId,
    pub score: i64,
    pub hot: i64,
    pub comments: u64,
}

/// Entries in order, and how far down was looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    pub entries: Vec<Entry>,
    /// Everything above it was looked at, itself included; nothing when that is all there is.
    pub looked_to: Option<Place>,
}

/// The queries of the feeds.
#[derive(Debug, Clone)]
pub struct Feed {
    reads: Reads,
}

impl Feed {
    pub(crate) fn new(reads: Reads) -> Self {
        Self { reads }
    }

    /// The channels of spaces, or of one space, that `user` was in at `as_of` and has not left since; at most [`FEED_CHANNELS_MAX`].
    pub async fn channels_of(
        &self,
        user: UserId,
        space: Option<SpaceId>,
        as_of: u64,
    ) -> Result<Vec<ChannelId>, ViewError> {
        let rows = sqlx::query(include_str!("feed/channels_of.sql"))
            .bind(columns::blob(user.uuid()))
            .bind(columns::integer(as_of))
            .bind(space.map(|space| columns::blob(space.uuid())))
            .bind(columns::integer(FEED_CHANNELS_MAX as u64))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(rows
            .iter()
            .map(|row| columns::id(row, "channel"))
            .collect::<sqlx::Result<_>>()?)
    }

    /// At most `limit` entries below `below`, ranked as at `as_of`; nothing when that is too far back to be told.
    pub async fn ranking(
        &self,
        among: &Among,
        sort: Sort,
        as_of: u64,
        below: Place,
        limit: usize,
    ) -> Result<Option<Ranking>, ViewError> {
        let reads = self.reads.current();
        let boundary = match among {
            Among::These(_) => None,
            Among::Open => boundary(&reads, sort, below).await?,
        };
        let channels = match among {
            Among::These(channels) => {
                let channels: Vec<_> = channels.iter().map(|channel| columns::Hex(channel.uuid())).collect();
                Some(columns::to_json(&channels))
            }
            Among::Open => None,
        };
        let mut entries = unchanged(&reads, channels.as_deref(), (sort, as_of), (below, boundary), limit).await?;
        let changed = sqlx::query(sort.changed())
            .bind(channels)
            .bind(below.rank)
            .bind(columns::integer(below.position))
            .bind(columns::integer(as_of))
            .bind(columns::integer(limit as u64))
            .fetch_all(&reads)
            .await?;
        // Asked last: a change that was forgotten while we read would be missing.
        if horizon(&reads).await? > as_of {
            return Ok(None);
        }
        let in_reach = |entry: &Entry| boundary.is_none_or(|boundary| entry.place >= boundary);
        for row in &changed {
            entries.extend(Some(entry(row)?).filter(in_reach));
        }
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.place));
        // One that changed between the two questions is in both answers, at the same place.
        entries.dedup_by_key(|entry| entry.place);
        entries.truncate(limit);
        let last = entries
            .last()
            .filter(|_| entries.len() == limit)
            .map(|entry| entry.place);
        Ok(Some(Ranking {
            looked_to: last.or(boundary),
            entries,
        }))
    }

    /// What `user` voted on entries, by their positions: 1 up, -1 down.
    pub async fn votes_of(&self, user: UserId, entries: &[Entry]) -> Result<Vec<(u64, i64)>, ViewError> {
        let positions: Vec<u64> = entries.iter().map(|entry| entry.place.position).collect();
        let rows = sqlx::query(include_str!("feed/votes_of.sql"))
            .bind(columns::blob(user.uuid()))
            .bind(columns::to_json(&positions))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(rows
            .iter()
            .map(|row| Ok((columns::number(row, "entry")?, row.try_get("vote")?)))
            .collect::<sqlx::Result<_>>()?)
    }
}

impl Sort {
    fn in_channels(self) -> &'static str {
        match self {
            Self::New => include_str!("feed/ranked_in_channels_new.sql"),
            Self::Top => include_str!("feed/ranked_in_channels_top.sql"),
            Self::Hot => include_str!("feed/ranked_in_channels_hot.sql"),
        }
    }

    fn everywhere(self) -> &'static str {
        match self {
            Self::New => include_str!("feed/ranked_everywhere_new.sql"),
            Self::Top => include_str!("feed/ranked_everywhere_top.sql"),
            Self::Hot => include_str!("feed/ranked_everywhere_hot.sql"),
        }
    }

    fn changed(self) -> &'static str {
        match self {
            Self::New => include_str!("feed/changed_new.sql"),
            Self::Top => include_str!("feed/changed_top.sql"),
            Self::Hot => include_str!("feed/changed_hot.sql"),
        }
    }

    fn boundary(self) -> &'static str {
        match self {
            Self::New => include_str!("feed/boundary_new.sql"),
            Self::Top => include_str!("feed/boundary_top.sql"),
            Self::Hot => include_str!("feed/boundary_hot.sql"),
        }
    }
}

async fn unchanged(
    reads: &SqlitePool,
    channels: Option<&str>,
    (sort, as_of): (Sort, u64),
    (below, boundary): (Place, Option<Place>),
    limit: usize,
) -> Result<Vec<Entry>, ViewError> {
    let rows = match channels {
        Some(channels) => {
            sqlx::query(sort.in_channels())
                .bind(channels)
                .bind(below.rank)
                .bind(columns::integer(below.position))
                .bind(columns::integer(as_of))
                .bind(columns::integer(limit as u64))
                .fetch_all(reads)
                .await?
        }
        None => {
            let bottom = Place {
                rank: i64::MIN,
                position: 0,
            };
            let boundary = boundary.unwrap_or(bottom);
            sqlx::query(sort.everywhere())
                .bind(None::<&str>)
                .bind(below.rank)
                .bind(columns::integer(below.position))
                .bind(columns::integer(as_of))
                .bind(boundary.rank)
                .bind(columns::integer(boundary.position))
                .bind(columns::integer(limit as u64))
                .fetch_all(reads)
                .await?
        }
    };
    Ok(rows.iter().map(entry).collect::<sqlx::Result<_>>()?)
}

/// The last entry that is looked at, where there are too many.
async fn boundary(reads: &SqlitePool, sort: Sort, below: Place) -> Result<Option<Place>, ViewError> {
    let row = sqlx::query(sort.boundary())
        .bind(None::<&str>)
        .bind(below.rank)
        .bind(columns::integer(below.position))
        .bind(columns::integer(ENTRIES_LOOKED_AT_MAX))
        .fetch_optional(reads)
        .await?;
    Ok(row.as_ref().map(place).transpose()?)
}

/// Rankings as of positions before it cannot be told any more.
async fn horizon(reads: &SqlitePool) -> Result<u64, ViewError> {
    let row = sqlx::query(include_str!("feed/horizon.sql"))
        .fetch_optional(reads)
        .await?;
    Ok(row.map_or(Ok(0), |row| columns::number(&row, "position"))?)
}

fn place(row: &SqliteRow) -> sqlx::Result<Place> {
    Ok(Place {
        rank: row.try_get("rank")?,
        position: columns::number(row, "position")?,
    })
}

fn entry(row: &SqliteRow) -> sqlx::Result<Entry> {
    Ok(Entry {
        place: place(row)?,
        channel: columns::id(row, "channel")?,
        message: columns::id(row, "id")?,
        score: row.try_get("score")?,
        hot: row.try_get("hot")?,
        comments: columns::number(row, "comments")?,
    })
}
