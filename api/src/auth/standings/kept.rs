//! The standings as a restart finds them: rows in the service database, written by a follower of the log together with its checkpoint.
//! They save reading the log from its start and nothing else: what is not there yet is folded again.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use domain::{SessionId, UserId};
use event_store::{EventLog, Head, Identity};
use sqlx::{Row, Sqlite, SqlitePool, Transaction, sqlite::SqliteRow};
use uuid::Uuid;

use super::{RETRY_AFTER, change::Change, memory};
use crate::request::now;

/// The checkpoint is stored at least after so many events that change nothing; reading them again takes milliseconds.
const CHECKPOINT_EVENTS: u64 = 10_000;

/// What was kept, and where in the log that was.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(super) changes: Vec<Change>,
    pub(super) position: u64,
}

/// Writes down what the log says.
#[derive(Debug)]
pub(crate) struct Keeper {
    pool: SqlitePool,
    log: Identity,
    position: u64,
    memory: Duration,
}

impl Kept {
    /// What is kept of this log. Where it is another's, or ahead of it, or nothing, the log is read from its start.
    pub(crate) async fn load(
        pool: SqlitePool,
        head: &Head,
        token_life: Duration,
    ) -> Result<(Self, Keeper), sqlx::Error> {
        let memory = memory(token_life);
        let row = sqlx::query(include_str!("load_position.sql"))
            .bind(head.identity.to_string())
            .fetch_optional(&pool)
            .await?;
        let position: Option<i64> = row.map(|row| row.try_get("position")).transpose()?;
        let position = position
            .map(i64::cast_unsigned)
            .filter(|position| *position <= head.position);
        let kept = match position {
            Some(position) => Self {
                changes: changes(&pool, now() - memory).await?,
                position,
            },
            None => {
                clear(&pool, head.identity).await?;
                Self {
                    changes: vec![],
                    position: 0,
                }
            }
        };
        let keeper = Keeper {
            pool,
            log: head.identity,
            position: kept.position,
            memory,
        };
        Ok((kept, keeper))
    }
}

impl Keeper {
    /// Follows the log for ever. What cannot be written is tried again; nothing is skipped.
    pub(crate) async fn run(mut self, log: Arc<dyn EventLog>) {
        let mut tail = log.tail(self.position);
        loop {
            let batch = match tail.next().await {
                Ok(batch) => batch,
                Err(error) => {
                    tracing::warn!(%error, "Ended sessions cannot be read from the log");
                    tokio::time::sleep(RETRY_AFTER).await;
                    continue;
                }
            };
            let changes: Vec<_> = batch.events.iter().filter_map(|event| Change::of(event)).collect();
            if changes.is_empty() && batch.scanned_to - self.position < CHECKPOINT_EVENTS {
                continue;
            }
            while let Err(error) = self.store(&changes, batch.scanned_to).await {
                tracing::warn!(%error, "Ended sessions cannot be written down");
                tokio::time::sleep(RETRY_AFTER).await;
            }
            self.position = batch.scanned_to;
        }
    }

    /// Rows and checkpoint commit together.
    async fn store(&self, changes: &[Change], position: u64) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        for change in changes {
            put(&mut transaction, change).await?;
        }
        sqlx::query(include_str!("forget_ended.sql"))
            .bind((now() - self.memory).timestamp_micros())
            .execute(&mut *transaction)
            .await?;
        store_position(&mut transaction, self.log, position).await?;
        transaction.commit().await
    }
}

async fn put(transaction: &mut Transaction<'_, Sqlite>, change: &Change) -> Result<(), sqlx::Error> {
    match change {
        Change::Ended { sessions, at } => {
            for session in sessions.iter() {
                sqlx::query(include_str!("put_ended.sql"))
                    .bind(bytes(session.uuid()))
                    .bind(at.timestamp_micros())
                    .execute(&mut **transaction)
                    .await?;
                sqlx::query(include_str!("../families/delete.sql"))
                    .bind(bytes(session.uuid()))
                    .execute(&mut **transaction)
                    .await?;
            }
        }
        Change::Suspended { user, until } => {
            sqlx::query(include_str!("put_suspended.sql"))
                .bind(bytes(user.uuid()))
                .bind(until.map(|until| until.timestamp_micros()))
                .execute(&mut **transaction)
                .await?;
        }
        Change::Reinstated { user } => {
            sqlx::query(include_str!("delete_suspended.sql"))
                .bind(bytes(user.uuid()))
                .execute(&mut **transaction)
                .await?;
        }
    }
    Ok(())
}

async fn store_position(
    transaction: &mut Transaction<'_, Sqlite>,
    log: Identity,
    position: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query(include_str!("store_position.sql"))
        .bind(log.to_string())
        .bind(position.cast_signed())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn clear(pool: &SqlitePool, log: Identity) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query(include_str!("clear_ended.sql"))
        .execute(&mut *transaction)
        .await?;
    sqlx::query(include_str!("clear_suspended.sql"))
        .execute(&mut *transaction)
        .await?;
    store_position(&mut transaction, log, 0).await?;
    transaction.commit().await
}

async fn changes(pool: &SqlitePool, not_before: DateTime<Utc>) -> Result<Vec<Change>, sqlx::Error> {
    let ended = sqlx::query(include_str!("ended_sessions.sql"))
        .bind(not_before.timestamp_micros())
        .fetch_all(pool)
        .await?;
    let suspended = sqlx::query(include_str!("suspended_people.sql"))
        .fetch_all(pool)
        .await?;
    let ended = ended.iter().map(|row| {
        Ok(Change::Ended {
            sessions: [SessionId::from(id(row, "session_id")?)].into(),
            at: time(row.try_get("ended_at")?)?,
        })
    });
    let suspended = suspended.iter().map(|row| {
        let until: Option<i64> = row.try_get("until")?;
        Ok(Change::Suspended {
            user: UserId::from(id(row, "user_id")?),
            until: until.map(time).transpose()?,
        })
    });
    ended.chain(suspended).collect()
}

fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

fn id(row: &SqliteRow, column: &str) -> Result<Uuid, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get(column)?;
    Uuid::from_slice(&bytes).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn time(micros: i64) -> Result<DateTime<Utc>, sqlx::Error> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| sqlx::Error::Decode("a time out of range".into()))
}
