//! Everything a handler or a socket needs, made once at the start and shared by all. How it is made is in `serve.rs`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use commands::Commands;
use event_store::{EventLog, Identity};
use projections::{Views, live::LiveTimeline};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Auth, Identities, Issuers, Proofs},
    brakes::Brakes,
    did_web::Proving,
    limits::Limits,
    metrics::Metrics,
    position::Pos,
    problem::{Problem, codes},
    rates::Rates,
    settings::Settings,
    ws::{Ephemeral, Sockets},
};

pub struct App {
    pub settings: Settings,
    pub limits: Limits,
    pub log: Arc<dyn EventLog>,
    /// Which log this is; part of every position that clients hold.
    pub identity: Identity,
    pub commands: Commands,
    pub views: Views,
    pub live: Arc<LiveTimeline>,
    pub sockets: Sockets,
    pub ephemeral: Ephemeral,
    pub auth: Auth,
    pub(crate) issuers: Issuers,
    pub(crate) identities: Identities,
    pub(crate) proofs: Proofs,
    pub(crate) proving: Proving,
    pub rates: Rates,
    pub brakes: Brakes,
    pub metrics: Metrics,
    /// Cancelled when the process is asked to stop: sockets say goodbye, waits end, no new work is taken.
    pub draining: CancellationToken,
    pub in_flight: InFlight,
}

impl App {
    /// A position of our log, for clients.
    pub fn pos(&self, position: u64) -> Pos {
        Pos::new(self.identity, position)
    }

    /// Refuses new work while the process is about to stop.
    pub fn takes_work(&self) -> Result<(), Problem> {
        if self.draining.is_cancelled() {
            Err(Problem::new(&codes::SERVICE_DRAINING))
        } else {
            Ok(())
        }
    }

    /// Waits until the views have come to the client's `min_pos`, for as long as a read may wait.
    pub async fn caught_up(&self, min_pos: Option<&str>) -> Result<(), Problem> {
        let Some(text) = min_pos else { return Ok(()) };
        let pos: Pos = text
            .parse()
            .map_err(|error: crate::position::PosError| Problem::invalid("/min_pos", error.to_string()))?;
        self.shown(pos.within(self.identity)?).await
    }

    /// Waits until the views show what stands at `position`.
    pub async fn shown(&self, position: u64) -> Result<(), Problem> {
        let patience = Duration::from_millis(self.limits.view_wait_ms as u64);
        if self.views.wait_for(position, patience).await {
            Ok(())
        } else {
            Err(Problem::new(&codes::VIEW_BEHIND))
        }
    }
}

/// Counts requests that are being answered, so that the end can wait for them.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<AtomicUsize>);

/// One request; it ends when this is dropped.
#[derive(Debug)]
pub struct Entered(Arc<AtomicUsize>);

impl InFlight {
    pub fn enter(&self) -> Entered {
        self.0.fetch_add(1, Ordering::AcqRel);
        Entered(Arc::clone(&self.0))
    }

    pub fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
