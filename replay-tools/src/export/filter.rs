//! Which events an export takes: all, those of one channel, or everything about one person.

use clap::Args;
use domain::{ChannelId, UserId};
use event_store::{RawEvent, StreamName};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::naming;

#[derive(Args, Clone)]
#[group(multiple = false)]
pub(super) struct What {
    /// Only one channel
    #[arg(long, value_parser = naming::channel)]
    channel: Option<ChannelId>,
    /// Everything about one person: their own streams, what they did anywhere, and where others let them in, put them out or gave them a role
    #[arg(long, value_parser = naming::user)]
    user: Option<UserId>,
    /// Everything, which is the default
    #[arg(long)]
    all: bool,
}

/// The filter as the manifest has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) channel: Option<ChannelId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) user: Option<UserId>,
}

pub(super) enum Filter {
    All,
    Stream(StreamName),
    Person {
        id: Uuid,
        /// As payloads name them.
        named: String,
    },
}

impl What {
    pub(super) fn shown(&self) -> Shown {
        Shown {
            channel: self.channel,
            user: self.user,
        }
    }

    pub(super) fn filter(&self) -> Filter {
        match (self.channel, self.user) {
            (Some(channel), _) => Filter::Stream(StreamName::new("channel", channel.uuid())),
            (None, Some(user)) => Filter::Person {
                id: user.uuid(),
                named: user.to_string(),
            },
            (None, None) => Filter::All,
        }
    }
}

impl Filter {
    pub(super) fn wants(&self, event: &RawEvent<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Stream(stream) => event.stream == Some(stream),
            Self::Person { id, named } => event.actor == *id || is_their_stream(event, *id) || is_about(event, named),
        }
    }
}

fn is_their_stream(event: &RawEvent<'_>, id: Uuid) -> bool {
    let theirs = |stream: &&StreamName| matches!(stream.category(), "user" | "inbox" | "audit");
    event.stream.filter(theirs).and_then(StreamName::id) == Some(id)
}

/// Their memberships, which others may have begun or ended. Words of others that mention them are the others', and so are reports.
fn is_about(event: &RawEvent<'_>, named: &str) -> bool {
    let of_members = event.kind.starts_with("member.") || event.kind.starts_with("space.member_");
    if !of_members && !matches!(event.kind, "space.role_set" | "space.ownership_transferred") {
        return false;
    }
    let payload: serde_json::Value = serde_json::from_slice(event.payload).unwrap_or_default();
    ["user", "from", "to"].iter().any(|field| payload[field] == *named)
}
