//! Who waits for the next event of one channel: each channel wakes its own waiters, so that a thousand quiet long polls cost nothing
//! while others talk.

use std::sync::Arc;

use dashmap::DashMap;
use domain::ChannelId;
use tokio::sync::watch;

/// The channels that somebody waits for.
#[derive(Debug, Clone, Default)]
pub(super) struct Newsroom(Arc<DashMap<ChannelId, watch::Sender<u64>>>);

/// Somebody's ear for one channel. What came before it was made is not told.
#[derive(Debug)]
pub struct News {
    room: Newsroom,
    channel: ChannelId,
    /// Seq of the newest event since somebody listens. `None` only while this is dropped.
    newest: Option<watch::Receiver<u64>>,
}

impl Newsroom {
    pub(super) fn listen(&self, channel: ChannelId) -> News {
        let newest = self.0.entry(channel).or_insert_with(|| watch::channel(0).0).subscribe();
        News {
            room: self.clone(),
            channel,
            newest: Some(newest),
        }
    }

    pub(super) fn tell(&self, channel: ChannelId, seq: u64) {
        if let Some(listeners) = self.0.get(&channel) {
            listeners.send_replace(seq);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl News {
    /// Resolves once there is an event with this seq, or one after it.
    pub async fn reaches(&mut self, seq: u64) {
        if let Some(newest) = &mut self.newest {
            // The sender lives as long as anyone listens.
            let _reached = newest.wait_for(|newest| *newest >= seq).await;
        }
    }
}

impl Drop for News {
    fn drop(&mut self) {
        drop(self.newest.take());
        self.room
            .0
            .remove_if(&self.channel, |_, listeners| listeners.receiver_count() == 0);
    }
}
