//! The timeline: one row per message of each channel, as it stands now. Membership changes are events, not messages, and the
//! live window of frames lives elsewhere.

use chrono::{DateTime, Utc};
use domain::{Actor, ChannelId, MessageId, UserId};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{ViewError, columns, reads::Reads};

mod fold;

pub(crate) use fold::TIMELINE;

/// A message as it stands now. A deleted one stays as a tombstone without words or mentions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineMessage {
    pub channel: ChannelId,
    pub seq: u64,
    pub id: MessageId,
    pub author: Actor,
    pub at: DateTime<Utc>,
    pub body: Option<String>,
    pub version: u16,
    pub edited_at: Option<DateTime<Utc>>,
    pub deleted: bool,
    pub reply_to: Option<MessageId>,
    pub mentions: Vec<UserId>,
}

/// Where a page lies. The seqs need not be those of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The newest messages.
    Latest,
    /// The newest messages below this seq.
    Before(u64),
    /// The oldest messages above this seq.
    After(u64),
    /// Messages on both sides of this seq, itself included; what one side lacks the other may fill.
    Around(u64),
}

/// Messages in seq order, and what is known to lie around them.
///
/// `lo..=hi` is the widest range of seqs in which the page has every message: `lo` is just above the nearest older message that is
/// not in the page, or the floor when there is none; `hi` is just below the nearest newer one, or the channel's top as folded when
/// there is none. So neighbouring pages meet without holes (`Before(lo)`, `After(hi)`), even where the seqs between are no messages.
/// When `lo > hi` the range is empty: the view has not reached the floor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelinePage {
    pub items: Vec<TimelineMessage>,
    pub lo: u64,
    pub hi: u64,
    /// No older message at or above the floor exists; `lo` is the floor.
    pub complete_before: bool,
    /// No newer message exists yet; `hi` is the channel's top.
    pub complete_after: bool,
}

/// The queries of the timeline.
#[derive(Debug, Clone)]
pub struct Timeline {
    reads: Reads,
}

impl Timeline {
    pub(crate) fn new(reads: Reads) -> Self {
        Self { reads }
    }

    /// At most `limit` messages from seq `floor` on (what the reader may see begins there; 1 is everything). A channel that is not
    /// known gives an empty page.
    pub async fn page(
        &self,
        channel: ChannelId,
        floor: u64,
        anchor: Anchor,
        limit: usize,
    ) -> Result<TimelinePage, ViewError> {
        let floor = floor.max(1);
        let reach = Reach::of(anchor, limit);
        let rows = sqlx::query(include_str!("timeline/page.sql"))
            .bind(columns::blob(channel.uuid()))
            .bind(columns::integer(floor))
            .bind(columns::integer(reach.pivot))
            .bind(columns::integer(reach.older as u64 + 1))
            .bind(columns::integer(reach.newer as u64 + 1))
            .fetch_all(&self.reads.current())
            .await?;
        let top = rows.first().map_or(Ok(0), |row| columns::number(row, "top"))?;
        // A page without messages still has one row, with the top and nothing else.
        let found = rows
            .iter()
            .filter(|row| !matches!(row.try_get::<Option<i64>, _>("seq"), Ok(None)));
        let messages = found
            .map(|row| message(channel, row))
            .collect::<sqlx::Result<Vec<_>>>()?;
        Ok(reach.page(messages, floor, top, limit))
    }

    /// One message, deleted or not.
    pub async fn message(&self, channel: ChannelId, id: MessageId) -> Result<Option<TimelineMessage>, ViewError> {
        let row = sqlx::query(include_str!("timeline/message.sql"))
            .bind(columns::blob(channel.uuid()))
            .bind(columns::blob(id.uuid()))
            .fetch_optional(&self.reads.current())
            .await?;
        Ok(row.map(|row| message(channel, &row)).transpose()?)
    }
}

/// How far a page may reach to both sides of its pivot: at most `older` messages below it and `newer` from it on. One more of each
/// is read, to know what lies beyond.
#[derive(Debug, Clone, Copy)]
struct Reach {
    pivot: u64,
    older: usize,
    newer: usize,
}

impl Reach {
    fn of(anchor: Anchor, limit: usize) -> Self {
        match anchor {
            Anchor::Latest => Self {
                pivot: u64::MAX,
                older: limit,
                newer: 0,
            },
            Anchor::Before(seq) => Self {
                pivot: seq,
                older: limit,
                newer: 0,
            },
            Anchor::After(seq) => Self {
                pivot: seq.saturating_add(1),
                older: 0,
                newer: limit,
            },
            Anchor::Around(seq) => Self {
                pivot: seq,
                older: limit,
                newer: limit,
            },
        }
    }

    fn page(self, mut found: Vec<TimelineMessage>, floor: u64, top: u64, limit: usize) -> TimelinePage {
        let pivot = found.partition_point(|message| message.seq < self.pivot);
        let (older, newer) = self.shares(pivot, found.len() - pivot, limit);
        let beyond = found.get(pivot + newer).map(|message| message.seq);
        let before = (pivot - older).checked_sub(1).map(|place| found[place].seq);
        found.truncate(pivot + newer);
        found.drain(..pivot - older);
        TimelinePage {
            items: found,
            lo: before.map_or(floor, |seq| seq + 1),
            hi: beyond.map_or(top, |seq| seq - 1),
            complete_before: before.is_none(),
            complete_after: beyond.is_none(),
        }
    }

    /// How many of the found messages on each side the page takes: half each where both sides have enough.
    fn shares(self, older_found: usize, newer_found: usize, limit: usize) -> (usize, usize) {
        let older_found = older_found.min(self.older);
        let newer_found = newer_found.min(self.newer);
        let older = older_found.min((limit / 2).max(limit.saturating_sub(newer_found)));
        (older, newer_found.min(limit - older))
    }
}

fn message(channel: ChannelId, row: &SqliteRow) -> sqlx::Result<TimelineMessage> {
    Ok(TimelineMessage {
        channel,
        seq: columns::number(row, "seq")?,
        id: columns::id(row, "id")?,
        author: columns::actor(row, "author")?,
        at: columns::time(row, "at")?,
        body: row.try_get("body")?,
        version: columns::number(row, "version")?,
        edited_at: columns::optional_time(row, "edited_at")?,
        deleted: row.try_get("deleted")?,
        reply_to: columns::optional_id(row, "reply_to")?,
        mentions: columns::ids(row, "mentions")?,
    })
}
