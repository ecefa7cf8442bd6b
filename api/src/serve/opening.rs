//! Opens everything in the one order that is safe: folders, schemas, the log (which refuses to be opened twice), keys, then what is
//! built on them. `grant` and `revoke` open no more than they need.

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use actix_web::web;
use commands::{Caller, CommandError, CommandMetrics, Commands, Options, PortFailure};
use domain::{
    Actor, Handle,
    user::{self, ServiceRole},
};
use event_store::{EventLog, Head, Identity, LogLock, OpenError, ReadError, SqliteLog, SqliteOptions};
use projections::{Running, Views, live::LiveTimeline};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::{App, InFlight},
    auth::{Auth, AuthError, Credentials, CredentialsError, Identities, Issuers, KeyError, Keys, Proofs},
    brakes::Brakes,
    did_web::Proving,
    metrics::{LogMetrics, Metrics},
    outbound::{Outbound, SystemNames},
    rates::Rates,
    request::{fresh_key, now},
    serve::following::StatedDeletions,
    settings::{Profile, Settings},
    ws::{Ephemeral, Sockets},
};

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the folder {folder} cannot be made")]
    Folder { folder: String, source: io::Error },
    #[error(transparent)]
    Migrate(#[from] migrations::MigrateError),
    #[error(transparent)]
    Log(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Views(#[from] projections::OpenError),
    #[error(transparent)]
    Restored(#[from] projections::RestoredError),
    #[error("followers of the log cannot note where they start")]
    Following(#[from] PortFailure),
    #[error("the address {address} cannot be listened on")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("signals cannot be received")]
    Signals(#[source] io::Error),
    #[error("there is no account with that handle")]
    NoSuchAccount,
    #[error("the role was not changed: {0}")]
    Role(CommandError<user::Rejection>),
}

/// What serving needs.
pub(super) struct Opened {
    pub(super) app: web::Data<App>,
    pub(super) views: Running,
}

pub(super) async fn open(settings: Settings) -> Result<Opened, StartError> {
    let log_metrics = LogMetrics::default();
    let base = Base::open(&settings, log_metrics.clone()).await?;
    let views = Views::open(&settings.views_path, &base.head).await?;
    let folding = views.start(Arc::clone(&base.log));
    let auth = Auth::open(
        &settings.service_path(),
        &base.keys,
        &settings.limits,
        &base.log,
        &base.head,
    )
    .await?;
    let deletions = Arc::new(StatedDeletions(base.commands.channels.clone()));
    let live = LiveTimeline::new(Arc::clone(&base.log), deletions, base.head.position);
    let metrics = Metrics::new(base.command_metrics, log_metrics, |registry| {
        views.register(registry);
        live.register(registry);
        auth.register_metrics(registry);
    });
    tokio::spawn(Arc::clone(&live).run());
    let exceptions = settings.outbound_test_origins.clone();
    let outbound = Arc::new(Outbound::new(
        Arc::new(SystemNames),
        exceptions,
        metrics.outbound.clone(),
    ));
    let app = App {
        limits: settings.limits,
        identity: base.head.identity,
        brakes: Brakes::new(&settings.limits, settings.rate_limits, metrics.rates.clone()),
        rates: Rates::new(&settings.limits, settings.rate_limits, metrics.rates.clone()),
        ephemeral: Ephemeral::new(&settings.limits),
        issuers: Issuers::new(&settings.issuers, &outbound),
        identities: Identities::new(auth.credentials.pool()),
        proving: Proving::new(Arc::clone(&outbound), auth.credentials.pool(), settings.rate_limits),
        proofs: Proofs::new(metrics.auth.proofs_kept.clone()),
        settings,
        log: base.log,
        commands: base.commands,
        views,
        live,
        sockets: Sockets::default(),
        auth,
        metrics,
        draining: CancellationToken::new(),
        in_flight: InFlight::default(),
    };
    let app = web::Data::new(app);
    tokio::spawn(Ephemeral::follow_blocks(app.clone(), base.head.position));
    Ok(Opened { app, views: folding })
}

/// The write side, open.
struct Base {
    log: Arc<dyn EventLog>,
    head: Head,
    keys: Keys,
    commands: Commands,
    command_metrics: CommandMetrics,
}

impl Base {
    async fn open(settings: &Settings, metrics: LogMetrics) -> Result<Self, StartError> {
        for folder in [&settings.data_dir, &settings.secrets_dir, &settings.snapshots_dir()] {
            make_private(folder)?;
        }
        migrate_log(&settings.log_path).await?;
        let log: Arc<dyn EventLog> = open_present_log(settings, metrics).await?;
        migrations::migrate_service(&settings.service_path()).await?;
        let head = log.head().await?;
        let keys = match settings.profile {
            Profile::Dev => Keys::load_or_make(&settings.secrets_dir)?,
            Profile::Production => Keys::load(&settings.secrets_dir)?,
        };
        let command_metrics = CommandMetrics::default();
        let options = Options {
            snapshots: Some(settings.snapshots_dir()),
            memory_bytes: Options::MEMORY_BYTES,
            intents: keys.intent.clone(),
            metrics: command_metrics.clone(),
        };
        let commands = Commands::new(&log, head.identity, options);
        Ok(Self {
            log,
            head,
            keys,
            commands,
            command_metrics,
        })
    }
}

/// Tables are not changed under a process that works with them.
async fn migrate_log(path: &Path) -> Result<(), StartError> {
    let _nobody_else = LogLock::acquire(path)?;
    Ok(migrations::migrate_log(path).await?)
}

/// The log, as one that was never restored, or that says so. Views that know of a future it has lost say that it was: from then on it is
/// another incarnation, so that whoever saw that future learns that it is gone. Nothing of it is used, and no seq is given twice silently.
async fn open_present_log(settings: &Settings, metrics: LogMetrics) -> Result<Arc<SqliteLog>, StartError> {
    let log = open_log(settings, metrics.clone()).await?;
    let (restored, newest) = projections::restored(&settings.views_path, &*log).await?;
    let Some(restored) = restored else { return Ok(log) };
    // Its lock goes with it.
    drop(log);
    let identity = raise_above(settings, newest).await?;
    tracing::error!(
        %identity,
        why = %restored,
        "The log was restored from a backup; it is another incarnation from now on, and the views are folded again"
    );
    open_log(settings, metrics).await
}

/// Says that the log was restored, for whoever restored more than the log. Works offline: the server must not be running on the same data.
pub async fn raise_incarnation(settings: &Settings) -> Result<Identity, StartError> {
    migrate_log(&settings.log_path).await?;
    let log = open_log(settings, LogMetrics::default()).await?;
    let (_, newest) = projections::restored(&settings.views_path, &*log).await?;
    drop(log);
    raise_above(settings, newest).await
}

async fn raise_above(settings: &Settings, incarnation: u32) -> Result<Identity, StartError> {
    let options = SqliteOptions::new(&settings.log_path);
    let raising = tokio::task::spawn_blocking(move || SqliteLog::raise_incarnation(&options, incarnation));
    Ok(raising
        .await
        .map_err(|error| OpenError::Thread(io::Error::other(error)))??)
}

/// After a crash this takes as long as the rest of the write-ahead log does, so it has a thread of its own.
async fn open_log(settings: &Settings, metrics: LogMetrics) -> Result<Arc<SqliteLog>, StartError> {
    let mut options = SqliteOptions::new(&settings.log_path);
    options.on_commit = Some(Arc::new(move |commit| {
        metrics.committed(commit.events, commit.bytes, commit.duration)
    }));
    let opening = tokio::task::spawn_blocking(move || SqliteLog::open(options));
    Ok(opening
        .await
        .map_err(|error| OpenError::Thread(io::Error::other(error)))??)
}

/// Makes the folder and those above it; the folder itself only its owner may enter. One that exists keeps its mode.
fn make_private(folder: &Path) -> Result<(), StartError> {
    let mut new = std::fs::DirBuilder::new();
    new.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut new, 0o700);
    new.create(folder).map_err(|source| StartError::Folder {
        folder: folder.display().to_string(),
        source,
    })
}

/// Makes the keys that are missing; those that are there stay.
pub fn create_keys(settings: &Settings) -> Result<(), StartError> {
    make_private(&settings.secrets_dir)?;
    Keys::load_or_make(&settings.secrets_dir)?;
    Ok(())
}

/// Gives an account a role over the whole service. Works offline: the server must not be running on the same data.
pub async fn grant(settings: &Settings, handle: &Handle, role: ServiceRole) -> Result<(), StartError> {
    at_the_console(settings, handle, user::Command::GrantRole { role }).await
}

/// Takes the role away again, as offline.
pub async fn revoke(settings: &Settings, handle: &Handle, role: ServiceRole) -> Result<(), StartError> {
    at_the_console(settings, handle, user::Command::RevokeRole { role }).await
}

async fn at_the_console(settings: &Settings, handle: &Handle, command: user::Command) -> Result<(), StartError> {
    let base = Base::open(settings, LogMetrics::default()).await?;
    let credentials = Credentials::open(&settings.service_path()).await?;
    let account = credentials.find(handle).await?.ok_or(StartError::NoSuchAccount)?;
    let caller = Caller {
        actor: Actor::System,
        acting_as: None,
        key: fresh_key(),
        request_id: Uuid::now_v7(),
        at: now(),
    };
    let done = base.commands.users.execute(account.user.uuid(), command, caller).await;
    base.commands.close().await;
    credentials.close().await;
    done.map(|_| ()).map_err(StartError::Role)
}
