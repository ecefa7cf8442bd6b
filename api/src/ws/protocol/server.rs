//! What the server sends, all but `ev`: one type per frame. Its doc is what the contract says about it, and so are the docs of its fields.
//!
//! To add a frame: one entry in the table below, and what `contract.rs` says.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{ChannelId, EventId, MessageId, UserId, channel::End};
use projections::{ChannelBrief, live::text_frame};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::client::PresenceState;
use crate::{
    limits::Limits,
    ops::Ack,
    problem::Problem,
    render::{self, ThreadCounters},
    schemas,
};

/// A frame of the server.
pub(crate) trait ServerFrame: Serialize {
    /// With the header of its WebSocket frame.
    fn encode(&self) -> Bytes {
        let json =
            serde_json::to_vec(self).expect("server frames are plain values with text keys, which always serialize");
        text_frame(&json)
    }
}

/// Declares the frames of the server; the kind becomes their first field, `t`.
macro_rules! server_frames {
    ($($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? = $kind:literal { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {
        /// The schema of every frame, by kind.
        pub(crate) fn schemas(generator: &mut SchemaGenerator) -> Vec<(&'static str, Schema)> {
            vec![$(($kind, $name::json_schema(generator))),*]
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Serialize, JsonSchema)]
            #[serde(tag = "t", rename = $kind)]
            pub(crate) struct $name $(<$life>)? {
                $($(#[$attr])* pub(crate) $field: $type,)*
            }

            impl $(<$life>)? ServerFrame for $name $(<$life>)? {}
        )*
    };
}

server_frames! {
    /// The answer to `hello`.
    Welcome<'a> = "welcome" {
        /// Names this connection, for reports.
        conn: String,
        #[schemars(with = "schemas::UserId")]
        user: UserId,
        #[serde(serialize_with = "render::time")]
        #[schemars(with = "schemas::Time")]
        server_time: DateTime<Utc>,
        /// When access ends: the socket is closed then with 4502, unless `reauth` comes first.
        #[serde(serialize_with = "render::time")]
        #[schemars(with = "schemas::Time")]
        expires_at: DateTime<Utc>,
        /// The id of the log; when it differs from the one stored, forget every stored `seq` and `pos`.
        incarnation: String,
        heartbeat_ms: u64,
        limits: &'a Limits,
        /// The channels of the person, as a view knows them: those with the newest events, up to what a frame takes.
        channels: Vec<ChannelTop>,
        /// Whether these are all; the others are in `GET /channels`.
        channels_complete: bool,
        feed_seq: u64,
    }
    /// A channel is followed from here on.
    SubOk<'a> = "sub_ok" {
        /// That of the `sub`; absent after `hello`.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        id: Option<&'a str>,
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        mode: Mode,
        /// The first seq to expect.
        from: u64,
        /// The newest seq of the channel.
        top: u64,
    }
    /// The newest messages of a channel as they stood at `hi`, in place of events that were too many to replay. Words deleted since are
    /// left out already.
    Snap = "snap" {
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        /// What the window covers; events above `hi` follow.
        lo: u64,
        hi: u64,
        items: Vec<render::Message>,
        /// There are no older messages that one may see.
        complete_before: bool,
    }
    /// A command is durable.
    Done<'a> = "ok" {
        id: Option<&'a str>,
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        /// Of the event; the channel's top when everything was already so.
        seq: u64,
        #[schemars(with = "Option<schemas::EventId>")]
        event: Option<EventId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "schemas::MessageId")]
        message: Option<MessageId>,
        pos: String,
        #[serde(serialize_with = "render::time")]
        #[schemars(with = "schemas::Time")]
        at: DateTime<Utc>,
        /// The same command came before, with the same key.
        replayed: bool,
    }
    /// A frame was refused.
    Refused<'a> = "err" {
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "schemas::ChannelId")]
        ch: Option<ChannelId>,
        /// That of the problem, as in `/problems/<code>`.
        #[schemars(extend("pattern" = "^[a-z-]+/[a-z-]+$"))]
        code: &'static str,
        detail: String,
        /// The same frame with the same `key` may be sent again, after `retry_after_ms`.
        retryable: bool,
        retry_after_ms: Option<u64>,
    }
    /// A heartbeat: answer it within `pong_timeout_ms`.
    Heartbeat = "hb" {
        pos: String,
        /// How far this socket has been sent each channel that it follows.
        #[schemars(with = "BTreeMap<schemas::ChannelId, u64>")]
        tops: BTreeMap<String, u64>,
    }
    /// This socket is slow: from here on the channel is read from the log, at its pace. Nothing is left out.
    Lag = "lag" {
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        /// Events that this socket has not been sent.
        behind: u64,
    }
    /// Something about the person, whichever channels this socket follows.
    Feed = "feed" {
        seq: u64,
        #[serde(flatten)]
        news: News,
    }
    /// Something that passes: sent once, never stored, left out when the socket is slow.
    Eph = "eph" {
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        #[schemars(with = "schemas::UserId")]
        by: UserId,
        #[serde(flatten)]
        what: Passing,
    }
    /// The answer to `who`. Changes follow as `eph`.
    Present<'a> = "present" {
        id: Option<&'a str>,
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        /// Of the people asked for, those who are in the channel.
        #[schemars(with = "BTreeMap<schemas::UserId, Whereabouts>")]
        users: BTreeMap<String, Whereabouts>,
    }
    /// The last one may see of this channel was `at`.
    SubEnd = "sub_end" {
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        at: u64,
        reason: EndReason,
    }
    /// The answer to `reauth`: the socket goes on in the session of that ticket.
    ReauthOk<'a> = "reauth_ok" {
        id: Option<&'a str>,
        /// When access ends now.
        #[serde(serialize_with = "render::time")]
        #[schemars(with = "schemas::Time")]
        expires_at: DateTime<Utc>,
    }
    /// The service stops; this socket is closed with 4420 after this time.
    Drain = "drain" {
        after_ms: u64,
    }
}

/// A channel of the person, and how much of it they have not read.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChannelTop {
    #[schemars(with = "schemas::ChannelId")]
    pub(crate) ch: ChannelId,
    pub(crate) top: u64,
    pub(crate) read: u64,
    pub(crate) unread: u64,
    pub(crate) mentions: u64,
    pub(crate) threads: ThreadCounters,
}

impl From<ChannelBrief> for ChannelTop {
    fn from(brief: ChannelBrief) -> Self {
        let ChannelBrief {
            id,
            top,
            read,
            unread,
            mentions,
            threads,
        } = brief;
        Self {
            ch: id,
            top,
            read,
            unread,
            mentions,
            threads: ThreadCounters { unread: threads },
        }
    }
}

/// Where the missed events of a subscription come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Memory.
    Hot,
    /// The log, at the socket's pace.
    Cold,
    /// They are too many: a `snap` of the newest messages takes their place.
    Snap,
}

/// What `feed` tells.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", content = "d")]
pub(crate) enum News {
    /// The person is in this channel since `seq`.
    #[serde(rename = "channel.added")]
    ChannelAdded {
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        seq: u64,
    },
    /// Somebody has received (`got`) or read everything up to here. Comes to those who follow the channel.
    #[serde(rename = "receipt")]
    #[expect(
        dead_code,
        reason = "described here, written by the live timeline, once for everyone"
    )]
    Receipt {
        #[schemars(with = "schemas::ChannelId")]
        ch: ChannelId,
        #[schemars(with = "schemas::UserId")]
        user: UserId,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "u64")]
        got: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "u64")]
        read: Option<u64>,
    },
}

/// What `eph` tells.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", content = "d", rename_all = "snake_case")]
pub(crate) enum Passing {
    /// The person is writing, for `typing_lease_ms` from now, or has stopped.
    Typing { on: bool },
    /// The person is there or not.
    Presence { state: Whereabouts },
}

/// Whether somebody is there: the best of what their sockets say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whereabouts {
    Online,
    Away,
    Offline,
}

impl From<Option<PresenceState>> for Whereabouts {
    fn from(state: Option<PresenceState>) -> Self {
        match state {
            Some(PresenceState::Online) => Self::Online,
            Some(PresenceState::Away) => Self::Away,
            None => Self::Offline,
        }
    }
}

/// Why a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndReason {
    Left,
    Removed,
    Banned,
}

impl From<End> for EndReason {
    fn from(end: End) -> Self {
        match end {
            End::Left => Self::Left,
            End::Removed => Self::Removed,
            End::Banned => Self::Banned,
        }
    }
}

impl<'a> Done<'a> {
    pub(crate) fn of(id: Option<&'a str>, ack: Ack) -> Self {
        let Ack {
            seq,
            event,
            message,
            channel,
            pos,
            at,
            replayed,
        } = ack;
        Self {
            id,
            ch: channel,
            seq,
            event,
            message,
            pos,
            at,
            replayed,
        }
    }
}

impl<'a> Refused<'a> {
    pub(crate) fn of(id: Option<&'a str>, ch: Option<ChannelId>, problem: &Problem) -> Self {
        Self {
            id,
            ch,
            code: problem.code(),
            detail: told(problem),
            retryable: problem.retryable(),
            retry_after_ms: problem.retry_after_ms(),
        }
    }
}

/// The problem in one sentence, with the fields it names.
fn told(problem: &Problem) -> String {
    let fields: Vec<_> = problem
        .errors()
        .iter()
        .map(|field| format!("{} {}", field.pointer, field.detail))
        .collect();
    if fields.is_empty() {
        problem.detail_text().to_owned()
    } else {
        format!("{}: {}", problem.detail_text(), fields.join("; "))
    }
}
