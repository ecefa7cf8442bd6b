//! The channel list: who is in which channel, how far they have received and read, and so what is unread. A list costs a few rows a
//! channel, found by key, however much is unread; a new message costs the same however many people are in the channel, since what is
//! unread is the difference of two stored counts: the channel's messages, and those of them that are no news to the person.

use domain::{
    ChannelId, SpaceId, UserId,
    channel::{History, Kind, Role},
};
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{Listing, ViewError, columns, reads::Reads};

mod fold;

pub(crate) use fold::CHANNEL_LIST;

/// A channel as everyone in it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    pub id: ChannelId,
    /// `None` for direct and group conversations.
    pub space: Option<SpaceId>,
    pub kind: Kind,
    /// `None` for direct conversations and unnamed groups.
    pub name: Option<String>,
    pub private: bool,
    pub history: History,
    /// 0 when people may write as fast as they like.
    pub slow_mode_s: u32,
    pub archived: bool,
    pub members_count: u64,
    /// Seq of the newest event.
    pub top: u64,
}

/// A channel as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelOf {
    pub channel: ChannelRow,
    pub role: Role,
    /// Seq at which the person joined.
    pub since: u64,
    pub got: u64,
    pub read: u64,
    /// Messages of others, not deleted, after both `read` and `since`.
    pub unread: u64,
    /// How many messages after both `read` and `since` mention the person.
    pub mentions: u64,
    /// Of the unread ones, those in threads that the person takes part in.
    pub threads: u64,
    /// Everyone in a direct conversation, the person included; empty for other kinds.
    pub peers: Vec<UserId>,
}

/// A channel in short, for who comes back to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelBrief {
    pub id: ChannelId,
    /// Seq of the newest event.
    pub top: u64,
    pub read: u64,
    pub unread: u64,
    pub mentions: u64,
    pub threads: u64,
}

/// A current member of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelMember {
    pub user: UserId,
    pub role: Role,
    pub since: u64,
    pub got: u64,
    pub read: u64,
}

/// How far a current member has received and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    pub user: UserId,
    pub got: u64,
    pub read: u64,
}

/// The queries of the channel list.
#[derive(Debug, Clone)]
pub struct ChannelList {
    reads: Reads,
}

impl ChannelList {
    pub(crate) fn new(reads: Reads) -> Self {
        Self { reads }
    }

    /// The channels `user` is in now, in id order, after the cursor.
    pub async fn channels_of(
        &self,
        user: UserId,
        after: Option<ChannelId>,
        limit: usize,
    ) -> Result<Listing<ChannelOf>, ViewError> {
        let from = after.map_or(0, |after| after.uuid().as_u128().saturating_add(1));
        let range = (Uuid::from_u128(from), Uuid::max());
        let rows = self
            .rows_of(user, range, Listing::<ChannelOf>::rows_wanted(limit))
            .await?;
        let mut listing = Listing::of(rows.iter().map(channel_of), limit)?;
        self.fill_peers(&mut listing.items).await?;
        Ok(listing)
    }

    /// One channel as `user` sees it, if they are in it now.
    pub async fn channel_of(&self, user: UserId, channel: ChannelId) -> Result<Option<ChannelOf>, ViewError> {
        let rows = self.rows_of(user, (channel.uuid(), channel.uuid()), 1).await?;
        let mut found = rows.iter().map(channel_of).collect::<sqlx::Result<Vec<_>>>()?;
        self.fill_peers(&mut found).await?;
        Ok(found.pop())
    }

    async fn rows_of(
        &self,
        user: UserId,
        (first, last): (Uuid, Uuid),
        limit: i64,
    ) -> Result<Vec<SqliteRow>, ViewError> {
        Ok(sqlx::query(include_str!("channel_list/channels_of.sql"))
            .bind(columns::blob(user.uuid()))
            .bind(columns::blob(first))
            .bind(columns::blob(last))
            .bind(limit)
            .fetch_all(&self.reads.current())
            .await?)
    }

    /// The channels `user` is in now, those with the newest events first.
    pub async fn liveliest_of(&self, user: UserId, limit: usize) -> Result<Listing<ChannelBrief>, ViewError> {
        let rows = sqlx::query(include_str!("channel_list/liveliest_of.sql"))
            .bind(columns::blob(user.uuid()))
            .bind(Listing::<ChannelBrief>::rows_wanted(limit))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(Listing::of(rows.iter().map(channel_brief), limit)?)
    }

    /// One channel, whoever asks.
    pub async fn channel(&self, channel: ChannelId) -> Result<Option<ChannelRow>, ViewError> {
        let row = sqlx::query(include_str!("channel_list/channel.sql"))
            .bind(columns::blob(channel.uuid()))
            .fetch_optional(&self.reads.current())
            .await?;
        Ok(row.as_ref().map(channel_row).transpose()?)
    }

    /// Current members in id order, after the cursor.
    pub async fn members(
        &self,
        channel: ChannelId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Listing<ChannelMember>, ViewError> {
        let rows = sqlx::query(include_str!("channel_list/members.sql"))
            .bind(columns::blob(channel.uuid()))
            .bind(columns::cursor(after.map(UserId::uuid)))
            .bind(Listing::<ChannelMember>::rows_wanted(limit))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(Listing::of(rows.iter().map(member), limit)?)
    }

    /// What current members have received and read, in id order, after the cursor.
    pub async fn receipts(
        &self,
        channel: ChannelId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Listing<Receipt>, ViewError> {
        let members = self.members(channel, after, limit).await?;
        let receipt = |member: ChannelMember| Receipt {
            user: member.user,
            got: member.got,
            read: member.read,
        };
        Ok(Listing {
            items: members.items.into_iter().map(receipt).collect(),
            more: members.more,
        })
    }

    /// The channels of a space that anyone in it may join: public and not archived, in id order, after the cursor.
    pub async fn public_channels(
        &self,
        space: SpaceId,
        after: Option<ChannelId>,
        limit: usize,
    ) -> Result<Listing<ChannelRow>, ViewError> {
        let rows = sqlx::query(include_str!("channel_list/public_channels.sql"))
            .bind(columns::blob(space.uuid()))
            .bind(columns::cursor(after.map(ChannelId::uuid)))
            .bind(Listing::<ChannelRow>::rows_wanted(limit))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(Listing::of(rows.iter().map(channel_row), limit)?)
    }

    /// How many channels of a space are not archived.
    pub async fn count_in_space(&self, space: SpaceId) -> Result<usize, ViewError> {
        let row = sqlx::query(include_str!("channel_list/count_in_space.sql"))
            .bind(columns::blob(space.uuid()))
            .fetch_one(&self.reads.current())
            .await?;
        Ok(columns::number(&row, "channels")?)
    }

    /// Every channel of `space` that `user` is in now: at most as many as a space may have.
    pub async fn channels_in_space_of(&self, space: SpaceId, user: UserId) -> Result<Vec<ChannelId>, ViewError> {
        let rows = sqlx::query(include_str!("channel_list/channels_in_space_of.sql"))
            .bind(columns::blob(space.uuid()))
            .bind(columns::blob(user.uuid()))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(rows
            .iter()
            .map(|row| columns::id(row, "id"))
            .collect::<sqlx::Result<_>>()?)
    }

    /// Whether both are in some channel or conversation now.
    pub async fn share_channel(&self, one: UserId, other: UserId) -> Result<bool, ViewError> {
        let row = sqlx::query(include_str!("channel_list/share_channel.sql"))
            .bind(columns::blob(one.uuid()))
            .bind(columns::blob(other.uuid()))
            .fetch_one(&self.reads.current())
            .await?;
        Ok(row.try_get("shared")?)
    }

    /// One statement for all the direct conversations of a page.
    async fn fill_peers(&self, channels: &mut [ChannelOf]) -> Result<(), ViewError> {
        let direct = channels.iter().filter(|of| of.channel.kind == Kind::Direct);
        let wanted: Vec<_> = direct.map(|of| columns::Hex(of.channel.id.uuid())).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query(include_str!("channel_list/peers.sql"))
            .bind(columns::to_json(&wanted))
            .fetch_all(&self.reads.current())
            .await?;
        for row in &rows {
            let channel: ChannelId = columns::id::<Uuid>(row, "channel")?.into();
            if let Some(of) = channels.iter_mut().find(|of| of.channel.id == channel) {
                of.peers.push(columns::id(row, "user")?);
            }
        }
        Ok(())
    }
}

fn channel_row(row: &SqliteRow) -> sqlx::Result<ChannelRow> {
    Ok(ChannelRow {
        id: columns::id(row, "id")?,
        space: columns::optional_id(row, "space")?,
        kind: columns::word(row, "kind")?,
        name: row.try_get("name")?,
        private: row.try_get("private")?,
        history: columns::word(row, "history")?,
        slow_mode_s: columns::number(row, "slow_mode_s")?,
        archived: row.try_get("archived")?,
        members_count: columns::number(row, "members_count")?,
        top: columns::number(row, "top")?,
    })
}

fn channel_of(row: &SqliteRow) -> sqlx::Result<ChannelOf> {
    Ok(ChannelOf {
        channel: channel_row(row)?,
        role: columns::word(row, "role")?,
        since: columns::number(row, "since")?,
        got: columns::number(row, "got")?,
        read: columns::number(row, "read")?,
        unread: columns::number(row, "unread")?,
        mentions: columns::number(row, "mentions")?,
        threads: columns::number(row, "threads")?,
        peers: vec![],
    })
}

fn channel_brief(row: &SqliteRow) -> sqlx::Result<ChannelBrief> {
    Ok(ChannelBrief {
        id: columns::id(row, "id")?,
        top: columns::number(row, "top")?,
        read: columns::number(row, "read")?,
        unread: columns::number(row, "unread")?,
        mentions: columns::number(row, "mentions")?,
        threads: columns::number(row, "threads")?,
    })
}

fn member(row: &SqliteRow) -> sqlx::Result<ChannelMember> {
    Ok(ChannelMember {
        user: columns::id(row, "user")?,
        role: columns::word(row, "role")?,
        since: columns::number(row, "since")?,
        got: columns::number(row, "got")?,
        read: columns::number(row, "read")?,
    })
}
