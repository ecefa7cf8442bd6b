//! Reports: what people have reported, in the order in which it was opened, for those who look after a space or after everything else.

use chrono::{DateTime, Utc};
use domain::{
    Actor, ChannelId, EventId, MessageId, ReportId, SpaceId, UserId,
    report::{Action, Snapshot, Target},
};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Listing, ViewError, columns, reads::Reads};

mod fold;

pub(crate) use fold::REPORTS;

/// A report as those see it who decide about it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRow {
    pub id: ReportId,
    /// Position of the event that opened it last, which is also its place in lists.
    pub opened: u64,
    pub opened_at: DateTime<Utc>,
    pub reporter: UserId,
    pub target: Target,
    pub reason: String,
    pub state: ReportState,
    pub decision: Option<Decision>,
    pub undoing: Option<Said>,
}

/// What was decided, by whom and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub action: Action,
    pub until: Option<DateTime<Utc>>,
    pub said: Said,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub by: Actor,
    pub at: DateTime<Utc>,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    Open,
    Resolved,
    Undone,
}

impl ReportState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Undone => "undone",
        }
    }
}

/// The queries of the reports.
#[derive(Debug, Clone)]
pub struct Reports {
    reads: Reads,
}

impl Reports {
    pub(crate) fn new(reads: Reads) -> Self {
        Self { reads }
    }

    /// Reports of things in `space`, or of things in no space at all, oldest first, after the cursor; those about `reader` are left out,
    /// since nobody decides about themselves.
    pub async fn of(
        &self,
        space: Option<SpaceId>,
        state: ReportState,
        reader: UserId,
        after: u64,
        limit: usize,
    ) -> Result<Listing<ReportRow>, ViewError> {
        let rows = sqlx::query(include_str!("reports/reports_of.sql"))
            .bind(space.map(|space| columns::blob(space.uuid())))
            .bind(state.word())
            .bind(columns::blob(reader.uuid()))
            .bind(columns::integer(after))
            .bind(Listing::<ReportRow>::rows_wanted(limit))
            .fetch_all(&self.reads.current())
            .await?;
        Ok(Listing::of(rows.iter().map(report), limit)?)
    }
}

fn report(row: &SqliteRow) -> sqlx::Result<ReportRow> {
    let said = |who: &str, when: &str, why: &str| -> sqlx::Result<Option<Said>> {
        let Some(at) = columns::optional_time(row, when)? else {
            return Ok(None);
        };
        Ok(Some(Said {
            by: columns::actor(row, who)?,
            at,
            reason: row.try_get(why)?,
        }))
    };
    let decision = match said("decided_by", "decided_at", "decided_reason")? {
        None => None,
        Some(said) => Some(Decision {
            action: columns::word(row, "action")?,
            until: columns::optional_time(row, "until")?,
            said,
        }),
    };
    Ok(ReportRow {
        id: columns::id(row, "id")?,
        opened: columns::number(row, "opened")?,
        opened_at: columns::time(row, "opened_at")?,
        reporter: columns::id(row, "reporter")?,
        target: target(row)?,
        reason: row.try_get("reason")?,
        state: columns::word(row, "state")?,
        decision,
        undoing: said("undone_by", "undone_at", "undone_reason")?,
    })
}

fn target(row: &SqliteRow) -> sqlx::Result<Target> {
    let message: Option<MessageId> = columns::optional_id(row, "message")?;
    let snapshot = |message| -> sqlx::Result<Snapshot> {
        Ok(Snapshot {
            message,
            seq: columns::number(row, "seq")?,
            event: columns::id::<EventId>(row, "event")?,
            version: columns::number(row, "version")?,
            sha256: row.try_get("sha256")?,
        })
    };
    Ok(Target {
        space: columns::optional_id(row, "space")?,
        channel: columns::id::<ChannelId>(row, "channel")?,
        user: columns::id(row, "subject")?,
        message: message.map(snapshot).transpose()?,
    })
}
