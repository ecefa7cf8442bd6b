//! One channel event as its `ev` frame, encoded once for everyone: the WebSocket header, the JSON, and a second form with the idempotency
//! key that only the author gets.

use std::{borrow::Cow, sync::OnceLock};

use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::{Actor, ChannelId, Coded, EventId, MessageId, UserId, channel};
use event_store::Recorded;

use super::{Change, Cursor, decode};

/// A channel event ready to be written to sockets.
pub struct LiveEvent {
    pub channel: ChannelId,
    pub seq: u64,
    pub position: u64,
    pub at: DateTime<Utc>,
    pub author: Actor,
    pub change: Option<Change>,
    /// The message whose words this event deletes.
    pub deletes: Option<MessageId>,
    /// The message whose words are to be seen again from this event on, wherever they stand.
    pub(super) restores: Option<MessageId>,
    /// The message whose words this event carries.
    words_of: Option<MessageId>,
    /// Seq of the event that sent that message.
    words_seq: u64,
    /// They were taken out.
    wordless: bool,
    /// Bytes of `d`, which is the last field of each frame.
    d_len: usize,
    /// Complete WebSocket frames, header included.
    frame: Bytes,
    keyed_frame: Option<Bytes>,
    /// The frame for those who may not see the message, made for the first of them.
    unseen: OnceLock<Bytes>,
}

impl std::fmt::Debug for LiveEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.channel, self.seq)
    }
}

/// Where an old edit does not say which seq its message has: only those who see everything are shown its words.
const UNKNOWN_SEQ: u64 = 1;
/// What every `ev` frame starts with; without it and with a brace it is an item of `/events`.
const FRAME_START: &str = r#"{"t":"ev","#;

impl LiveEvent {
    /// `None` for events that are not a channel's or cannot be decoded. Words of messages that are `hidden` are left out.
    pub fn encode(recorded: &Recorded, hidden: impl Fn(&MessageId) -> bool) -> Option<Self> {
        let event = decode(recorded)?;
        let channel = ChannelId::from(recorded.stream.id()?);
        let words_of = words_of(&event);
        let author = Actor::from_uuid(recorded.event.actor);
        let wordless = words_of.is_some_and(|message| hidden(&message));
        let payload = match words_of {
            Some(_) if wordless => Cow::Owned(without_words(&event)?),
            Some(_) | None if recorded.event.version == event.version() => {
                Cow::Borrowed(std::str::from_utf8(&recorded.event.payload).ok()?)
            }
            // Clients know one form of each event, the newest.
            Some(_) | None => Cow::Owned(String::from_utf8(event.encode()).ok()?),
        };
        let start = frame_start(recorded, channel, author);
        Some(Self {
            channel,
            seq: recorded.revision + 1,
            position: recorded.position,
            at: recorded.event.recorded_at,
            author,
            change: change(&event),
            deletes: match &event {
                channel::Event::Deleted(deleted) => Some(deleted.message),
                _ => None,
            },
            restores: match &event {
                channel::Event::Restored(restored) => Some(restored.message),
                _ => None,
            },
            words_of,
            words_seq: words_seq(&event, recorded.revision + 1),
            wordless,
            unseen: OnceLock::new(),
            d_len: payload.len(),
            frame: text_frame_of(&[&start, r#","d":"#, &payload, "}"]),
            keyed_frame: author.user().map(|_| {
                let key = serde_json::Value::from(&*recorded.event.key).to_string();
                text_frame_of(&[&start, r#","key":"#, &key, r#","d":"#, &payload, "}"])
            }),
        })
    }

    /// The WebSocket frame as the reader behind `cursor` may see it: words of a message that was before their time are not for them, by
    /// whatever event they come again.
    pub fn frame_for(&self, cursor: &Cursor) -> Bytes {
        let seen = !self.is_unseen_by(cursor);
        match &self.keyed_frame {
            Some(keyed) if self.author == Actor::User(cursor.user) && seen => keyed.clone(),
            Some(keyed) if self.author == Actor::User(cursor.user) => self.without_message(keyed),
            Some(_) | None if seen => self.frame.clone(),
            Some(_) | None => self.unseen.get_or_init(|| self.without_message(&self.frame)).clone(),
        }
    }

    fn is_unseen_by(&self, cursor: &Cursor) -> bool {
        self.words_of.is_some() && self.words_seq < cursor.visible_from()
    }

    /// The lowest seq of a message whose words come with this event.
    pub(super) fn words_seq(&self) -> Option<u64> {
        self.words_of.map(|_| self.words_seq)
    }

    /// The WebSocket frame as everyone but its author sees it.
    pub(super) fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// Those who see this event otherwise than everyone else, or are let in or out by it.
    pub(super) fn people(&self) -> impl Iterator<Item = UserId> + use<> {
        let changed = self.change.map(|change| match change {
            Change::Added(user) | Change::Ended(user, _) => user,
        });
        self.author.user().into_iter().chain(changed)
    }

    /// The item of `/events` as the reader behind `cursor` may see it: the frame's object without its `t`.
    pub fn item_for(&self, cursor: &Cursor) -> String {
        let frame = self.frame_for(cursor);
        let json = &frame[header_len(&frame)..];
        format!("{{{}", String::from_utf8_lossy(&json[FRAME_START.len()..]))
    }

    pub(super) fn len(&self) -> usize {
        self.frame.len() + self.keyed_frame.as_ref().map_or(0, Bytes::len)
    }

    pub(super) fn carries_words_of(&self, message: MessageId) -> bool {
        self.words_of == Some(message) && !self.wordless
    }

    pub(super) fn lacks_words_of(&self, message: MessageId) -> bool {
        self.words_of == Some(message) && self.wordless
    }

    /// The same event without its words, byte for byte as it would be read from the log.
    pub(super) fn wordless(&self) -> Option<Self> {
        let d = self.reduced(&["mentions"])?;
        Some(Self {
            frame: self.with_d(&self.frame, &d),
            keyed_frame: self.keyed_frame.as_ref().map(|keyed| self.with_d(keyed, &d)),
            unseen: OnceLock::new(),
            wordless: true,
            d_len: d.len(),
            ..*self
        })
    }

    /// A frame that says that something has come about a message, and nothing of what it says or whose it is.
    fn without_message(&self, frame: &Bytes) -> Bytes {
        let d = self.reduced(&["mentions", "author"]);
        self.with_d(frame, d.as_deref().unwrap_or(r#"{"body":null}"#))
    }

    /// `d` with no words in it and without these fields.
    fn reduced(&self, without: &[&str]) -> Option<String> {
        let mut d: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&self.frame[self.before_d(&self.frame)..self.frame.len() - 1]).ok()?;
        d.insert("body".to_owned(), serde_json::Value::Null);
        for field in without {
            d.remove(*field);
        }
        serde_json::to_string(&d).ok()
    }

    fn with_d(&self, frame: &Bytes, d: &str) -> Bytes {
        let start = &frame[header_len(frame)..self.before_d(frame)];
        text_frame(&[start, d.as_bytes(), b"}"].concat())
    }

    fn before_d(&self, frame: &Bytes) -> usize {
        frame.len() - self.d_len - 1
    }
}

/// The message whose words a stored event carries, if it carries any.
pub(super) fn message_with_words(recorded: &Recorded) -> Option<MessageId> {
    words_of(&decode(recorded)?)
}

/// A final, unmasked text frame (RFC 6455 section 5.2), as servers send them.
pub fn text_frame(payload: &[u8]) -> Bytes {
    let mut frame = headed(payload.len());
    frame.extend_from_slice(payload);
    frame.freeze()
}

/// The same of a text in parts.
fn text_frame_of(parts: &[&str]) -> Bytes {
    let mut frame = headed(parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| frame.extend_from_slice(part.as_bytes()));
    frame.freeze()
}

/// The header of a frame, with room for its payload.
fn headed(payload_len: usize) -> BytesMut {
    const FINAL_TEXT: u8 = 0x81;
    let mut frame = BytesMut::with_capacity(payload_len + 10);
    frame.put_u8(FINAL_TEXT);
    match payload_len {
        short @ 0..=125 => frame.put_u8(short as u8),
        medium @ 126..=0xffff => {
            frame.put_u8(126);
            frame.put_u16(medium as u16);
        }
        long => {
            frame.put_u8(127);
            frame.put_u64(long as u64);
        }
    }
    frame
}

fn header_len(frame: &[u8]) -> usize {
    match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    }
}

/// Everything before the parts that differ between readers. Kinds and ids are plain ASCII, so they need no escaping.
fn frame_start(recorded: &Recorded, channel: ChannelId, author: Actor) -> String {
    let (seq, kind) = (recorded.revision + 1, &recorded.event.kind);
    let event = EventId::from(recorded.event.id);
    let at = recorded.event.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let by = author
        .user()
        .map_or_else(|| "null".to_owned(), |user| format!(r#""{user}""#));
    format!(r#"{FRAME_START}"ch":"{channel}","seq":{seq},"type":"{kind}","event":"{event}","at":"{at}","by":{by}"#)
}

fn words_of(event: &channel::Event) -> Option<MessageId> {
    use channel::Event::*;
    match event {
        Sent(sent) => Some(sent.message),
        Edited(edited) => Some(edited.message),
        Restored(restored) => Some(restored.message),
        Created(_) | Updated(_) | Archived(_) | MemberAdded(_) | MemberLeft(_) | MemberRemoved(_) | Deleted(_)
        | Reacted(_) | Unreacted(_) | Voted(_) | Unvoted(_) | Pinned(_) | Unpinned(_) => None,
    }
}

fn words_seq(event: &channel::Event, own: u64) -> u64 {
    use channel::Event::*;
    match event {
        Edited(edited) => edited.seq.unwrap_or(UNKNOWN_SEQ),
        Restored(restored) => restored.seq,
        _ => own,
    }
}

fn without_words(event: &channel::Event) -> Option<String> {
    use channel::Event::*;
    let left = match event {
        Sent(sent) => {
            let mut left = serde_json::to_value(sent).ok()?;
            left["body"] = serde_json::Value::Null;
            left.as_object_mut()?.remove("mentions");
            left
        }
        Edited(edited) => {
            let mut left = serde_json::to_value(edited).ok()?;
            left["body"] = serde_json::Value::Null;
            left.as_object_mut()?.remove("mentions");
            left
        }
        Restored(restored) => {
            let mut left = serde_json::to_value(restored).ok()?;
            left["body"] = serde_json::Value::Null;
            left.as_object_mut()?.remove("mentions");
            left
        }
        Created(_) | Updated(_) | Archived(_) | MemberAdded(_) | MemberLeft(_) | MemberRemoved(_) | Deleted(_)
        | Reacted(_) | Unreacted(_) | Voted(_) | Unvoted(_) | Pinned(_) | Unpinned(_) => {
            return None;
        }
    };
    Some(left.to_string())
}

fn change(event: &channel::Event) -> Option<Change> {
    use channel::Event::*;
    match event {
        MemberAdded(added) => Some(Change::Added(added.user)),
        MemberLeft(left) => Some(Change::Ended(left.user, channel::End::Left)),
        MemberRemoved(removed) => Some(Change::Ended(removed.user, removed.end())),
        Created(_) | Updated(_) | Archived(_) | Sent(_) | Edited(_) | Deleted(_) | Restored(_) | Reacted(_)
        | Unreacted(_) | Voted(_) | Unvoted(_) | Pinned(_) | Unpinned(_) => None,
    }
}
