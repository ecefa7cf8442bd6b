//! The end on request: no new connections, goodbye to sockets, time for what is under way, and not longer than an orchestrator waits.

use std::{future::Future, time::Duration};

use actix_web::dev::ServerHandle;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};

use super::StartError;
use crate::app::App;

/// How long requests and sockets get to end by themselves. Together with what closes afterwards it stays below 30 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// The last answers are on their way when nothing is left to answer; so long they get to leave.
const LAST_WRITES: Duration = Duration::from_millis(100);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Resolves when the process is asked to stop.
pub(super) fn asked() -> Result<impl Future<Output = ()>, StartError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("Asked to stop"),
            _ = interrupt.recv() => tracing::info!("Interrupted"),
        }
    })
}

/// Returns when nothing is under way any more, or patience has ended.
pub(super) async fn stop(app: &App, servers: Vec<ServerHandle>) {
    app.draining.cancel();
    for server in servers {
        tokio::spawn(server.stop(true));
    }
    let end = Instant::now() + PATIENCE;
    while under_way(app) > 0 && Instant::now() < end {
        sleep(LOOK_EVERY).await;
    }
    if under_way(app) > 0 {
        tracing::warn!(under_way = under_way(app), "Ending with requests or sockets under way");
    }
    sleep(LAST_WRITES).await;
}

fn under_way(app: &App) -> u64 {
    let sockets = app.metrics.sockets.connections.get().max(0).cast_unsigned();
    app.in_flight.count() as u64 + sockets
}
