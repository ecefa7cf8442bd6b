//! Follows the log and decodes each batch once, ahead of the writer and within bounds.

use std::{ops::Range, sync::Arc, time::Duration};

use event_store::{Committed, EventLog, Tail};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinHandle,
};

use super::{RETRY_MAX, RETRY_MIN};
use crate::{event::Decoded, views::Shared};

/// Committed batches ahead of the writer: more than are committed while it rests.
const BATCHES_AHEAD: usize = 1024;
/// Payload bytes ahead of the writer; batches wait for room in them. One larger batch alone is let through.
const BYTES_AHEAD: usize = 16 * 1024 * 1024;
/// Payload bytes folded in one transaction, give or take an event: their rows are in memory several times over meanwhile.
const RUN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How often the end of the log is looked up, for the lag.
const HEAD_EVERY: Duration = Duration::from_secs(1);

/// Committed batches, decoded, as far as they are there already.
pub(super) struct Batch {
    events: Vec<Decoded>,
    scanned_to: u64,
    bytes: usize,
    room: OwnedSemaphorePermit,
}

impl Batch {
    async fn of(committed: &Committed, room: &Arc<Semaphore>) -> Option<Self> {
        let bytes: usize = committed
            .events
            .iter()
            .map(|recorded| recorded.event.payload.len())
            .sum();
        let permits = u32::try_from(bytes.min(BYTES_AHEAD)).ok()?;
        let room = room.clone().acquire_many_owned(permits).await.ok()?;
        let events = Decoded::all(&committed.events, &committed.damaged);
        Some(Self {
            events,
            scanned_to: committed.scanned_to,
            bytes,
            room,
        })
    }

    /// There is enough for one transaction of at most `events_max`.
    pub(super) fn fills(&self, events_max: usize) -> bool {
        self.events.len() >= events_max || self.bytes >= RUN_BYTES_MAX
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn events(&self) -> &[Decoded] {
        &self.events
    }

    pub(super) fn scanned_to(&self) -> u64 {
        self.scanned_to
    }

    /// The places of the next events after `at`, at most `events_max` of them and none beyond `up_to`, with the position at which they
    /// end; `None` if that is no step ahead.
    pub(super) fn part(&self, at: u64, events_max: usize, up_to: u64) -> Option<(Range<usize>, u64)> {
        let first = self.events.partition_point(|event| event.position <= at);
        let allowed = self.events.partition_point(|event| event.position <= up_to);
        let fresh = self.events.get(first..allowed)?;
        let end = first + run_len(fresh, events_max.max(1));
        let last = if end == self.events.len() {
            self.scanned_to.min(up_to)
        } else if end == allowed {
            up_to
        } else {
            self.events.get(end.checked_sub(1)?)?.position
        };
        (last > at).then_some((first..end, last))
    }

    pub(super) fn append(&mut self, next: Self) {
        self.events.extend(next.events);
        self.scanned_to = next.scanned_to;
        self.bytes += next.bytes;
        self.room.merge(next.room);
    }

    /// The events of one transaction after the other, each with the position at which it ends.
    pub(super) fn runs(&self, events_max: usize) -> impl Iterator<Item = (&[Decoded], u64)> {
        let mut rest = self.events.as_slice();
        std::iter::from_fn(move || {
            let (run, later) = rest.split_at(run_len(rest, events_max.max(1)));
            rest = later;
            let last = run.last()?;
            Some((
                run,
                if later.is_empty() {
                    self.scanned_to
                } else {
                    last.position
                },
            ))
        })
    }
}

fn run_len(events: &[Decoded], events_max: usize) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Decoded| {
        let fits = bytes < RUN_BYTES_MAX;
        bytes += event.bytes;
        fits
    };
    events.iter().take(events_max).take_while(fits).count()
}

/// The task that reads. Ends with this handle.
pub(super) struct Reader(JoinHandle<()>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reader {
    /// Everything after `from`, in order. The receiver ends only if the task dies.
    pub(super) fn start(log: Arc<dyn EventLog>, from: u64, shared: Arc<Shared>) -> (Self, mpsc::Receiver<Batch>) {
        let (batches, waiting) = mpsc::channel(BATCHES_AHEAD);
        let tail = log.clone().tail(from);
        let task = tokio::spawn(async move {
            tokio::join!(read(tail, batches, &shared), watch_head(log, &shared));
        });
        (Self(task), waiting)
    }

    /// The same for a generation that is built beside those that serve.
    pub(super) fn beside(log: Arc<dyn EventLog>, from: u64, shared: Arc<Shared>) -> (Self, mpsc::Receiver<Batch>) {
        let (batches, waiting) = mpsc::channel(BATCHES_AHEAD);
        let task = tokio::spawn(async move { read(log.tail(from), batches, &shared).await });
        (Self(task), waiting)
    }
}

async fn read(mut tail: Tail, batches: mpsc::Sender<Batch>, shared: &Shared) {
    let room = Arc::new(Semaphore::new(BYTES_AHEAD));
    let mut wait = RETRY_MIN;
    loop {
        match tail.next().await {
            Ok(committed) => {
                wait = RETRY_MIN;
                shared.progress.saw_head(committed.scanned_to);
                let Some(batch) = Batch::of(&committed, &room).await else {
                    return;
                };
                if batches.send(batch).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "The views cannot read the log, trying again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
        }
    }
}

/// Age of the event after `position`; nothing where there is none.
async fn age_of_next(log: &dyn EventLog, position: u64, head: u64) -> Duration {
    if position >= head {
        return Duration::ZERO;
    }
    let next = log.read_all(position, 1).await.ok();
    let recorded = next.and_then(|page| page.events.first().map(|next| next.event.recorded_at));
    recorded.map_or(Duration::ZERO, |at| {
        chrono::Utc::now()
            .signed_duration_since(at)
            .to_std()
            .unwrap_or_default()
    })
}

async fn watch_head(log: Arc<dyn EventLog>, shared: &Shared) {
    loop {
        if let Ok(head) = log.head().await {
            shared.progress.saw_head(head.position);
        }
        // A view that is stuck does not report how far behind it falls.
        for standing in shared.progress.generations() {
            standing.lags(age_of_next(&*log, standing.position(), shared.progress.head()).await);
        }
        shared.metrics.observe(&shared.progress.status());
        tokio::time::sleep(HEAD_EVERY).await;
    }
}
