//! The service's data folder, opened by a tool while the service does not run on it: the log, the write side over it, and the table of
//! handles. The layout is the service's own; its lock keeps the two apart.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use commands::{CommandMetrics, Commands, IntentKey, Options};
use domain::{Handle, UserId};
use event_store::{EventLog, SqliteLog, SqliteOptions};
use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

pub(crate) struct DataFolder {
    pub(crate) commands: Commands,
    service: PathBuf,
}

impl DataFolder {
    /// Opens the folder, making what is missing as the service would at its first start.
    pub(crate) async fn open(folder: &Path, secrets: Option<&Path>) -> anyhow::Result<Self> {
        let keys = secrets.map_or_else(|| folder.join("keys"), Path::to_owned);
        make_private(folder)?;
        make_private(&keys)?;
        let (log_path, service) = (folder.join("log.sqlite"), folder.join("service.sqlite"));
        migrations::migrate_log(&log_path).await?;
        migrations::migrate_service(&service).await?;
        let log: Arc<dyn EventLog> = SqliteLog::open(SqliteOptions::new(log_path))?;
        let options = Options {
            snapshots: Some(folder.join("snapshots")),
            memory_bytes: Options::MEMORY_BYTES,
            intents: IntentKey::load_or_make(&keys.join("intent.key"))?,
            metrics: CommandMetrics::default(),
        };
        let identity = log.head().await?.identity;
        Ok(Self {
            commands: Commands::new(&log, identity, options),
            service,
        })
    }

    /// Takes handles for people who cannot sign in (their password matches nothing), before anything of them reaches the log.
    pub(crate) async fn reserve_handles(&self, people: impl Iterator<Item = (Handle, UserId)>) -> anyhow::Result<()> {
        let rows: Vec<_> = people
            .map(|(handle, user)| serde_json::json!({ "handle": handle, "user": user.uuid().simple().to_string() }))
            .collect();
        let rows = serde_json::to_string(&rows)?;
        let options = SqliteConnectOptions::new()
            .filename(&self.service)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut service = SqliteConnection::connect_with(&options).await?;
        sqlx::query(include_str!("data_folder/reserve_handles.sql"))
            .bind(&rows)
            .bind(chrono::Utc::now().timestamp_micros())
            .execute(&mut service)
            .await?;
        let other: Option<String> = sqlx::query_scalar(include_str!("data_folder/handles_of_others.sql"))
            .bind(&rows)
            .fetch_optional(&mut service)
            .await?;
        service.close().await?;
        match other {
            Some(handle) => bail!("the handle {handle} belongs to somebody else already"),
            None => Ok(()),
        }
    }

    /// Leaves snapshots of long streams for whoever comes next.
    pub(crate) async fn close(self) {
        self.commands.close().await;
    }
}

/// For the owner alone, like everything in it.
pub(crate) fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))
}
