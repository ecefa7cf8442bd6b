//! What can have happened in a channel, as it stands in the log and as clients see it.

use serde::{Deserialize, Serialize};

use super::{End, History, Kind, Role, SlowMode, Vote};
use crate::{ChannelName, Emoji, MessageBody, MessageId, Reason, SpaceId, UserId, codec::codec};

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Created(Created),
    Updated(Updated),
    Archived(Archived),
    MemberAdded(MemberAdded),
    MemberLeft(MemberLeft),
    MemberRemoved(MemberRemoved),
    Sent(Sent),
    Edited(Edited),
    Deleted(Deleted),
    Restored(Restored),
    Reacted(Reacted),
    Unreacted(Unreacted),
    Voted(Voted),
    Unvoted(Unvoted),
    Pinned(Pinned),
    Unpinned(Unpinned),
}

codec!(Event {
    Created = "channel.created" 1,
    Updated = "channel.updated" 1,
    Archived = "channel.archived" 1,
    MemberAdded = "member.added" 1,
    MemberLeft = "member.left" 1,
    MemberRemoved = "member.removed" 1,
    Sent = "message.sent" 1,
    Edited = "message.edited" 1,
    Deleted = "message.deleted" 1,
    Restored = "message.restored" 1,
    Reacted = "message.reacted" 1,
    Unreacted = "message.unreacted" 1,
    Voted = "message.voted" 1,
    Unvoted = "message.unvoted" 1,
    Pinned = "message.pinned" 1,
    Unpinned = "message.unpinned" 1,
});

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Created {
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub space: Option<SpaceId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<ChannelName>,
    pub private: bool,
    pub history: History,
}

/// Only what changed is present.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Updated {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<ChannelName>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub private: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub history: Option<History>,
    /// 0 switches slow mode off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slow_mode_s: Option<SlowMode>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Archived {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberAdded {
    pub user: UserId,
    pub role: Role,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberLeft {
    pub user: UserId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberRemoved {
    pub user: UserId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
    /// From the space too, by a ban.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub banned: bool,
}

impl MemberRemoved {
    pub fn end(&self) -> End {
        if self.banned { End::Banned } else { End::Removed }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    pub message: MessageId,
    pub body: MessageBody,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_to: Option<MessageId>,
    /// Who wrote what it answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_to_author: Option<UserId>,
    /// The root of the thread it belongs to; in a forum, the post.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thread: Option<MessageId>,
    /// Of a comment: how many answers it is away from the post.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub depth: u8,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mentions: Vec<UserId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edited {
    pub message: MessageId,
    /// Of the event that sent it; not known of old edits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<u64>,
    pub version: u16,
    pub body: MessageBody,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mentions: Vec<UserId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deleted {
    pub message: MessageId,
    /// Who wrote it, where somebody else took it away.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub author: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

/// A message that somebody other than its author took away is there again, at its old place and version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restored {
    pub message: MessageId,
    /// Of the event that sent it.
    pub seq: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub author: Option<UserId>,
    pub version: u16,
    pub body: MessageBody,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mentions: Vec<UserId>,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reacted {
    pub message: MessageId,
    pub emoji: Emoji,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unreacted {
    pub message: MessageId,
    pub emoji: Emoji,
}

/// Replaces an earlier vote of the same person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Voted {
    pub message: MessageId,
    pub vote: Vote,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unvoted {
    pub message: MessageId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pinned {
    pub message: MessageId,
}

/// By somebody; a deletion ends a pin without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unpinned {
    pub message: MessageId,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(depth: &u8) -> bool {
    *depth == 0
}
