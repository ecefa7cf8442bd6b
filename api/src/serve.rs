//! From settings to a running server and to its orderly end: what is opened in which order, what runs beside the requests, and what
//! happens on a signal. What requests do is in `http` and `ws`.

mod following;
mod opening;
#[cfg(test)]
mod stage;
mod stopping;

use std::{any::Any, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    App as WebApp, HttpServer,
    dev::{Server, ServerHandle},
    middleware::from_fn,
    rt::net::TcpStream,
    web,
};
use commands::SpaceExits;
use event_store::EventLog;
use projections::{Pace, RunnerError, Running};
use tokio::task::JoinHandle;

use self::following::{StoredCheckpoints, ViewedChannels};
use self::opening::{Opened, open};
pub use self::opening::{StartError, create_keys, grant, raise_incarnation, revoke};
#[cfg(test)]
pub(crate) use self::stage::Stage;
use crate::{
    app::App,
    did_web, http,
    request::{admission, around, cors},
    settings::Settings,
};

/// The process could not start, or ended for a reason it names in the log.
pub const EXIT_FAILED: u8 = 1;
/// The log failed with an outcome unknown (`EX_IOERR` of sysexits): restart and verify, nothing acknowledged is lost.
pub const EXIT_LOG_FAILED: u8 = 74;

/// Connections that may wait to be accepted while every worker is busy.
const BACKLOG: u32 = 2_048;
/// How long a client may take to send the head of a request, and to go away when told to.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);
/// How much longer than a socket may stall a peer may leave what was sent unread, before its connection is ended.
const UNREAD_GRACE: Duration = Duration::from_secs(10);
/// Bytes of one connection that the system may hold for a peer that does not read. Left to itself it takes megabytes of each, in fresh
/// memory and at the others' cost, and slowness shows in our own queues only after that. Enough for 2.5 MB/s at 100 ms there and back.
const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// How long a quiet connection is kept for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Serves until told to stop; the exit code says how it went.
pub async fn serve(settings: Settings) -> Result<u8, StartError> {
    let stop = stopping::asked()?;
    let Opened { app, mut views } = open(settings).await?;
    end_with_the_log(Arc::clone(&app.log));
    let exits = space_exits(&app);
    exits.begin().await?;
    let exits = tokio::spawn(exits.run());
    let identities = tokio::spawn(did_web::recheck(app.clone()));
    let verifier = verifier(&app);
    let (main, address) = main_server(&app)?;
    let metrics = metrics_server(&app)?;
    let handles: Vec<ServerHandle> = [Some(&main), metrics.as_ref()]
        .into_iter()
        .flatten()
        .map(Server::handle)
        .collect();
    tokio::spawn(main);
    if let Some(metrics) = metrics {
        tokio::spawn(metrics);
    }
    announce(address);
    let exit = tokio::select! {
        () = stop => 0,
        ended = views.ended() => views_ended(ended),
    };
    stopping::stop(&app, handles).await;
    exits.abort();
    identities.abort();
    verifier.abort();
    app.views.stop_verifying();
    close(&app, views, exit).await;
    Ok(exit)
}

/// The line that says the server is there; the only thing on standard output.
fn announce(address: SocketAddr) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // Nobody may be reading it, which is no reason to stop.
    let _unread = writeln!(out, "listening on http://{address}").and_then(|()| out.flush());
    tracing::info!(%address, "Serving");
}

/// What was acknowledged is safe, what is in doubt must not be: the only right thing is to end at once and start again.
fn end_with_the_log(log: Arc<dyn EventLog>) {
    tokio::spawn(async move {
        let reason = log.failed().await;
        tracing::error!(reason, "The log failed; ending, to be restarted and verified");
        std::process::exit(i32::from(EXIT_LOG_FAILED));
    });
}

fn space_exits(app: &App) -> SpaceExits {
    SpaceExits {
        log: Arc::clone(&app.log),
        channels: app.commands.channels.clone(),
        spaces: app.commands.spaces.clone(),
        memberships: Arc::new(ViewedChannels(app.views.clone())),
        checkpoints: Arc::new(StoredCheckpoints::new(app.auth.credentials.pool(), app.identity)),
    }
}

/// Until it is aborted; where settings switch it off, it only sleeps.
fn verifier(app: &web::Data<App>) -> JoinHandle<()> {
    let (views, log, verify) = (app.views.clone(), Arc::clone(&app.log), app.settings.verify);
    let pace = Pace {
        interval: Duration::from_secs(verify.interval_s),
        rows: verify.rows,
        streams: usize::try_from(verify.streams).unwrap_or(usize::MAX),
    };
    tokio::spawn(async move {
        if verify.interval_s > 0 {
            views.verify_in_background(log, pace).await;
        }
    })
}

fn main_server(app: &web::Data<App>) -> Result<(Server, SocketAddr), StartError> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    server(app, app.settings.listen, workers, http::routes(app))
}

/// Metrics on an address of their own, where the settings want one.
fn metrics_server(app: &web::Data<App>) -> Result<Option<Server>, StartError> {
    let Some(address) = app.settings.metrics_listen else {
        return Ok(None);
    };
    let (server, address) = server(app, address, 1, http::metrics_routes)?;
    tracing::info!(%address, "Serving metrics");
    Ok(Some(server))
}

/// A server that is bound already, and the address it got.
fn server(
    app: &web::Data<App>,
    address: SocketAddr,
    workers: usize,
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> Result<(Server, SocketAddr), StartError> {
    let unread_for = Duration::from_millis(app.limits.outbound_stall_ms as u64) + UNREAD_GRACE;
    let app = app.clone();
    let make = move || {
        WebApp::new()
            .app_data(app.clone())
            .wrap(from_fn(admission))
            .wrap(cors(&app))
            .wrap(from_fn(around))
            .configure(routes.clone())
    };
    let server = HttpServer::new(make)
        .workers(workers)
        .backlog(BACKLOG)
        // Without it a small answer waits for the acknowledgement of the one before.
        .tcp_nodelay(true)
        .on_connect(move |stream, _| bound_what_is_unread(stream, unread_for))
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(GOODBYE_TIMEOUT)
        .shutdown_timeout(stopping::PATIENCE.as_secs())
        .disable_signals()
        .bind(address)
        .map_err(|source| StartError::Listen { address, source })?;
    let bound = server.addrs().first().copied().unwrap_or(address);
    Ok((server.run(), bound))
}

/// Bounds what the system holds for a peer that takes nothing, and for how long: nothing above it can, once bytes are with the system,
/// and such connections would gather.
fn bound_what_is_unread(stream: &dyn Any, unread_for: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = stream.downcast_ref::<TcpStream>() {
        let socket = socket2::SockRef::from(stream);
        let bounded = socket
            .set_tcp_user_timeout(Some(unread_for))
            .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER_BYTES));
        if let Err(error) = bounded {
            tracing::debug!(%error, "A connection without bounds for what is not read");
        }
    }
}

fn views_ended(how: Result<(), RunnerError>) -> u8 {
    let why = how.map_or_else(|error| error.to_string(), |()| "it was told to".to_owned());
    tracing::error!(why, "The views are no longer kept up to date; ending, to be restarted");
    EXIT_FAILED
}

/// Lets what is known but not yet in the log get there, then closes what is open.
async fn close(app: &App, views: Running, exit: u8) {
    app.commands.close().await;
    if exit == 0
        && let Err(error) = views.stop().await
    {
        tracing::warn!(%error, "The views did not stop in order; they go on where they stand");
    }
    app.auth.close().await;
    tracing::info!(exit, "Ended");
}
