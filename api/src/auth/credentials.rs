//! The table of credentials: which handle belongs to whom, and the hash of their password. It is not derived from the log and not part
//! of it, so it is synced like the log.

use std::path::Path;

use domain::{DisplayName, Handle, InvalidText, SessionId, UserId};
use sqlx::{
    ConnectOptions, Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use uuid::Uuid;

use crate::problem::{Problem, codes};

/// Sign-ins are bounded by hashing, which is far slower than a query; two more for those who follow the log.
const CONNECTIONS: u32 = 4;
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// What is known of an account besides the log.
#[derive(Debug, Clone)]
pub struct Credential {
    pub user: UserId,
    pub handle: Handle,
    /// As wished at the registration; only needed where that was cut short.
    pub display_name: DisplayName,
    pub password_hash: String,
    /// Which of their passwords that is.
    pub password_version: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("the service database cannot be used")]
    Database(#[from] sqlx::Error),
    #[error("a row of the credentials is damaged")]
    Damaged(#[from] InvalidText),
}

impl From<CredentialsError> for Problem {
    fn from(error: CredentialsError) -> Self {
        match &error {
            CredentialsError::Database(sqlx::Error::PoolTimedOut) => Self::new(&codes::SERVICE_BUSY),
            CredentialsError::Database(sqlx::Error::Database(refused))
                if refused.code().as_deref() == Some(SQLITE_FULL) =>
            {
                Self::new(&codes::SERVICE_DISK_FULL)
            }
            CredentialsError::Database(cause) => Self::internal(cause),
            CredentialsError::Damaged(_) => Self::internal(&error),
        }
    }
}

const SQLITE_FULL: &str = "13";

pub struct Credentials {
    pool: SqlitePool,
}

impl Credentials {
    /// Opens the service database, whose schema must be there already.
    pub async fn open(path: &Path) -> Result<Self, CredentialsError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(BUSY_TIMEOUT);
        Ok(Self {
            pool: pool.connect_with(options).await?,
        })
    }

    /// The pool, for the other tables of the service.
    pub fn pool(&self) -> SqlitePool {
        self.pool.clone()
    }

    /// False when the handle belongs to someone already, who keeps it.
    pub async fn insert(&self, credential: &Credential, at_micros: i64) -> Result<bool, CredentialsError> {
        let done = sqlx::query(include_str!("credentials/insert.sql"))
            .bind(credential.handle.as_str())
            .bind(credential.user.uuid().as_bytes().to_vec())
            .bind(credential.display_name.as_str())
            .bind(&credential.password_hash)
            .bind(at_micros)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes back what [`Self::insert`] did, unless the password has changed since.
    pub async fn forget(&self, credential: &Credential) -> Result<(), CredentialsError> {
        sqlx::query(include_str!("credentials/delete.sql"))
            .bind(credential.user.uuid().as_bytes().to_vec())
            .bind(&credential.password_hash)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn find(&self, handle: &Handle) -> Result<Option<Credential>, CredentialsError> {
        let row = sqlx::query(include_str!("credentials/by_handle.sql"))
            .bind(handle.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(credential).transpose()
    }

    pub async fn of(&self, user: UserId) -> Result<Option<Credential>, CredentialsError> {
        let row = sqlx::query(include_str!("credentials/of.sql"))
            .bind(user.uuid().as_bytes().to_vec())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(credential).transpose()
    }

    /// Another password; of all ways to go on only that of one session is left, in the same transaction. False when the password had
    /// been changed meanwhile.
    pub async fn replace(
        &self,
        credential: &Credential,
        password_hash: &str,
        except: SessionId,
    ) -> Result<bool, CredentialsError> {
        let user = credential.user.uuid().as_bytes().to_vec();
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        let done = sqlx::query(include_str!("credentials/replace.sql"))
            .bind(user.clone())
            .bind(credential.password_version)
            .bind(password_hash)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(include_str!("families/delete_others.sql"))
            .bind(user)
            .bind(except.uuid().as_bytes().to_vec())
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 1 {
            transaction.commit().await?;
        }
        Ok(done.rows_affected() == 1)
    }

    /// The same password, hashed with other parameters.
    pub async fn rehash(&self, credential: &Credential, password_hash: &str) -> Result<(), CredentialsError> {
        sqlx::query(include_str!("credentials/rehash.sql"))
            .bind(credential.user.uuid().as_bytes().to_vec())
            .bind(&credential.password_hash)
            .bind(password_hash)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

pub(super) fn credential(row: &SqliteRow) -> Result<Credential, CredentialsError> {
    let user: Vec<u8> = row.try_get("user_id")?;
    let user = Uuid::from_slice(&user).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Credential {
        user: user.into(),
        handle: Handle::parse(row.try_get("handle")?)?,
        display_name: DisplayName::parse(row.try_get("display_name")?)?,
        password_hash: row.try_get("password_hash")?,
        password_version: row.try_get("password_version")?,
    })
}
