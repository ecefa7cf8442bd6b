//! How sessions go on: each has a family of refresh tokens, of which the newest can be exchanged for the next, once. A lost answer may be
//! asked for again for a moment and is the same; any other return of a used token means that somebody has a copy. Only hashes are kept.

mod token;

use std::{collections::HashMap, fmt, time::Duration};

use chrono::{DateTime, Utc};
use domain::{SessionId, UserId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sqlx::{Row, Sqlite, SqlitePool, Transaction, sqlite::SqliteRow};
use uuid::Uuid;

use self::token::{Hash, MarkKey, random};
pub(crate) use self::token::{NoChance, RefreshToken};
use super::CredentialsError;
use crate::{limits::Limits, problem::Problem, request::now};

/// How often what was noted is written down, and what ended is forgotten.
const ROUND: Duration = Duration::from_secs(60);
/// Sessions whose last use may wait to be written down; that of others is not noted.
const USES_MAX: usize = 100_000;

/// Of them so many at once, so that nobody waits long for a place to write.
const USES_AT_ONCE: usize = 500;

const DAY_SECONDS: u64 = 24 * 60 * 60;

#[derive(Debug, thiserror::Error)]
pub(crate) enum FamilyError {
    #[error("the service database cannot be used")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Chance(#[from] NoChance),
    #[error("a row of the refresh tokens is damaged")]
    Damaged,
}

impl From<FamilyError> for Problem {
    fn from(error: FamilyError) -> Self {
        match error {
            FamilyError::Database(cause) => CredentialsError::Database(cause).into(),
            FamilyError::Chance(_) | FamilyError::Damaged => Self::internal(&error),
        }
    }
}

/// What a refresh token is exchanged for. Without a debug form, so that no line shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) access_token: String,
    pub(crate) access_expires_at: DateTime<Utc>,
    pub(crate) refresh: Issued,
}

/// A refresh token on its way to its bearer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Issued {
    pub(crate) text: String,
    pub(crate) expires_at: DateTime<Utc>,
}

/// The token stays out of debug output, so that no line shows it by accident.
impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a refresh token until {}", self.expires_at)
    }
}

pub(crate) enum Exchanged {
    /// For the first time, or once more for who did not hear the answer.
    Pair(Box<Pair>),
    /// A token that was used before: somebody has a copy.
    Reused,
    Refused,
}

pub(crate) struct Families {
    pool: SqlitePool,
    /// For how long a lost answer may be asked for again.
    retry: Duration,
    token_life: Duration,
    session_life: Duration,
    /// When sessions were last used, not written down yet.
    uses: Mutex<HashMap<SessionId, DateTime<Utc>>>,
}

/// A row, as it was read.
struct Family {
    user: UserId,
    mark_key: MarkKey,
    current: Hash,
    previous: Option<Hash>,
    rotated_at: Option<DateTime<Utc>>,
    sealed: Option<Vec<u8>>,
    expires_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
}

/// What becomes of a token that is presented.
enum Verdict {
    Rotate,
    Again(Box<Pair>),
    Reused,
    Refused,
}

impl Families {
    pub(crate) fn new(pool: SqlitePool, limits: &Limits) -> Self {
        let days = |count: usize| Duration::from_secs(count as u64 * DAY_SECONDS);
        Self {
            pool,
            retry: Duration::from_secs(limits.refresh_retry_seconds as u64),
            token_life: days(limits.refresh_token_days),
            session_life: days(limits.session_days),
            uses: Mutex::default(),
        }
    }

    /// The first token of a session; `None` when the password has changed since that version, or the account is gone.
    pub(crate) async fn begin(
        &self,
        session: SessionId,
        user: UserId,
        password_version: i64,
        at: DateTime<Utc>,
    ) -> Result<Option<Issued>, FamilyError> {
        let mark_key = random()?;
        let token = RefreshToken::draw(session, &mark_key)?;
        let ends_at = at + self.session_life;
        let expires_at = ends_at.min(at + self.token_life);
        let begun = sqlx::query(include_str!("families/begin.sql"))
            .bind(bytes(session.uuid()))
            .bind(bytes(user.uuid()))
            .bind(mark_key.to_vec())
            .bind(token.hash().to_vec())
            .bind(at.timestamp_micros())
            .bind(expires_at.timestamp_micros())
            .bind(ends_at.timestamp_micros())
            .bind(password_version)
            .execute(&self.pool)
            .await?;
        let issued = Issued {
            text: token.text(),
            expires_at,
        };
        Ok((begun.rows_affected() == 1).then_some(issued))
    }

    /// Whose the family is that the token belongs or belonged to, as its mark says.
    pub(crate) async fn owner(&self, token: &RefreshToken) -> Result<Option<UserId>, FamilyError> {
        let family = self.find(token.session()).await?;
        let marked = family.filter(|family| token.has_mark_of(&family.mark_key));
        Ok(marked.map(|family| family.user))
    }

    /// Whether the session can go on.
    pub(crate) async fn holds(&self, session: SessionId) -> Result<bool, FamilyError> {
        Ok(self.find(session).await?.is_some())
    }

    /// The token for the next pair, in one transaction: of those who come with it at the same time, all get one and the same.
    pub(crate) async fn exchange(
        &self,
        token: &RefreshToken,
        at: DateTime<Utc>,
        access: impl FnOnce(UserId, SessionId) -> (String, DateTime<Utc>),
    ) -> Result<Exchanged, FamilyError> {
        // Taken at once as a writer's: what is read here is still so when it is written.
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        let row = sqlx::query(include_str!("families/find.sql"))
            .bind(bytes(token.session().uuid()))
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row else {
            return Ok(Exchanged::Refused);
        };
        let family = Family::read(&row)?;
        match family.judge(token, at, self.retry) {
            Verdict::Rotate => {
                let (access_token, access_expires_at) = access(family.user, token.session());
                let next = RefreshToken::draw(token.session(), &family.mark_key)?;
                let refresh = Issued {
                    text: next.text(),
                    expires_at: family.ends_at.min(at + self.token_life),
                };
                let pair = Pair {
                    access_token,
                    access_expires_at,
                    refresh,
                };
                rotate(&mut transaction, token, &next, &pair, at).await?;
                transaction.commit().await?;
                Ok(Exchanged::Pair(Box::new(pair)))
            }
            Verdict::Again(pair) => Ok(Exchanged::Pair(pair)),
            Verdict::Reused => Ok(Exchanged::Reused),
            Verdict::Refused => Ok(Exchanged::Refused),
        }
    }

    /// A session that never began, or has ended.
    pub(crate) async fn delete(&self, session: SessionId) -> Result<(), FamilyError> {
        sqlx::query(include_str!("families/delete.sql"))
            .bind(bytes(session.uuid()))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A person's sessions that can go on, and when they were last used.
    pub(crate) async fn of(&self, user: UserId) -> Result<HashMap<SessionId, DateTime<Utc>>, FamilyError> {
        let rows = sqlx::query(include_str!("families/of_person.sql"))
            .bind(bytes(user.uuid()))
            .bind(now().timestamp_micros())
            .fetch_all(&self.pool)
            .await?;
        let uses = self.uses.lock();
        let used = |row: &SqliteRow| {
            let session = SessionId::from(id(row, "session_id")?);
            let written = time(row.try_get("last_used_at")?)?;
            let noted = uses.get(&session).copied();
            Ok((session, noted.map_or(written, |noted| noted.max(written))))
        };
        rows.iter().map(used).collect()
    }

    /// The session was used. Written down within a minute, so that reconnecting costs no write.
    pub(crate) fn note_use(&self, session: SessionId, at: DateTime<Utc>) {
        let mut uses = self.uses.lock();
        if uses.len() < USES_MAX || uses.contains_key(&session) {
            uses.insert(session, at);
        }
    }

    /// Writes down and forgets, round by round, for ever.
    pub(crate) async fn keep_house(&self) {
        loop {
            tokio::time::sleep(ROUND).await;
            if let Err(error) = self.tidy(now()).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "Refresh tokens that ended cannot be forgotten"
                );
            }
        }
    }

    async fn tidy(&self, at: DateTime<Utc>) -> Result<(), FamilyError> {
        let uses: Vec<_> = std::mem::take(&mut *self.uses.lock()).into_iter().collect();
        for some in uses.chunks(USES_AT_ONCE) {
            self.write_down(some).await?;
        }
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        sqlx::query(include_str!("families/forget_expired.sql"))
            .bind(at.timestamp_micros())
            .execute(&mut *transaction)
            .await?;
        sqlx::query(include_str!("families/forget_sealed.sql"))
            .bind((at - self.retry).timestamp_micros())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn write_down(&self, uses: &[(SessionId, DateTime<Utc>)]) -> Result<(), FamilyError> {
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        for (session, used_at) in uses {
            sqlx::query(include_str!("families/used.sql"))
                .bind(bytes(session.uuid()))
                .bind(used_at.timestamp_micros())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn find(&self, session: SessionId) -> Result<Option<Family>, FamilyError> {
        let row = sqlx::query(include_str!("families/find.sql"))
            .bind(bytes(session.uuid()))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(Family::read).transpose()
    }
}

impl Family {
    fn judge(&self, token: &RefreshToken, at: DateTime<Utc>, retry: Duration) -> Verdict {
        if !token.has_mark_of(&self.mark_key) || self.expires_at <= at {
            return Verdict::Refused;
        }
        let hash = token.hash();
        if hash == self.current {
            return Verdict::Rotate;
        }
        let in_time = self.rotated_at.is_some_and(|rotated_at| at < rotated_at + retry);
        let lost = (in_time && self.previous == Some(hash))
            .then_some(self.sealed.as_ref())
            .flatten();
        let pair = lost.and_then(|sealed| serde_json::from_slice(&token.open(sealed)?).ok());
        pair.map_or(Verdict::Reused, Verdict::Again)
    }

    fn read(row: &SqliteRow) -> Result<Self, FamilyError> {
        let rotated_at: Option<i64> = row.try_get("rotated_at")?;
        let previous: Option<Vec<u8>> = row.try_get("previous_hash")?;
        Ok(Self {
            user: id(row, "user_id")?.into(),
            mark_key: exactly(row.try_get("mark_key")?)?,
            current: exactly(row.try_get("current_hash")?)?,
            previous: previous.map(exactly).transpose()?,
            rotated_at: rotated_at.map(time).transpose()?,
            sealed: row.try_get("sealed_pair")?,
            expires_at: time(row.try_get("expires_at")?)?,
            ends_at: time(row.try_get("ends_at")?)?,
        })
    }
}

async fn rotate(
    transaction: &mut Transaction<'_, Sqlite>,
    token: &RefreshToken,
    next: &RefreshToken,
    pair: &Pair,
    at: DateTime<Utc>,
) -> Result<(), FamilyError> {
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(pair).map_err(|_| FamilyError::Damaged)?);
    let rotated = sqlx::query(include_str!("families/rotate.sql"))
        .bind(bytes(token.session().uuid()))
        .bind(token.hash().to_vec())
        .bind(next.hash().to_vec())
        .bind(at.timestamp_micros())
        .bind(token.seal(&plain)?)
        .bind(pair.refresh.expires_at.timestamp_micros())
        .execute(&mut **transaction)
        .await?;
    if rotated.rows_affected() == 1 {
        Ok(())
    } else {
        Err(FamilyError::Damaged)
    }
}

fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

fn id(row: &SqliteRow, column: &str) -> Result<Uuid, FamilyError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    Uuid::from_slice(&bytes).map_err(|_| FamilyError::Damaged)
}

fn exactly(bytes: Vec<u8>) -> Result<[u8; 32], FamilyError> {
    bytes.try_into().map_err(|_| FamilyError::Damaged)
}

fn time(micros: i64) -> Result<DateTime<Utc>, FamilyError> {
    DateTime::from_timestamp_micros(micros).ok_or(FamilyError::Damaged)
}

#[cfg(test)]
mod tests;
