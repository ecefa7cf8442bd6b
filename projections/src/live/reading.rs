//! What comes after a cursor: from the channel's window where that reaches back far enough, else from the log, without words that are
//! deleted by now and without anything after the reader's own departure. Every way to read events ends up here.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
};

use domain::{ChannelId, Decider, MessageId, channel};
use event_store::{Recorded, StreamName};

use super::{Cursor, LiveError, LiveEvent, LiveTimeline, encode, window::Hot};

/// Events that came after a cursor, in order.
#[derive(Debug)]
pub struct Page {
    pub events: Vec<Arc<LiveEvent>>,
    /// Where to read on: whatever lies below it is in the page, came before it, or can be shown to nobody.
    pub next: u64,
    /// There was nothing more for the reader when the page was read.
    pub complete: bool,
}

/// How far back the memory of a channel goes, seen from a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Nothing has come after the cursor.
    Nothing,
    /// All that came is in memory.
    Memory,
    /// The log has to be read to know.
    Log,
}

impl LiveTimeline {
    /// At most `limit` events after `cursor`.
    pub async fn read(&self, cursor: Cursor, limit: usize) -> Result<Page, LiveError> {
        let page = match self.hot(cursor.channel, cursor.next(), limit) {
            Hot::Events { events, complete } => {
                self.metrics.memory_was_read();
                let next = events.last().map_or(cursor.next(), |last| last.seq + 1);
                Page { events, next, complete }
            }
            Hot::Older | Hot::Absent => self.cold(cursor.channel, cursor.next(), limit).await?,
        };
        Ok(page.up_to_the_end_of(cursor))
    }

    /// Where what came after `cursor` would be read from, given seq and position of the newest event that the channel's state had.
    pub fn reach(&self, cursor: Cursor, top: u64, position: u64) -> Reach {
        let at_top = cursor.next() > top && self.position() >= position;
        // A window that is dropped leaves its position first, so one of the two is seen.
        let window = self.windows.get(&cursor.channel);
        match window.map(|window| window.reach(cursor.next())) {
            Some(reach) => reach,
            None if at_top && self.dropped_to.load(Ordering::Acquire) <= position => Reach::Nothing,
            None => Reach::Log,
        }
    }

    pub(super) fn hot(&self, channel: ChannelId, from: u64, limit: usize) -> Hot {
        self.windows
            .get(&channel)
            .map_or(Hot::Absent, |window| window.from(from, limit))
    }

    pub(super) async fn cold(&self, channel: ChannelId, from: u64, limit: usize) -> Result<Page, LiveError> {
        let _turn = self.cold_reads.acquire().await.map_err(|_| LiveError::State)?;
        self.metrics.log_was_read();
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
        let next = page.events.last().map_or(from, |last| last.revision + 2);
        Ok(Page {
            events,
            next,
            complete: page.last_revision.is_none_or(|last| next > last + 1),
        })
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
}

impl Page {
    fn up_to_the_end_of(mut self, cursor: Cursor) -> Self {
        let end = self.events.iter().position(|event| cursor.ends_with(event).is_some());
        if let Some(end) = end {
            self.events.truncate(end + 1);
            self.next = self.events[end].seq + 1;
            self.complete = true;
        }
        self
    }
}
