//! When each proved identity was looked at, and when it is due again. The table only schedules: what is proved stands in the log.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{DidWeb, UserId};
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

/// Due identities that are looked at together.
const BATCH: i64 = 32;

pub(crate) struct Checks {
    pool: SqlitePool,
}

/// One that is due.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub(super) user: UserId,
    pub(super) did: DidWeb,
    pub(super) failures: i64,
}

impl Checks {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// It was right just now.
    pub(crate) async fn passed(
        &self,
        user: UserId,
        did: &DidWeb,
        interval: TimeDelta,
        now: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        sqlx::query(include_str!("checks/passed.sql"))
            .bind(user.uuid().as_bytes().to_vec())
            .bind(did.as_str())
            .bind(now.timestamp_micros())
            .bind((now + about(interval)).timestamp_micros())
            .execute(&self.pool)
            .await
            .map(drop)
    }

    pub(super) async fn failed(&self, due: &Due, pause: TimeDelta, now: DateTime<Utc>) -> sqlx::Result<()> {
        sqlx::query(include_str!("checks/failed.sql"))
            .bind(due.user.uuid().as_bytes().to_vec())
            .bind(due.did.as_str())
            .bind((now + about(pause)).timestamp_micros())
            .execute(&self.pool)
            .await
            .map(drop)
    }

    pub(crate) async fn forget(&self, user: UserId, did: &DidWeb) -> sqlx::Result<()> {
        sqlx::query(include_str!("checks/forget.sql"))
            .bind(user.uuid().as_bytes().to_vec())
            .bind(did.as_str())
            .execute(&self.pool)
            .await
            .map(drop)
    }

    pub(super) async fn due(&self, now: DateTime<Utc>) -> sqlx::Result<Vec<Due>> {
        let rows = sqlx::query(include_str!("checks/due.sql"))
            .bind(now.timestamp_micros())
            .bind(BATCH)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(due).collect()
    }

    /// When an identity of the person was last right, for those of which that is known.
    pub(crate) async fn checked_at(&self, user: UserId) -> sqlx::Result<Vec<(String, DateTime<Utc>)>> {
        let rows = sqlx::query(include_str!("checks/of_user.sql"))
            .bind(user.uuid().as_bytes().to_vec())
            .fetch_all(&self.pool)
            .await?;
        let read = |row: &SqliteRow| {
            let at = DateTime::from_timestamp_micros(row.try_get("checked_at")?).unwrap_or_default();
            Ok((row.try_get("did")?, at))
        };
        rows.iter().map(read).collect()
    }
}

fn due(row: &SqliteRow) -> sqlx::Result<Due> {
    let user: Vec<u8> = row.try_get("user_id")?;
    let user = Uuid::from_slice(&user).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let did: String = row.try_get("did")?;
    Ok(Due {
        user: user.into(),
        did: DidWeb::parse(&did).map_err(|error| sqlx::Error::Decode(error.into()))?,
        failures: row.try_get("failures")?,
    })
}

/// Give or take a tenth, so that identities proved together are not looked at together for ever.
fn about(time: TimeDelta) -> TimeDelta {
    let tenth = time.num_milliseconds() / 10;
    time + TimeDelta::milliseconds(rand::random_range(-tenth..=tenth))
}
