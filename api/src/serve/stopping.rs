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

/// Returns when nothing is under way any more, or patience has ended. Sockets leave first, at a moment of their own; until then whoever
/// comes is told to go elsewhere rather than left without an answer.
pub(super) async fn stop(app: &App, servers: Vec<ServerHandle>) {
    app.draining.cancel();
    let end = Instant::now() + PATIENCE;
    until_none(end, || sockets(app)).await;
    for server in servers {
        tokio::spawn(server.stop(true));
    }
    let under_way = || app.in_flight.count() as u64 + sockets(app);
    until_none(end, under_way).await;
    if under_way() > 0 {
        tracing::warn!(under_way = under_way(), "Ending with requests or sockets under way");
    }
    sleep(LAST_WRITES).await;
}

async fn until_none(end: Instant, count: impl Fn() -> u64) {
    while count() > 0 && Instant::now() < end {
        sleep(LOOK_EVERY).await;
    }
}

fn sockets(app: &App) -> u64 {
    app.metrics.sockets.connections.get().max(0).cast_unsigned()
}
