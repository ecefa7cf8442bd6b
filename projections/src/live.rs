//! The live timeline: per channel the newest events as encoded frames, in memory, in log order, fed by the log's tail. It is what sockets
//! stream and what resumes and long polls read first; older events are read from the log itself and encoded the same way.

mod cursor;
mod encode;
mod metrics;
mod news;
mod reading;
mod receipt;
mod run;
#[cfg(test)]
mod tests;
mod window;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;
use domain::{ChannelId, Coded, Decider, MessageId, UserId, channel};
use event_store::{EventLog, ReadError, Recorded};
use prometheus_client::registry::Registry;
use tokio::sync::{Semaphore, broadcast, watch};

pub use cursor::{Cursor, Sight};
pub use encode::{LiveEvent, text_frame};
pub use news::News;
pub use reading::{Page, Reach};
pub use receipt::LiveReceipt;
pub use run::Run;
use window::Window;

/// Batches that a worker may be behind before it has to read them from the windows or the log.
const BATCHES_MAX: usize = 1024;
/// Channels that keep a window; the least recently used one is dropped for the next.
const WINDOWS_MAX: usize = 20_000;
/// Bytes that all windows may hold together.
const WINDOWS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Reads of the log at once, so that a storm of resumes does not starve everything else.
const COLD_READS_MAX: usize = 8;
/// Wait after the log could not be read.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Events of channels that became durable together, by channel.
#[derive(Debug)]
pub struct LiveBatch {
    pub runs: Vec<Run>,
    pub receipts: Vec<LiveReceipt>,
    pub position: u64,
}

/// Tells which messages are deleted by now, from the channel's own state, so that no reader of old events is shown deleted words.
#[async_trait::async_trait]
pub trait Deletions: Send + Sync {
    async fn among(&self, channel: ChannelId, messages: Vec<MessageId>) -> Option<HashSet<MessageId>>;
}

#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error(transparent)]
    Log(#[from] ReadError),
    /// Without the channel's state nobody can tell which words were deleted, so nothing is shown.
    #[error("the channel's state cannot be read")]
    State,
}

pub struct LiveTimeline {
    log: Arc<dyn EventLog>,
    deletions: Arc<dyn Deletions>,
    windows: DashMap<ChannelId, Window>,
    batches: broadcast::Sender<Arc<LiveBatch>>,
    applied: watch::Sender<u64>,
    newsroom: news::Newsroom,
    /// Position of the newest event of any window that was dropped.
    dropped_to: AtomicU64,
    cold_reads: Semaphore,
    metrics: metrics::LiveMetrics,
}

impl LiveTimeline {
    /// Starts at the head of the log: whatever is older is cold.
    pub fn new(log: Arc<dyn EventLog>, deletions: Arc<dyn Deletions>, head: u64) -> Arc<Self> {
        Arc::new(Self {
            log,
            deletions,
            windows: DashMap::new(),
            batches: broadcast::channel(BATCHES_MAX).0,
            applied: watch::channel(head).0,
            newsroom: news::Newsroom::default(),
            dropped_to: AtomicU64::new(0),
            cold_reads: Semaphore::new(COLD_READS_MAX),
            metrics: metrics::LiveMetrics::default(),
        })
    }

    /// Follows the log for ever.
    pub async fn run(self: Arc<Self>) {
        let mut tail = Arc::clone(&self.log).tail(*self.applied.borrow());
        let mut order = window::Order::new(WINDOWS_MAX, WINDOWS_BYTES_MAX);
        loop {
            match tail.next().await {
                Ok(batch) => self.apply(&batch.events, batch.scanned_to, &mut order),
                Err(error) => {
                    tracing::warn!(%error, "Live timeline cannot read the log");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    /// Batches from now on. A receiver that falls behind is told so and reads what it missed.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<LiveBatch>> {
        self.batches.subscribe()
    }

    /// The position up to which the windows show the log.
    pub fn position(&self) -> u64 {
        *self.applied.borrow()
    }

    /// Waits until the windows show the log up to `position`; false when that took too long.
    pub async fn wait_for(&self, position: u64, at_most: Duration) -> bool {
        let mut applied = self.applied.subscribe();
        let reached = applied.wait_for(|applied| *applied >= position);
        matches!(tokio::time::timeout(at_most, reached).await, Ok(Ok(_)))
    }

    /// Listens for events of a channel from now on. Whoever reads after this and then waits misses nothing.
    pub fn news(&self, channel: ChannelId) -> News {
        self.newsroom.listen(channel)
    }

    /// Seq of the newest event that the window of a channel holds; 0 without a window.
    pub fn top(&self, channel: ChannelId) -> u64 {
        self.windows.get(&channel).map_or(0, |window| window.top())
    }

    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// Windows first, then the announcement, then the position: whoever hears of an event finds it.
    fn apply(&self, events: &[Arc<Recorded>], position: u64, order: &mut window::Order) {
        let live: Vec<_> = events
            .iter()
            .filter(|recorded| recorded.stream.category() == channel::Channel::CATEGORY)
            .filter_map(|recorded| LiveEvent::encode(recorded, |_| false))
            .map(Arc::new)
            .collect();
        for event in &live {
            let mut window = self.windows.entry(event.channel).or_default();
            let grown = window.push(Arc::clone(event));
            drop(window);
            for dropped in order.touched(event.channel, grown) {
                self.drop_window(dropped);
            }
        }
        let receipts: Vec<_> = events
            .iter()
            .filter_map(|recorded| LiveReceipt::encode(recorded))
            .collect();
        live.iter()
            .for_each(|event| self.newsroom.tell(event.channel, event.seq));
        if !live.is_empty() || !receipts.is_empty() {
            // Nobody listening is fine.
            let _listeners = self.batches.send(Arc::new(LiveBatch {
                runs: run::runs(&live),
                receipts,
                position,
            }));
        }
        self.applied.send_replace(position);
    }

    /// How far it went is noted first, so that nobody takes its absence for silence.
    fn drop_window(&self, channel: ChannelId) {
        let newest = self.windows.get(&channel).map_or(0, |window| window.position());
        self.dropped_to.fetch_max(newest, Ordering::AcqRel);
        self.windows.remove(&channel);
    }
}

/// Decodes a channel event, or says nothing: what cannot be decoded is parked by the views and shown to nobody.
fn decode(recorded: &Recorded) -> Option<channel::Event> {
    channel::Event::decode(&recorded.event.kind, recorded.event.version, &recorded.event.payload).ok()
}

/// Who an event lets in or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Added(UserId),
    Ended(UserId, channel::End),
}
