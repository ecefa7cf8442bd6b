//! The live timeline: per channel the newest events as encoded frames, in memory, in log order, fed by the log's tail. It is what sockets
//! stream and what resumes and long polls read first; older events are read from the log itself and encoded the same way.

mod encode;
mod receipt;
#[cfg(test)]
mod tests;
mod window;

use std::{collections::HashSet, sync::Arc, time::Duration};

use dashmap::DashMap;
use domain::{ChannelId, Coded, Decider, MessageId, UserId, channel};
use event_store::{EventLog, ReadError, Recorded, StreamName};
use tokio::sync::{broadcast, watch};

pub use encode::{LiveEvent, text_frame};
pub use receipt::LiveReceipt;
pub use window::Hot;
use window::Window;

/// Batches that a worker may be behind before it has to read them from the windows or the log.
const BATCHES_MAX: usize = 1024;
/// Channels that keep a window; the least recently used one is dropped for the next.
const WINDOWS_MAX: usize = 20_000;
/// Bytes that all windows may hold together.
const WINDOWS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Wait after the log could not be read.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Events of channels that became durable together, in log order.
#[derive(Debug)]
pub struct LiveBatch {
    pub events: Vec<Arc<LiveEvent>>,
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

/// A page of a channel's events, read from the log.
#[derive(Debug)]
pub struct ColdPage {
    pub events: Vec<Arc<LiveEvent>>,
    /// The newest seq of the channel when the page was read.
    pub top: u64,
}

pub struct LiveTimeline {
    log: Arc<dyn EventLog>,
    deletions: Arc<dyn Deletions>,
    windows: DashMap<ChannelId, Window>,
    batches: broadcast::Sender<Arc<LiveBatch>>,
    applied: watch::Sender<u64>,
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

    /// Resolves with the next change of the windows, of whatever channel.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// Events of a channel from `from` on, if its window reaches back that far.
    pub fn hot(&self, channel: ChannelId, from: u64) -> Hot {
        self.windows
            .get(&channel)
            .map_or(Hot::Absent, |window| window.from(from))
    }

    /// Events of a channel from `from` on, read from the log, without the words that are deleted by now.
    pub async fn cold(&self, channel: ChannelId, from: u64, limit: usize) -> Result<ColdPage, LiveError> {
        let stream = StreamName::new(channel::Channel::CATEGORY, channel.uuid());
        let page = self.log.read_stream(&stream, from.saturating_sub(1), limit).await?;
        let deleted = self.deleted_among(channel, &page.events).await?;
        let hidden = |message: &MessageId| deleted.contains(message);
        let events = page
            .events
            .iter()
            .filter_map(|recorded| LiveEvent::encode(recorded, hidden))
            .map(Arc::new)
            .collect();
        Ok(ColdPage {
            events,
            top: page.last_revision.map_or(0, |last| last + 1),
        })
    }

    /// At most `limit` events of a channel from `from` on, from the window where it reaches back that far, else from the log.
    pub async fn page(&self, channel: ChannelId, from: u64, limit: usize) -> Result<Vec<Arc<LiveEvent>>, LiveError> {
        match self.hot(channel, from) {
            Hot::Events(mut events) => {
                events.truncate(limit);
                Ok(events)
            }
            Hot::Older | Hot::Absent => self.cold(channel, from, limit).await.map(|page| page.events),
        }
    }

    /// Whether the window of a channel holds an event from `from` on.
    pub fn has(&self, channel: ChannelId, from: u64) -> bool {
        self.windows.get(&channel).is_some_and(|window| window.top() >= from)
    }

    /// Seq of the newest event that the window of a channel holds; 0 without a window.
    pub fn top(&self, channel: ChannelId) -> u64 {
        self.windows.get(&channel).map_or(0, |window| window.top())
    }

    async fn deleted_among(
        &self,
        channel: ChannelId,
        events: &[Arc<Recorded>],
    ) -> Result<HashSet<MessageId>, LiveError> {
        let worded: Vec<_> = events
            .iter()
            .filter_map(|recorded| encode::message_with_words(recorded))
            .collect();
        if worded.is_empty() {
            return Ok(HashSet::new());
        }
        self.deletions.among(channel, worded).await.ok_or(LiveError::State)
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
                self.windows.remove(&dropped);
            }
        }
        let receipts: Vec<_> = events
            .iter()
            .filter_map(|recorded| LiveReceipt::encode(recorded))
            .collect();
        if !live.is_empty() || !receipts.is_empty() {
            // Nobody listening is fine.
            let _listeners = self.batches.send(Arc::new(LiveBatch {
                events: live,
                receipts,
                position,
            }));
        }
        self.applied.send_replace(position);
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
