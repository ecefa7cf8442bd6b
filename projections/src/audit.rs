//! The audit trail: every use of a privilege, who did what to whom and why, in the order of the log.

use chrono::{DateTime, Utc};
use domain::{Actor, ChannelId, EventId, InviteId, MessageId, ReportId, SpaceId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{Listing, ViewError, columns, reads::Reads};

mod fold;

pub(crate) use fold::AUDIT;
pub use fold::KINDS;

/// One use of a privilege.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    pub position: u64,
    pub at: DateTime<Utc>,
    /// The wire name of its event.
    pub kind: String,
    pub actor: Actor,
    /// What it was done to, as its public id, or its name where it has none; nothing for a look at the trail.
    pub target: Option<String>,
    pub target_kind: TargetKind,
    pub space: Option<SpaceId>,
    pub channel: Option<ChannelId>,
    pub reason: Option<String>,
    pub event: EventId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    User,
    Space,
    Channel,
    Message,
    Invite,
    Cohort,
    Report,
    Trail,
    View,
}

/// Which acts are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub kind: Option<String>,
    pub actor: Option<UserId>,
    /// The UUID of whatever it was done to.
    pub target: Option<Uuid>,
}

/// The queries of the trail.
#[derive(Debug, Clone)]
pub struct AuditTrail {
    reads: Reads,
}

impl AuditTrail {
    pub(crate) fn new(reads: Reads) -> Self {
        Self { reads }
    }

    /// The newest acts below a position, newest first.
    pub async fn before(&self, position: u64, wanted: &Wanted, limit: usize) -> Result<Listing<Act>, ViewError> {
        let rows = sqlx::query(include_str!("audit/acts.sql"))
            .bind(columns::integer(position))
            .bind(wanted.kind.as_deref())
            .bind(wanted.actor.map(|actor| columns::blob(actor.uuid())))
            .bind(wanted.target.map(columns::blob))
            .bind(Listing::<Act>::rows_wanted(limit))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(Listing::of(rows.iter().map(act), limit)?)
    }
}

fn act(row: &SqliteRow) -> sqlx::Result<Act> {
    let target_kind = columns::word(row, "target_kind")?;
    let target: Option<Uuid> = columns::optional_id(row, "target")?;
    Ok(Act {
        position: columns::number(row, "position")?,
        at: columns::time(row, "at")?,
        kind: row.try_get("kind")?,
        actor: columns::actor(row, "actor")?,
        target: match target {
            Some(id) => public_id(target_kind, id),
            None => row.try_get("name")?,
        },
        target_kind,
        space: columns::optional_id(row, "space")?,
        channel: columns::optional_id(row, "channel")?,
        reason: row.try_get("reason")?,
        event: columns::id(row, "event")?,
    })
}

fn public_id(kind: TargetKind, id: Uuid) -> Option<String> {
    Some(match kind {
        TargetKind::User => UserId::from(id).to_string(),
        TargetKind::Space | TargetKind::Cohort => SpaceId::from(id).to_string(),
        TargetKind::Channel => ChannelId::from(id).to_string(),
        TargetKind::Message => MessageId::from(id).to_string(),
        TargetKind::Invite => InviteId::from(id).to_string(),
        TargetKind::Report => ReportId::from(id).to_string(),
        TargetKind::Trail | TargetKind::View => return None,
    })
}
