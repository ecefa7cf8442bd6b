//! The timeline: one row per message of each channel, as it stands now, with its thread and what people think of it. Membership changes
//! are events, not messages, and the live window of frames lives elsewhere.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{Actor, ChannelId, MessageId, UserId, channel::Vote};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    ViewError,
    columns::{self, Hex},
    reads::Reads,
};

mod details;
mod fold;
mod ranking;

pub use details::Revision;
pub use ranking::{Comments, Place, Ranking};

pub use fold::RANKING_SECONDS;
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
    /// The root of the thread it belongs to.
    pub thread: Option<MessageId>,
    /// Of a comment: how many answers it is away from its post.
    pub depth: u8,
    pub opinions: Opinions,
}

/// What people think of a message, as one of them sees it. Of a deleted message it is not to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opinions {
    /// The most used first.
    pub reactions: Vec<Reaction>,
    pub score: i64,
    pub own_vote: Option<Vote>,
    pub pinned: bool,
    /// Of the root of a thread.
    pub replies: Option<Replies>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    pub emoji: String,
    pub count: u64,
    pub mine: bool,
}

/// What belongs to a thread, without its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replies {
    /// Those that are not deleted.
    pub count: u64,
    /// Of the newest, deleted or not.
    pub last_seq: u64,
    pub last_at: DateTime<Utc>,
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
    /// known gives an empty page. Messages and what is thought of them are of one moment.
    pub async fn page_for(
        &self,
        reader: UserId,
        channel: ChannelId,
        floor: u64,
        anchor: Anchor,
        limit: usize,
    ) -> Result<TimelinePage, ViewError> {
        self.cut(reader, channel, None, floor, anchor, limit).await
    }

    /// The same, as nobody in particular sees it.
    pub async fn page(
        &self,
        channel: ChannelId,
        floor: u64,
        anchor: Anchor,
        limit: usize,
    ) -> Result<TimelinePage, ViewError> {
        self.cut(NOBODY, channel, None, floor, anchor, limit).await
    }

    /// A page of what belongs to the thread of `root`, without the root.
    pub async fn thread(
        &self,
        reader: UserId,
        channel: ChannelId,
        root: MessageId,
        floor: u64,
        anchor: Anchor,
        limit: usize,
    ) -> Result<TimelinePage, ViewError> {
        self.cut(reader, channel, Some(root), floor, anchor, limit).await
    }

    async fn cut(
        &self,
        reader: UserId,
        channel: ChannelId,
        thread: Option<MessageId>,
        floor: u64,
        anchor: Anchor,
        limit: usize,
    ) -> Result<TimelinePage, ViewError> {
        let floor = floor.max(1);
        let reach = Reach::of(anchor, limit);
        let mut tx = self.reads.current().begin().await?;
        let sql = match thread {
            None => include_str!("timeline/page.sql"),
            Some(_) => include_str!("timeline/thread_page.sql"),
        };
        let mut query = sqlx::query(sql)
            .bind(columns::blob(channel.uuid()))
            .bind(columns::integer(floor))
            .bind(columns::integer(reach.pivot))
            .bind(columns::integer(reach.older as u64 + 1))
            .bind(columns::integer(reach.newer as u64 + 1));
        if let Some(root) = thread {
            query = query.bind(columns::blob(root.uuid()));
        }
        let rows = query.fetch_all(&mut *tx).await?;
        let top = rows.first().map_or(Ok(0), |row| columns::number(row, "top"))?;
        // A page without messages still has one row, with the top and nothing else.
        let found = rows
            .iter()
            .filter(|row| !matches!(row.try_get::<Option<i64>, _>("seq"), Ok(None)));
        let messages = found
            .map(|row| message(channel, row))
            .collect::<sqlx::Result<Vec<_>>>()?;
        let mut page = reach.page(messages, floor, top, limit);
        judge(&mut tx, reader, channel, &mut page.items).await?;
        Ok(page)
    }

    /// One message, deleted or not, as nobody in particular sees it.
    pub async fn message(&self, channel: ChannelId, id: MessageId) -> Result<Option<TimelineMessage>, ViewError> {
        self.message_for(NOBODY, channel, id).await
    }

    /// One message, deleted or not.
    pub async fn message_for(
        &self,
        reader: UserId,
        channel: ChannelId,
        id: MessageId,
    ) -> Result<Option<TimelineMessage>, ViewError> {
        let mut tx = self.reads.current().begin().await?;
        let row = sqlx::query(include_str!("timeline/message.sql"))
            .bind(columns::blob(channel.uuid()))
            .bind(columns::blob(id.uuid()))
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut found = [message(channel, &row)?];
        judge(&mut tx, reader, channel, &mut found).await?;
        let [found] = found;
        Ok(Some(found))
    }
}

/// No person has this id, nor ever voted.
const NOBODY: UserId = UserId::from_u128(0);

/// These messages in this order, as far as there are such.
async fn these(
    db: &mut SqliteConnection,
    reader: UserId,
    channel: ChannelId,
    ids: &[MessageId],
) -> Result<Vec<TimelineMessage>, ViewError> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let rows = sqlx::query(include_str!("timeline/these.sql"))
        .bind(columns::blob(channel.uuid()))
        .bind(columns::to_json(&hex(ids.iter().copied())))
        .fetch_all(&mut *db)
        .await?;
    let found = rows.iter().map(|row| message(channel, row));
    let mut found = found.collect::<sqlx::Result<Vec<_>>>()?;
    let places: HashMap<MessageId, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    found.sort_unstable_by_key(|message| places.get(&message.id).copied());
    judge(db, reader, channel, &mut found).await?;
    Ok(found)
}

/// Adds what is thought of the messages.
async fn judge(
    db: &mut SqliteConnection,
    reader: UserId,
    channel: ChannelId,
    messages: &mut [TimelineMessage],
) -> Result<(), ViewError> {
    if messages.is_empty() {
        return Ok(());
    }
    let ids = columns::to_json(&hex(messages.iter().map(|message| message.id)));
    let places: HashMap<MessageId, usize> = messages
        .iter()
        .enumerate()
        .map(|(place, message)| (message.id, place))
        .collect();
    for (sql, add) in [
        (
            include_str!("timeline/tallies.sql"),
            tally as fn(&mut Opinions, &SqliteRow) -> sqlx::Result<()>,
        ),
        (include_str!("timeline/reactions.sql"), reaction),
    ] {
        let rows = sqlx::query(sql)
            .bind(columns::blob(channel.uuid()))
            .bind(ids.as_str())
            .bind(columns::blob(reader.uuid()))
            .fetch_all(&mut *db)
            .await?;
        for row in &rows {
            let place = places.get(&columns::id(row, "id")?).copied();
            if let Some(message) = place.and_then(|place| messages.get_mut(place)) {
                add(&mut message.opinions, row)?;
            }
        }
    }
    Ok(())
}

fn tally(opinions: &mut Opinions, row: &SqliteRow) -> sqlx::Result<()> {
    opinions.score = row.try_get::<Option<i64>, _>("score")?.unwrap_or(0);
    opinions.own_vote = row.try_get::<Option<i64>, _>("vote")?.map(|vote| match vote {
        ..0 => Vote::Down,
        0.. => Vote::Up,
    });
    opinions.pinned = row.try_get::<Option<i64>, _>("pinned")?.is_some();
    if row.try_get::<Option<i64>, _>("replies")?.is_some() {
        opinions.replies = Some(Replies {
            count: columns::number(row, "replies")?,
            last_seq: columns::number(row, "last_seq")?,
            last_at: columns::time(row, "last_at")?,
        });
    }
    Ok(())
}

fn reaction(opinions: &mut Opinions, row: &SqliteRow) -> sqlx::Result<()> {
    opinions.reactions.push(Reaction {
        emoji: row.try_get("emoji")?,
        count: columns::number(row, "count")?,
        mine: row.try_get("mine")?,
    });
    Ok(())
}

fn hex(ids: impl Iterator<Item = MessageId>) -> Vec<Hex> {
    ids.map(|id| Hex(id.uuid())).collect()
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
        thread: columns::optional_id(row, "thread")?,
        depth: columns::number(row, "depth")?,
        opinions: Opinions::default(),
    })
}
