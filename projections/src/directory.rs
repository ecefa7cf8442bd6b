//! The directory: people by id and handle, spaces, and who belongs to which space. Who is in which channel is the channel list's.

use chrono::{DateTime, Utc};
use domain::{
    Actor, Handle, InviteId, SpaceId, UserId,
    space::{CodeHash, JoinRule, Role},
    user::ServiceRole,
};
use serde::Serialize;
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Listing, ViewError, columns, reads::Reads};

mod fold;

pub(crate) use fold::DIRECTORY;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: UserId,
    pub handle: String,
    pub display_name: String,
    /// Rights over the whole service.
    pub roles: Vec<ServiceRole>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceRow {
    pub id: SpaceId,
    pub name: String,
    pub join: JoinRule,
    pub archived: bool,
    pub owner: Option<UserId>,
}

/// A space as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceOf {
    pub space: SpaceRow,
    pub role: Role,
    pub joined_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceMember {
    pub user: UserId,
    /// Empty, as is the display name, while the person's own stream cannot be read.
    pub handle: String,
    pub display_name: String,
    pub role: Role,
    pub joined_at: DateTime<Utc>,
}

/// Something a space holds against a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SanctionKind {
    Ban,
    Mute,
}

impl SanctionKind {
    fn word(self) -> &'static str {
        match self {
            Self::Ban => "ban",
            Self::Mute => "mute",
        }
    }
}

/// A ban or a mute that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanction {
    pub user: UserId,
    /// Empty, as is the display name, while the person's own stream cannot be read.
    pub handle: String,
    pub display_name: String,
    pub by: Actor,
    pub reason: String,
    pub at: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
}

/// An invite that lets somebody in, unless its cohort rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    pub id: InviteId,
    pub by: Actor,
    pub role: Role,
    pub at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub uses: Option<u64>,
    pub used: u64,
    pub cohort: Option<String>,
    pub paused: bool,
}

/// The queries of the directory.
#[derive(Debug, Clone)]
pub struct Directory {
    reads: Reads,
}

impl Directory {
    pub(crate) fn new(reads: Reads) -> Self {
        Self { reads }
    }

    pub async fn person(&self, id: UserId) -> Result<Option<Person>, ViewError> {
        let row = sqlx::query(include_str!("directory/person.sql"))
            .bind(columns::blob(id.uuid()))
            .fetch_optional(&self.reads.current())
            .await?;
        Ok(row.as_ref().map(person).transpose()?)
    }

    pub async fn person_by_handle(&self, handle: &Handle) -> Result<Option<Person>, ViewError> {
        let row = sqlx::query(include_str!("directory/person_by_handle.sql"))
            .bind(handle.as_str())
            .fetch_optional(&self.reads.current())
            .await?;
        Ok(row.as_ref().map(person).transpose()?)
    }

    /// Those of `ids` who exist, in id order.
    pub async fn people(&self, ids: &[UserId]) -> Result<Vec<Person>, ViewError> {
        let wanted: std::collections::BTreeSet<_> = ids.iter().map(|id| columns::Hex(id.uuid())).collect();
        let rows = sqlx::query(include_str!("directory/people.sql"))
            .bind(columns::to_json(&wanted))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(rows.iter().map(person).collect::<sqlx::Result<_>>()?)
    }

    pub async fn space(&self, id: SpaceId) -> Result<Option<SpaceRow>, ViewError> {
        let row = sqlx::query(include_str!("directory/space.sql"))
            .bind(columns::blob(id.uuid()))
            .fetch_optional(&self.reads.current())
            .await?;
        Ok(row.as_ref().map(space).transpose()?)
    }

    /// The spaces `user` belongs to, in id order, after the cursor.
    pub async fn spaces_of(
        &self,
        user: UserId,
        after: Option<SpaceId>,
        limit: usize,
    ) -> Result<Listing<SpaceOf>, ViewError> {
        let rows = sqlx::query(include_str!("directory/spaces_of.sql"))
            .bind(columns::blob(user.uuid()))
            .bind(columns::cursor(after.map(SpaceId::uuid)))
            .bind(Listing::<SpaceOf>::rows_wanted(limit))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(Listing::of(rows.iter().map(space_of), limit)?)
    }

    /// Whether both are in some space now.
    pub async fn share_space(&self, one: UserId, other: UserId) -> Result<bool, ViewError> {
        let row = sqlx::query(include_str!("directory/share_space.sql"))
            .bind(columns::blob(one.uuid()))
            .bind(columns::blob(other.uuid()))
            .fetch_one(&self.reads.current())
            .await?;
        Ok(row.try_get("shared")?)
    }

    /// The people of a space, in id order, after the cursor.
    pub async fn space_members(
        &self,
        space: SpaceId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Listing<SpaceMember>, ViewError> {
        let rows = sqlx::query(include_str!("directory/space_members.sql"))
            .bind(columns::blob(space.uuid()))
            .bind(columns::cursor(after.map(UserId::uuid)))
            .bind(Listing::<SpaceMember>::rows_wanted(limit))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(Listing::of(rows.iter().map(space_member), limit)?)
    }

    /// The invites of a space that are open now, in id order, after the cursor.
    pub async fn invites(
        &self,
        space: SpaceId,
        now: DateTime<Utc>,
        after: Option<InviteId>,
        limit: usize,
    ) -> Result<Listing<InviteRow>, ViewError> {
        let rows = sqlx::query(include_str!("directory/invites.sql"))
            .bind(columns::blob(space.uuid()))
            .bind(columns::cursor(after.map(InviteId::uuid)))
            .bind(now.timestamp_micros())
            .bind(Listing::<InviteRow>::rows_wanted(limit))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(Listing::of(rows.iter().map(invite), limit)?)
    }

    /// The space an invite belongs to, whatever became of the invite.
    pub async fn space_of_invite(&self, invite: InviteId) -> Result<Option<SpaceId>, ViewError> {
        let row = sqlx::query(include_str!("directory/space_of_invite.sql"))
            .bind(columns::blob(invite.uuid()))
            .fetch_optional(&self.reads.current())
            .await?;
        Ok(row.as_ref().map(|row| columns::id(row, "space")).transpose()?)
    }

    /// The same by the hash of its code.
    pub async fn space_of_code(&self, code: CodeHash) -> Result<Option<SpaceId>, ViewError> {
        let row = sqlx::query(include_str!("directory/space_of_code.sql"))
            .bind(code.bytes().to_vec())
            .fetch_optional(&self.reads.current())
            .await?;
        Ok(row.as_ref().map(|row| columns::id(row, "space")).transpose()?)
    }

    /// How many spaces somebody is in.
    pub async fn count_spaces_of(&self, user: UserId) -> Result<usize, ViewError> {
        let row = sqlx::query(include_str!("directory/count_spaces_of.sql"))
            .bind(columns::blob(user.uuid()))
            .fetch_one(&self.reads.current())
            .await?;
        Ok(columns::number(&row, "spaces")?)
    }

    /// What a space holds against people at the moment, in id order of the people, after the cursor.
    pub async fn sanctions(
        &self,
        space: SpaceId,
        kind: SanctionKind,
        now: DateTime<Utc>,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Listing<Sanction>, ViewError> {
        let rows = sqlx::query(include_str!("directory/sanctions.sql"))
            .bind(columns::blob(space.uuid()))
            .bind(kind.word())
            .bind(columns::cursor(after.map(UserId::uuid)))
            .bind(now.timestamp_micros())
            .bind(Listing::<Sanction>::rows_wanted(limit))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(Listing::of(rows.iter().map(sanction), limit)?)
    }
}

fn invite(row: &SqliteRow) -> sqlx::Result<InviteRow> {
    let uses: Option<i64> = row.try_get("uses")?;
    Ok(InviteRow {
        id: columns::id(row, "id")?,
        by: columns::actor(row, "by")?,
        role: columns::word(row, "role")?,
        at: columns::time(row, "at")?,
        expires_at: columns::optional_time(row, "expires_at")?,
        uses: uses.and_then(|uses| u64::try_from(uses).ok()),
        used: columns::number(row, "used")?,
        cohort: row.try_get("cohort")?,
        paused: row.try_get("paused")?,
    })
}

fn sanction(row: &SqliteRow) -> sqlx::Result<Sanction> {
    Ok(Sanction {
        user: columns::id(row, "user")?,
        handle: row.try_get("handle")?,
        display_name: row.try_get("display_name")?,
        by: columns::actor(row, "by")?,
        reason: row.try_get("reason")?,
        at: columns::time(row, "at")?,
        until: columns::optional_time(row, "until")?,
    })
}

fn person(row: &SqliteRow) -> sqlx::Result<Person> {
    Ok(Person {
        id: columns::id(row, "id")?,
        handle: row.try_get("handle")?,
        display_name: row.try_get("display_name")?,
        roles: columns::json(row, "roles")?,
    })
}

fn space(row: &SqliteRow) -> sqlx::Result<SpaceRow> {
    Ok(SpaceRow {
        id: columns::id(row, "id")?,
        name: row.try_get("name")?,
        join: columns::word(row, "join_rule")?,
        archived: row.try_get("archived")?,
        owner: columns::optional_id(row, "owner")?,
    })
}

fn space_of(row: &SqliteRow) -> sqlx::Result<SpaceOf> {
    Ok(SpaceOf {
        space: space(row)?,
        role: columns::word(row, "role")?,
        joined_at: columns::time(row, "joined_at")?,
    })
}

fn space_member(row: &SqliteRow) -> sqlx::Result<SpaceMember> {
    Ok(SpaceMember {
        user: columns::id(row, "user")?,
        handle: row.try_get("handle")?,
        display_name: row.try_get("display_name")?,
        role: columns::word(row, "role")?,
        joined_at: columns::time(row, "joined_at")?,
    })
}
