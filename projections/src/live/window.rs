//! The window of one channel: its newest events, bounded in number and bytes, without holes; and the order in which windows are dropped.

use std::{collections::VecDeque, sync::Arc};

use domain::ChannelId;
use lru::LruCache;

use super::{LiveEvent, reading::Reach};

/// Events one window holds; a resume within it needs no read of the log.
const EVENTS_MAX: usize = 256;
/// Bytes one window holds; at least the newest event always stays.
const BYTES_MAX: usize = 256 * 1024;

/// What a window has from some seq on.
#[derive(Debug)]
pub(super) enum Hot {
    /// The events from there on, empty when there is nothing newer; `complete` if the newest is among them.
    Events {
        events: Vec<Arc<LiveEvent>>,
        complete: bool,
    },
    /// The window begins later: older events are in the log.
    Older,
    /// No event of this channel came since the window was made or dropped.
    Absent,
}

#[derive(Debug, Default)]
pub(super) struct Window {
    events: VecDeque<Arc<LiveEvent>>,
    bytes: usize,
}

impl Window {
    /// Takes the next event and returns by how many bytes the window grew (negative when more was dropped than added).
    pub(super) fn push(&mut self, event: Arc<LiveEvent>) -> isize {
        let before = self.bytes as isize;
        match self.events.back() {
            // A batch seen twice changes nothing.
            Some(newest) if event.seq <= newest.seq => return 0,
            // After a hole only what follows it is known to be whole.
            Some(newest) if event.seq != newest.seq + 1 => self.clear(),
            Some(_) | None => {}
        }
        if let Some(message) = event.deletes {
            self.hide_words_of(message);
        }
        if let Some(message) = event.restores {
            self.forget_up_to_the_words_of(message);
        }
        self.bytes += event.len();
        self.events.push_back(event);
        while self.events.len() > 1 && (self.events.len() > EVENTS_MAX || self.bytes > BYTES_MAX) {
            if let Some(oldest) = self.events.pop_front() {
                self.bytes -= oldest.len();
            }
        }
        self.bytes as isize - before
    }

    /// At most `limit` events from a seq on.
    pub(super) fn from(&self, from: u64, limit: usize) -> Hot {
        match self.events.front() {
            None => Hot::Absent,
            Some(oldest) if from < oldest.seq => Hot::Older,
            Some(oldest) => {
                let skip = usize::try_from(from - oldest.seq).unwrap_or(usize::MAX);
                let events: Vec<_> = self.events.iter().skip(skip).take(limit).cloned().collect();
                let complete = skip.saturating_add(events.len()) >= self.events.len();
                Hot::Events { events, complete }
            }
        }
    }

    pub(super) fn reach(&self, from: u64) -> Reach {
        match (self.events.front(), self.events.back()) {
            (Some(_), Some(newest)) if from > newest.seq => Reach::Nothing,
            (Some(oldest), Some(_)) if from >= oldest.seq => Reach::Memory,
            (Some(_) | None, Some(_) | None) => Reach::Log,
        }
    }

    /// Seq of the newest event, 0 without one.
    pub(super) fn top(&self) -> u64 {
        self.events.back().map_or(0, |event| event.seq)
    }

    /// Place in the log of the newest event, 0 without one.
    pub(super) fn position(&self) -> u64 {
        self.events.back().map_or(0, |event| event.position)
    }

    fn clear(&mut self) {
        self.events.clear();
        self.bytes = 0;
    }

    /// The words that were taken out here are in the log, and are to be seen again: whatever stands before them is read from there.
    fn forget_up_to_the_words_of(&mut self, message: domain::MessageId) {
        let lacking = self.events.iter().rposition(|event| event.lacks_words_of(message));
        for event in self.events.drain(..lacking.map_or(0, |place| place + 1)) {
            self.bytes -= event.len();
        }
    }

    /// Deleted words leave memory with the deletion.
    fn hide_words_of(&mut self, message: domain::MessageId) {
        for event in self.events.iter_mut().filter(|event| event.carries_words_of(message)) {
            if let Some(wordless) = event.wordless() {
                self.bytes = self.bytes - event.len() + wordless.len();
                *event = Arc::new(wordless);
            }
        }
    }
}

/// Which windows exist, by last use, and what they weigh together.
pub(super) struct Order {
    sizes: LruCache<ChannelId, usize>,
    bytes: usize,
    windows_max: usize,
    bytes_max: usize,
}

impl Order {
    pub(super) fn new(windows_max: usize, bytes_max: usize) -> Self {
        Self {
            sizes: LruCache::unbounded(),
            bytes: 0,
            windows_max,
            bytes_max,
        }
    }

    /// Notes that a window was used and by how much it grew; returns the windows to drop.
    pub(super) fn touched(&mut self, channel: ChannelId, grown: isize) -> Vec<ChannelId> {
        let size = self.sizes.get_or_insert_mut(channel, || 0);
        *size = size.saturating_add_signed(grown);
        self.bytes = self.bytes.saturating_add_signed(grown);
        let mut dropped = Vec::new();
        while self.sizes.len() > 1 && (self.sizes.len() > self.windows_max || self.bytes > self.bytes_max) {
            let Some((oldest, size)) = self.sizes.pop_lru() else {
                break;
            };
            self.bytes -= size;
            dropped.push(oldest);
        }
        dropped
    }
}
