//! What people ask of a channel. How each is answered is in the table of `channel.rs`.

use serde::Serialize;

use super::{History, LastWords, SlowMode, Vote};
use crate::{ChannelName, Emoji, EventId, MessageBody, MessageId, Reason, SpaceId, UserId};

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Command {
    CreateText {
        space: SpaceId,
        name: ChannelName,
        private: bool,
        history: Option<History>,
    },
    CreateForum {
        space: SpaceId,
        name: ChannelName,
        private: bool,
        history: Option<History>,
    },
    CreateGroup {
        name: Option<ChannelName>,
        members: Vec<UserId>,
    },
    OpenDirect {
        with: UserId,
    },
    Update {
        name: Option<ChannelName>,
        private: Option<bool>,
        history: Option<History>,
        #[serde(skip_serializing_if = "Option::is_none")]
        slow_mode_s: Option<SlowMode>,
    },
    Archive,
    Join,
    Leave,
    AddMember {
        user: UserId,
    },
    RemoveMember {
        user: UserId,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    Send {
        body: MessageBody,
        reply_to: Option<MessageId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        thread: Option<MessageId>,
        mentions: Vec<UserId>,
    },
    Edit {
        message: MessageId,
        body: MessageBody,
        mentions: Vec<UserId>,
        expected_version: Option<u16>,
    },
    Delete {
        message: MessageId,
        expected_version: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// Takes back the deletion of a message by somebody other than its author.
    Restore {
        message: MessageId,
        reason: Reason,
        /// Only if it is gone by this deletion; without it by whichever.
        #[serde(skip_serializing_if = "Option::is_none")]
        taken_by: Option<EventId>,
        /// What it said last, read from this stream by whoever sends the command; not part of what they ask for.
        #[serde(skip)]
        words: Option<LastWords>,
    },
    React {
        message: MessageId,
        emoji: Emoji,
    },
    Unreact {
        message: MessageId,
        emoji: Emoji,
    },
    /// `None` takes an earlier vote back.
    Vote {
        message: MessageId,
        vote: Option<Vote>,
    },
    Pin {
        message: MessageId,
    },
    Unpin {
        message: MessageId,
    },
}

impl Command {
    /// The person the command is about, besides the actor, whose place in the space matters too.
    pub fn subject(&self) -> Option<UserId> {
        match self {
            Self::AddMember { user } | Self::RemoveMember { user, .. } => Some(*user),
            Self::OpenDirect { .. }
            | Self::CreateText { .. }
            | Self::CreateForum { .. }
            | Self::CreateGroup { .. }
            | Self::Update { .. }
            | Self::Archive
            | Self::Join
            | Self::Leave
            | Self::Send { .. }
            | Self::Edit { .. }
            | Self::Delete { .. }
            | Self::Restore { .. }
            | Self::React { .. }
            | Self::Unreact { .. }
            | Self::Vote { .. }
            | Self::Pin { .. }
            | Self::Unpin { .. } => None,
        }
    }
}
