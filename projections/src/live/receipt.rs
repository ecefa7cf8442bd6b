//! What somebody has received or read, as the `feed` frame that tells the others in the channel. Encoded once; never kept.

use bytes::Bytes;
use domain::{ChannelId, Coded, Decider, UserId, inbox};
use event_store::Recorded;
use serde_json::json;

use super::text_frame;

/// A mark of one person in one channel, ready to be written to sockets.
#[derive(Debug)]
pub struct LiveReceipt {
    pub channel: ChannelId,
    pub frame: Bytes,
}

impl LiveReceipt {
    /// `None` for events that are not of an inbox or cannot be decoded.
    pub(super) fn encode(recorded: &Recorded) -> Option<Self> {
        if recorded.stream.category() != inbox::Inbox::CATEGORY {
            return None;
        }
        let user = UserId::from(recorded.stream.id()?);
        let event = inbox::Event::decode(&recorded.event.kind, recorded.event.version, &recorded.event.payload).ok()?;
        let (channel, d) = match event {
            inbox::Event::Got(got) => (got.channel, json!({ "ch": got.channel, "user": user, "got": got.seq })),
            inbox::Event::Read(read) => (
                read.channel,
                json!({ "ch": read.channel, "user": user, "read": read.seq }),
            ),
            // Nobody else's business.
            inbox::Event::NotificationsRead(_) => return None,
        };
        let feed = json!({ "t": "feed", "seq": recorded.position, "type": "receipt", "d": d });
        Some(Self {
            channel,
            frame: text_frame(feed.to_string().as_bytes()),
        })
    }
}
