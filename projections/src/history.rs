//! A channel as it was: its settings, who was in it and what they could do, what had been said, and who could read a given message then.
//! Folded from the streams themselves with the rules' own `evolve`, never asked of a view, so that it holds for any moment of the log.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{ChannelId, ChannelName, MessageId, SpaceId, SpaceName, UserId, channel, space};
use event_store::{EventLog, ReadError};
use serde::{Serialize, Serializer};

mod fold;
mod rights;

use fold::{ChannelFold, Until};

/// Which moment is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After the channel's event with this seq.
    Seq(u64),
    /// After the log's event at this position.
    Position(u64),
    /// After everything that was recorded up to then.
    Time(DateTime<Utc>),
}

/// What is wanted besides the channel itself.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// How many of the newest messages.
    pub messages: usize,
    /// The message whose readers are asked for.
    pub message: Option<MessageId>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    #[error("there was no such channel at that moment")]
    NoSuchChannel,
    #[error("there was no such message at that moment")]
    NoSuchMessage,
    #[error("the channel's newest event has seq {top}")]
    Ahead { top: u64 },
    /// Never quotes what the event holds.
    #[error("the event at position {position} cannot be read")]
    Unreadable { position: u64 },
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// A channel at a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelAt {
    pub channel: ChannelId,
    pub moment: Moment,
    pub settings: Settings,
    /// `None` for conversations outside of spaces.
    pub space: Option<SpaceAt>,
    /// In the order in which they came.
    pub members: Vec<Member>,
    /// People of the space who could have come in by themselves, and would then have read what its history setting shows.
    pub could_join: Vec<UserId>,
    /// The newest, in the order of their seqs.
    pub messages: Vec<Message>,
    /// Messages sent by then, whatever became of them.
    pub messages_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readers: Option<Readers>,
}

/// Where in the log the answer stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Moment {
    /// Of the channel's newest event then.
    pub seq: u64,
    /// Of that event in the whole log.
    pub position: u64,
    #[serde(serialize_with = "micros")]
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    pub kind: channel::Kind,
    pub name: Option<ChannelName>,
    pub private: bool,
    pub history: channel::History,
    pub slow_mode_s: u32,
    pub archived: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpaceAt {
    pub id: SpaceId,
    pub name: SpaceName,
    pub archived: bool,
}

/// Somebody who was in the channel, and what they could do there. Whether the whole service had suspended them is not looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    pub user: UserId,
    pub role: channel::Role,
    /// In the channel's space, if it belongs to one; `None` for whoever had left the space and not yet the channel.
    pub space_role: Option<space::Role>,
    /// Seq of the event that brought them in.
    pub since: u64,
    /// The lowest seq they could read; `None` if nothing.
    pub reads_from: Option<u64>,
    /// Slow mode aside.
    pub writes: bool,
    pub moderates: bool,
    pub governs: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    pub message: MessageId,
    pub seq: u64,
    /// `None` for the service itself.
    pub author: Option<UserId>,
    #[serde(serialize_with = "micros")]
    pub at: DateTime<Utc>,
    pub version: u16,
    #[serde(serialize_with = "optional_micros")]
    pub edited_at: Option<DateTime<Utc>>,
    pub gone: Option<channel::Gone>,
    pub reply_to: Option<MessageId>,
    /// The root of its thread; in a forum, its post.
    pub thread: Option<MessageId>,
    pub depth: u8,
    pub pinned: bool,
    /// As it read then; `None` once it was taken away.
    pub body: Option<String>,
    pub mentions: Vec<UserId>,
    /// Who had reacted with what.
    pub reactions: BTreeMap<String, BTreeSet<UserId>>,
    pub votes: BTreeMap<UserId, channel::Vote>,
}

/// Who could read one message at the moment asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Readers {
    pub message: Message,
    pub members: Vec<Reader>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reader {
    pub user: UserId,
    pub could_read: bool,
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The channel shows its whole past to whoever is in it.
    OpenHistory,
    /// They were in when it was sent.
    WasThere,
    /// They came later, and the channel shows only what follows.
    CameLater,
    /// They were in the channel, but no longer in its space.
    OutOfSpace,
    /// It was taken away by then.
    Gone,
}

/// The channel at that moment. Costs a read of its stream up to there, and of its space's.
pub async fn channel_at(
    log: &dyn EventLog,
    channel: ChannelId,
    when: When,
    wanted: Wanted,
) -> Result<ChannelAt, HistoryError> {
    let until = Until::of(when);
    let mut fold = ChannelFold::new(channel, wanted);
    fold.read(log, until).await?;
    if let When::Seq(seq) = when
        && fold.top() < seq
    {
        return Err(match fold.top() {
            0 => HistoryError::NoSuchChannel,
            top => HistoryError::Ahead { top },
        });
    }
    let moment = fold.moment().ok_or(HistoryError::NoSuchChannel)?;
    // The world around the channel is asked as of the same place of the log, or of the same time.
    let (around, now) = match when {
        When::Seq(_) => (Until::Position(moment.position), moment.at),
        When::Position(position) => (until, fold::time_of(log, position).await?.unwrap_or(moment.at)),
        When::Time(time) => (until, time),
    };
    let surroundings = rights::Surroundings::read(log, fold.state(), around, now).await?;
    Ok(ChannelAt {
        channel,
        moment,
        settings: Settings::of(surroundings.channel()),
        space: surroundings.space(),
        members: surroundings.members(),
        could_join: surroundings.could_join(),
        readers: match wanted.message {
            Some(message) => Some(surroundings.readers(fold.message(message).ok_or(HistoryError::NoSuchMessage)?)),
            None => None,
        },
        messages_count: fold.messages_count(),
        messages: fold.newest(),
    })
}

impl Settings {
    fn of(open: &channel::Open) -> Self {
        Self {
            kind: open.kind,
            name: open.name.clone(),
            private: open.private,
            history: open.history,
            slow_mode_s: open.slow_mode_s.seconds(),
            archived: open.archived,
        }
    }
}

fn micros<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
}

fn optional_micros<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => micros(time, serializer),
        None => serializer.serialize_none(),
    }
}
