//! The events of a channel as clients get them. The live timeline writes them from what is stored, without these types, so they are
//! only descriptions; tests hold them against the domain's list of events and against every event that a server sends.
#![expect(dead_code, reason = "described here, written by the live timeline")]

use schemars::JsonSchema;
use serde::Serialize;

use crate::schemas;

/// Something that happened in a channel. On a subscription `seq` rises by exactly one.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ev")]
pub(super) struct Ev {
    #[schemars(with = "schemas::ChannelId")]
    ch: String,
    seq: u64,
    #[schemars(with = "schemas::EventId")]
    event: String,
    #[schemars(with = "schemas::Time")]
    at: String,
    /// Who did it; null when it was the service.
    #[schemars(with = "Option<schemas::UserId>")]
    by: Option<String>,
    /// The idempotency key of the command, for its author alone; it replaces the pending bubble, whether it or `ok` comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    key: Option<String>,
    #[serde(flatten)]
    what: Happened,
}

/// What happened, by `type`.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", content = "d")]
enum Happened {
    #[serde(rename = "channel.created")]
    ChannelCreated(ChannelCreated),
    #[serde(rename = "channel.updated")]
    ChannelUpdated(ChannelUpdated),
    #[serde(rename = "channel.archived")]
    ChannelArchived(ChannelArchived),
    #[serde(rename = "member.added")]
    MemberAdded(MemberAdded),
    #[serde(rename = "member.left")]
    MemberLeft(MemberLeft),
    #[serde(rename = "member.removed")]
    MemberRemoved(MemberRemoved),
    #[serde(rename = "message.sent")]
    MessageSent(MessageSent),
    #[serde(rename = "message.edited")]
    MessageEdited(MessageEdited),
    #[serde(rename = "message.deleted")]
    MessageDeleted(MessageDeleted),
    #[serde(rename = "message.restored")]
    MessageRestored(MessageRestored),
    #[serde(rename = "message.reacted")]
    MessageReacted(MessageReacted),
    #[serde(rename = "message.unreacted")]
    MessageUnreacted(MessageUnreacted),
    #[serde(rename = "message.voted")]
    MessageVoted(MessageVoted),
    #[serde(rename = "message.unvoted")]
    MessageUnvoted(MessageUnvoted),
    #[serde(rename = "message.pinned")]
    MessagePinned(MessagePinned),
    #[serde(rename = "message.unpinned")]
    MessageUnpinned(MessageUnpinned),
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ChannelKind {
    /// Two people, for ever the same two.
    Direct,
    /// A conversation of invited people outside any space.
    Group,
    /// A channel of a space.
    Text,
    /// A channel of a space whose messages are posts and comments on them.
    Forum,
}

/// What a member may read of the time before joining.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum History {
    All,
    SinceJoin,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ChannelRole {
    Owner,
    Member,
}

/// The channel is there.
#[derive(Serialize, JsonSchema)]
struct ChannelCreated {
    kind: ChannelKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schemas::SpaceId")]
    space: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    name: Option<String>,
    private: bool,
    history: History,
}

/// Only what changed is present.
#[derive(Serialize, JsonSchema)]
struct ChannelUpdated {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    private: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "History")]
    history: Option<History>,
    /// Seconds that people wait between two messages; 0 switches slow mode off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    slow_mode_s: Option<u32>,
}

/// The channel takes no more changes.
#[derive(Serialize, JsonSchema)]
struct ChannelArchived {}

/// Somebody is in the channel from here on.
#[derive(Serialize, JsonSchema)]
struct MemberAdded {
    #[schemars(with = "schemas::UserId")]
    user: String,
    role: ChannelRole,
}

/// Somebody has left.
#[derive(Serialize, JsonSchema)]
struct MemberLeft {
    #[schemars(with = "schemas::UserId")]
    user: String,
}

/// Somebody was removed.
#[derive(Serialize, JsonSchema)]
struct MemberRemoved {
    #[schemars(with = "schemas::UserId")]
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    reason: Option<String>,
    /// From the space too, by a ban. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    banned: Option<bool>,
}

/// A message.
#[derive(Serialize, JsonSchema)]
struct MessageSent {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    /// Null once the message is deleted.
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schemas::MessageId")]
    reply_to: Option<String>,
    /// Who wrote what it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schemas::UserId")]
    reply_to_author: Option<String>,
    /// The root of the thread it belongs to; in a forum, the post.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schemas::MessageId")]
    thread: Option<String>,
    /// Of a comment: how many answers it is away from the post. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u8")]
    depth: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<schemas::UserId>")]
    mentions: Vec<String>,
}

/// The message says this now.
#[derive(Serialize, JsonSchema)]
struct MessageEdited {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    /// That of the event that sent it; older edits do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    seq: Option<u64>,
    version: u16,
    /// Null once the message is deleted, and to whoever may not see the message.
    body: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<schemas::UserId>")]
    mentions: Vec<String>,
}

/// The message is gone, with its words.
#[derive(Serialize, JsonSchema)]
struct MessageDeleted {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    /// Who wrote it, where somebody else deleted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schemas::UserId")]
    author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    reason: Option<String>,
}

/// A message that somebody other than its author deleted is there again, at its old place.
#[derive(Serialize, JsonSchema)]
struct MessageRestored {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    /// That of the event that sent it.
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schemas::UserId")]
    author: Option<String>,
    version: u16,
    /// Null once the message is deleted again, and to whoever may not see the message.
    body: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<schemas::UserId>")]
    mentions: Vec<String>,
    reason: String,
}

/// Somebody reacted to the message.
#[derive(Serialize, JsonSchema)]
struct MessageReacted {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    /// One emoji, or a `:shortcode:`.
    emoji: String,
}

/// Somebody took a reaction back.
#[derive(Serialize, JsonSchema)]
struct MessageUnreacted {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    emoji: String,
}

/// Somebody voted on the message; it replaces their earlier vote.
#[derive(Serialize, JsonSchema)]
struct MessageVoted {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    vote: Vote,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Vote {
    Up,
    Down,
}

/// Somebody took their vote back.
#[derive(Serialize, JsonSchema)]
struct MessageUnvoted {
    #[schemars(with = "schemas::MessageId")]
    message: String,
}

/// The message is pinned. A deletion ends that without an event of its own.
#[derive(Serialize, JsonSchema)]
struct MessagePinned {
    #[schemars(with = "schemas::MessageId")]
    message: String,
}

/// The message is pinned no longer.
#[derive(Serialize, JsonSchema)]
struct MessageUnpinned {
    #[schemars(with = "schemas::MessageId")]
    message: String,
}
