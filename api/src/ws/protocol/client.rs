//! What clients send: one strict type per frame. Its doc is what the contract says about it, and so are the docs of its fields.
//!
//! To add a frame: one entry in the table below, the arm in `session` that handles it, and what `contract.rs` says.

use domain::{ChannelId, IdempotencyKey, UserId};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::schemas;

/// Declares the frames of clients: strict structs whose `t` has already been looked at.
macro_rules! client_frames {
    ($($(#[$doc:meta])* $name:ident = $kind:literal { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {
        #[derive(Debug)]
        pub(crate) enum ClientFrame {
            $($name($name),)*
        }

        impl ClientFrame {
            /// The frame of this kind in `text`; `None` when there is no such kind.
            pub(super) fn of_kind(kind: &str, text: &str) -> Option<serde_json::Result<Self>> {
                match kind {
                    $($kind => Some(serde_json::from_str(text).map(Self::$name)),)*
                    _ => None,
                }
            }
        }

        /// The schema of every frame, by kind.
        pub(crate) fn schemas(generator: &mut SchemaGenerator) -> Vec<(&'static str, Schema)> {
            vec![$(($kind, $name::json_schema(generator))),*]
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields)]
            pub(crate) struct $name {
                #[serde(rename = "t")]
                #[schemars(skip)]
                pub(crate) _t: serde::de::IgnoredAny,
                $($(#[$attr])* pub(crate) $field: $type,)*
            }
        )*
    };
}

client_frames! {
    /// The first frame: who is there, and where they left off.
    Hello = "hello" {
        /// From `POST /ws/ticket`; opens one socket, once.
        #[schemars(with = "String")]
        ticket: Option<String>,
        /// The stable id of this install.
        #[expect(dead_code, reason = "names the install for presence and push, which come later")]
        device: Option<String>,
        /// The last seq this client has of each channel it follows.
        #[serde(default)]
        resume: Vec<Resume>,
        /// The `incarnation` of the `welcome` that the places in `resume` belong to.
        incarnation: Option<String>,
        /// The last `feed` this client has.
        #[expect(dead_code, reason = "feeds are not resumed yet; the welcome carries the whole channel list")]
        feed_seq: Option<u64>,
    }
    /// Follow a channel.
    Sub = "sub" {
        /// Comes back in the answer.
        id: Option<String>,
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        /// The last seq this client has. Without it: live only; 0: from the beginning.
        after: Option<u64>,
    }
    /// Follow a channel no longer.
    Unsub = "unsub" {
        /// Comes back in the answer.
        id: Option<String>,
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
    }
    /// Do something: the same commands, rules and results as over HTTP.
    Cmd = "cmd" {
        /// Comes back in the answer.
        id: Option<String>,
        /// What to do, such as `message.send`.
        op: String,
        #[schemars(with = "Option<schemas::ChannelId>")]
        ch: Option<ChannelId>,
        /// The idempotency key: visible ASCII characters. Without it a retry is a new command.
        #[schemars(length(min = 1, max = IdempotencyKey::MAX_CHARS), regex(pattern = "^[!-~]+$"))]
        key: Option<String>,
        /// What the operation needs.
        #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
        d: Option<Box<RawValue>>,
    }
    /// Everything up to `seq` has arrived on this device.
    Got = "got" {
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        seq: u64,
    }
    /// Everything up to `seq` has been read.
    Read = "read" {
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        seq: u64,
    }
    /// Send these events once more, both ends included; the subscription does not move.
    Gap = "gap" {
        /// Comes back in the answer.
        id: Option<String>,
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        from: u64,
        to: u64,
    }
    /// The person is writing in this channel.
    Typing = "typing" {
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
    }
    /// The person is there, or has turned to something else.
    Presence = "presence" {
        state: PresenceState,
    }
    /// Who of these people is there? From now on, this socket is told when that changes. Another `who` of the same channel takes its place.
    Who = "who" {
        /// Comes back in the answer.
        id: Option<String>,
        /// A channel that this socket follows.
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        /// Those of them who are in the channel.
        #[schemars(with = "Vec<schemas::UserId>")]
        users: Vec<UserId>,
    }
    /// The answer to `hb`. Anything else sent is as good a sign of life.
    Pong = "pong" {}
    /// Go on in the session of this ticket, before the access of the last one ends.
    Reauth = "reauth" {
        /// Comes back in the answer.
        id: Option<String>,
        /// From `POST /ws/ticket`, of the same person.
        ticket: String,
    }
}

impl ClientFrame {
    /// What an answer to this frame names: its `id` and its channel.
    pub(crate) fn names(&self) -> (Option<&str>, Option<ChannelId>) {
        match self {
            Self::Sub(sub) => (sub.id.as_deref(), Some(sub.ch)),
            Self::Unsub(unsub) => (unsub.id.as_deref(), Some(unsub.ch)),
            Self::Cmd(cmd) => (cmd.id.as_deref(), cmd.ch),
            Self::Got(got) => (None, Some(got.ch)),
            Self::Read(read) => (None, Some(read.ch)),
            Self::Gap(gap) => (gap.id.as_deref(), Some(gap.ch)),
            Self::Typing(typing) => (None, Some(typing.ch)),
            Self::Who(who) => (who.id.as_deref(), Some(who.ch)),
            Self::Reauth(reauth) => (reauth.id.as_deref(), None),
            Self::Hello(_) | Self::Presence(_) | Self::Pong(_) => (None, None),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PresenceState {
    Online,
    Away,
}

/// How far a client has a channel.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    #[schemars(with = "schemas::ChannelId")]
    pub(crate) ch: ChannelId,
    pub(crate) seq: u64,
}
