//! Following the log: committed batches as the adapter announces them, and pages of the log wherever announcements were missed.

use std::{sync::Arc, time::Duration};

use tokio::sync::broadcast;

use crate::{Damaged, EventLog, ReadError, Recorded};

/// Events that became durable together, in log order, and the position up to which nothing can appear any more.
#[derive(Debug, Clone)]
pub struct Committed {
    pub events: Arc<[Arc<Recorded>]>,
    /// Places between those of the events whose own cannot be handed out, in order. Never announced, only read.
    pub damaged: Vec<Damaged>,
    pub scanned_to: u64,
}

/// Every event after a position, exactly once and in order. Announcements only save time: whatever they miss is read from the log.
pub struct Tail {
    log: Arc<dyn EventLog>,
    announced: broadcast::Receiver<Committed>,
    after: u64,
    /// Whether the log itself was read to its end since the last announcement was missed.
    caught_up: bool,
}

/// Announcements that wait for a slow tail; beyond them it reads the log instead. A batch can have a mebibyte, most have some hundred
/// bytes.
pub(crate) const ANNOUNCED_BATCHES_MAX: usize = 256;
/// Events per page while catching up.
const PAGE_EVENTS: usize = 1024;
/// How often the log is looked at when nothing is announced, so that no announcement is ever needed for correctness.
const POLL: Duration = Duration::from_millis(250);

impl Tail {
    pub fn new(log: Arc<dyn EventLog>, announced: broadcast::Receiver<Committed>, after: u64) -> Self {
        Self {
            log,
            announced,
            after,
            caught_up: false,
        }
    }

    /// The position up to which everything has been handed out.
    pub fn position(&self) -> u64 {
        self.after
    }

    /// The next batch, waiting for it if need be. After an error the same place may be asked for again.
    pub async fn next(&mut self) -> Result<Committed, ReadError> {
        loop {
            if !self.caught_up {
                let page = self.log.read_all(self.after, PAGE_EVENTS).await?;
                self.caught_up = page.places() < PAGE_EVENTS;
                self.after = page.scanned_to;
                if page.places() > 0 {
                    return Ok(Committed {
                        events: page.events.into(),
                        damaged: page.damaged,
                        scanned_to: page.scanned_to,
                    });
                }
            }
            match tokio::time::timeout(POLL, self.announced.recv()).await {
                Ok(Ok(batch)) => {
                    if let Some(batch) = self.accept(batch) {
                        return Ok(batch);
                    }
                }
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => self.caught_up = false,
                // A closed log announces nothing more; only the clock is left.
                Ok(Err(broadcast::error::RecvError::Closed)) => {
                    tokio::time::sleep(POLL).await;
                    self.caught_up = false;
                }
                Err(_elapsed) => self.caught_up = false,
            }
        }
    }

    /// The part of an announced batch that is new here. A batch that does not continue where we are means that something was missed.
    fn accept(&mut self, batch: Committed) -> Option<Committed> {
        let first = batch.events.first()?.position;
        if batch.scanned_to <= self.after {
            return None;
        }
        if first == self.after + 1 {
            self.after = batch.scanned_to;
            return Some(batch);
        }
        self.caught_up = false;
        None
    }
}
