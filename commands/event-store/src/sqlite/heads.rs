//! Where streams end, remembered for those written to lately, so that the writer need not ask the table.

use std::num::NonZeroUsize;

use lru::LruCache;
use rusqlite::Connection;

use super::reader;
use crate::StreamName;

/// About 150 bytes each.
const HEADS_MAX: NonZeroUsize = NonZeroUsize::new(64 * 1024).expect("not zero");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamHead {
    /// What the tables call the stream.
    pub(super) number: i64,
    /// Of the newest event.
    pub(super) revision: u64,
}

pub(super) struct Heads(LruCache<StreamName, StreamHead>);

impl Heads {
    pub(super) fn new() -> Self {
        Self(LruCache::new(HEADS_MAX))
    }

    /// `None` for a stream without events.
    pub(super) fn find(
        &mut self,
        connection: &Connection,
        stream: &StreamName,
    ) -> rusqlite::Result<Option<StreamHead>> {
        if let Some(head) = self.0.get(stream) {
            return Ok(Some(*head));
        }
        let head = reader::stream_head(connection, stream)?.map(|(number, revision)| StreamHead { number, revision });
        if let Some(head) = head {
            self.0.put(stream.clone(), head);
        }
        Ok(head)
    }

    /// After a commit, never before it.
    pub(super) fn moved(&mut self, ends: impl IntoIterator<Item = (StreamName, StreamHead)>) {
        for (stream, head) in ends {
            self.0.put(stream, head);
        }
    }
}
