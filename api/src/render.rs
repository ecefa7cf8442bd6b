//! The JSON shapes of the contract, section 2. What is in them is asked elsewhere; how an answer travels is in `answers`.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    ChannelId, InviteId, MessageId, SpaceId, UserId,
    channel::{self, History, Kind},
    space,
};
use projections::{
    ChannelMember, ChannelOf, ChannelRow, InviteRow, Opinions, Person, Reaction, Receipt, Sanction, SpaceMember,
    SpaceOf, TimelineMessage, TimelinePage,
};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::{ops::pages::Cursor, schemas};

pub(crate) mod answers;

/// RFC 3339 in UTC, always with microseconds.
pub(crate) fn time<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

pub(crate) fn optional_time<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => time(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) handle: String,
    pub(crate) display_name: String,
}

impl User {
    pub(crate) fn of_account(id: UserId, account: &domain::user::Account) -> Self {
        Self {
            id,
            handle: account.handle.as_str().to_owned(),
            display_name: account.display_name.as_str().to_owned(),
        }
    }
}

impl From<Person> for User {
    fn from(person: Person) -> Self {
        Self {
            id: person.id,
            handle: person.handle,
            display_name: person.display_name,
        }
    }
}

/// A person as their page shows them.
#[derive(Debug, Serialize)]
pub(crate) struct Profile {
    #[serde(flatten)]
    pub(crate) user: User,
    pub(crate) identities: Vec<Identity>,
}

/// An identity that the person has proved.
#[derive(Debug, Serialize)]
pub(crate) struct Identity {
    pub(crate) did: String,
    #[serde(serialize_with = "time")]
    pub(crate) proved_at: DateTime<Utc>,
    /// When it was last seen to be right; nothing where that was forgotten.
    #[serde(serialize_with = "optional_time")]
    pub(crate) checked_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Space {
    pub(crate) id: SpaceId,
    pub(crate) name: String,
    pub(crate) join: space::JoinRule,
    /// Of the person who asks.
    pub(crate) role: Option<space::Role>,
    pub(crate) joined: bool,
    pub(crate) archived: bool,
}

impl Space {
    pub(crate) fn of_state(id: SpaceId, open: &space::Open, role: space::Role) -> Self {
        Self {
            id,
            name: open.name.as_str().to_owned(),
            join: open.join,
            role: Some(role),
            joined: true,
            archived: open.archived,
        }
    }
}

impl From<SpaceOf> for Space {
    fn from(of: SpaceOf) -> Self {
        let space = of.space;
        Self {
            id: space.id,
            name: space.name,
            join: space.join,
            role: Some(of.role),
            joined: true,
            archived: space.archived,
        }
    }
}

/// A member of a space.
#[derive(Debug, Serialize)]
pub(crate) struct Member {
    user: UserId,
    handle: String,
    display_name: String,
    role: space::Role,
    #[serde(serialize_with = "time")]
    joined_at: DateTime<Utc>,
}

impl From<SpaceMember> for Member {
    fn from(member: SpaceMember) -> Self {
        let SpaceMember {
            user,
            handle,
            display_name,
            role,
            joined_at,
        } = member;
        Self {
            user,
            handle,
            display_name,
            role,
            joined_at,
        }
    }
}

/// An open invite, without its code, which is kept nowhere.
#[derive(Debug, Serialize)]
pub(crate) struct Invite {
    id: InviteId,
    by: Option<UserId>,
    role: space::Role,
    #[serde(serialize_with = "time")]
    at: DateTime<Utc>,
    #[serde(serialize_with = "optional_time")]
    expires_at: Option<DateTime<Utc>>,
    uses: Option<u64>,
    used: u64,
    cohort: Option<String>,
    /// Its cohort rests.
    paused: bool,
}

impl From<InviteRow> for Invite {
    fn from(row: InviteRow) -> Self {
        let InviteRow {
            id,
            by,
            role,
            at,
            expires_at,
            uses,
            used,
            cohort,
            paused,
        } = row;
        Self {
            id,
            by: by.user(),
            role,
            at,
            expires_at,
            uses,
            used,
            cohort,
            paused,
        }
    }
}

/// Somebody whom a space keeps out or silent.
#[derive(Debug, Serialize)]
pub(crate) struct Sanctioned {
    user: UserId,
    handle: String,
    display_name: String,
    by: Option<UserId>,
    reason: String,
    #[serde(serialize_with = "time")]
    at: DateTime<Utc>,
    #[serde(serialize_with = "optional_time")]
    until: Option<DateTime<Utc>>,
}

impl From<Sanction> for Sanctioned {
    fn from(sanction: Sanction) -> Self {
        let Sanction {
            user,
            handle,
            display_name,
            by,
            reason,
            at,
            until,
        } = sanction;
        Self {
            user,
            handle,
            display_name,
            by: by.user(),
            reason,
            at,
            until,
        }
    }
}

/// A member of a channel; in the channel since the seq.
#[derive(Debug, Serialize)]
pub(crate) struct InChannel {
    user: UserId,
    handle: String,
    display_name: String,
    role: channel::Role,
    since: u64,
}

impl InChannel {
    /// Someone whose own stream cannot be read at the moment is shown without a name.
    pub(crate) fn of(member: ChannelMember, person: Option<&Person>) -> Self {
        Self {
            user: member.user,
            handle: person.map(|person| person.handle.clone()).unwrap_or_default(),
            display_name: person.map(|person| person.display_name.clone()).unwrap_or_default(),
            role: member.role,
            since: member.since,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    pub(crate) space: Option<SpaceId>,
    pub(crate) kind: Kind,
    pub(crate) name: Option<String>,
    pub(crate) private: bool,
    pub(crate) history: History,
    pub(crate) slow_mode_s: u32,
    /// Spaces cannot write rules for their channels yet.
    pub(crate) rules: Option<String>,
    pub(crate) archived: bool,
    pub(crate) members_count: u64,
    pub(crate) top: u64,
    #[serde(flatten)]
    pub(crate) counters: Counters,
    /// The person who asks is in it.
    pub(crate) joined: bool,
    /// The two people of a direct conversation; absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peers: Option<Vec<User>>,
}

/// How much of a channel one person has not read.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Counters {
    pub(crate) read: u64,
    pub(crate) unread: u64,
    pub(crate) mentions: u64,
    pub(crate) threads: ThreadCounters,
}

/// What is unread in threads that the person takes part in.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub(crate) struct ThreadCounters {
    pub(crate) unread: u64,
}

impl From<&ChannelOf> for Counters {
    fn from(of: &ChannelOf) -> Self {
        Self {
            read: of.read,
            unread: of.unread,
            mentions: of.mentions,
            threads: ThreadCounters { unread: of.threads },
        }
    }
}

impl Channel {
    pub(crate) fn of_state(id: ChannelId, open: &channel::Open) -> Self {
        Self {
            id,
            space: open.space,
            kind: open.kind,
            name: open.name.as_ref().map(|name| name.as_str().to_owned()),
            private: open.private,
            history: open.history,
            slow_mode_s: open.slow_mode_s.seconds(),
            rules: None,
            archived: open.archived,
            members_count: open.members_count() as u64,
            top: open.top,
            counters: Counters::default(),
            joined: true,
            peers: None,
        }
    }

    /// As someone sees it who is not in it.
    pub(crate) fn of_row(row: ChannelRow) -> Self {
        Self {
            id: row.id,
            space: row.space,
            kind: row.kind,
            name: row.name,
            private: row.private,
            history: row.history,
            slow_mode_s: row.slow_mode_s,
            rules: None,
            archived: row.archived,
            members_count: row.members_count,
            top: row.top,
            counters: Counters::default(),
            joined: false,
            peers: None,
        }
    }

    /// As a member sees it.
    pub(crate) fn of_member(of: ChannelOf, peers: Option<Vec<User>>) -> Self {
        let counters = Counters::from(&of);
        Self {
            counters,
            joined: true,
            peers,
            ..Self::of_row(of.channel)
        }
    }
}

/// A message as it is now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Message {
    #[schemars(with = "schemas::MessageId")]
    pub(crate) id: MessageId,
    #[schemars(with = "schemas::ChannelId")]
    ch: ChannelId,
    /// That of the event that sent it.
    pub(crate) seq: u64,
    #[schemars(with = "Option<schemas::UserId>")]
    by: Option<UserId>,
    #[serde(serialize_with = "time")]
    #[schemars(with = "schemas::Time")]
    at: DateTime<Utc>,
    /// Null once deleted.
    body: Option<String>,
    pub(crate) version: u16,
    #[serde(serialize_with = "optional_time")]
    #[schemars(with = "Option<schemas::Time>")]
    edited_at: Option<DateTime<Utc>>,
    deleted: bool,
    #[schemars(with = "Option<schemas::MessageId>")]
    reply_to: Option<MessageId>,
    #[schemars(with = "Option<schemas::MessageId>")]
    thread: Option<MessageId>,
    /// Of a comment in a forum: how many answers it is away from its post. Otherwise 0.
    depth: u8,
    #[schemars(with = "Vec<serde_json::Value>")]
    files: [(); 0],
    #[schemars(with = "Vec<schemas::UserId>")]
    mentions: Vec<UserId>,
    /// The most used first.
    reactions: Vec<ReactionShape>,
    votes: Votes,
    pinned: bool,
    /// Of a message to which others belong as its thread.
    thread_summary: Option<ThreadSummary>,
}

/// One kind of reaction to a message.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Reaction")]
struct ReactionShape {
    /// One emoji, or a `:shortcode:`.
    emoji: String,
    count: u64,
    /// Whoever asks is among them.
    mine: bool,
}

/// What the votes on a message come to.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Votes {
    /// Votes up minus votes down.
    score: i64,
    #[schemars(with = "Option<String>")]
    mine: Option<channel::Vote>,
}

/// What belongs to a thread, without its root.
#[derive(Debug, Serialize, JsonSchema)]
struct ThreadSummary {
    /// Messages that are not deleted.
    replies: u64,
    /// Of the newest message, deleted or not.
    last_seq: u64,
    #[serde(serialize_with = "time")]
    #[schemars(with = "schemas::Time")]
    last_at: DateTime<Utc>,
}

impl Message {
    /// A deletion that the view has not seen yet already takes the words away.
    pub(crate) fn of(row: TimelineMessage, deleted: bool) -> Self {
        let deleted = deleted || row.deleted;
        // A thread goes on where its root is deleted; what people thought of the words goes with them.
        let replies = row.opinions.replies.clone();
        let opinions = if deleted { Opinions::default() } else { row.opinions };
        let reaction = |Reaction { emoji, count, mine }| ReactionShape { emoji, count, mine };
        Self {
            id: row.id,
            ch: row.channel,
            seq: row.seq,
            by: row.author.user(),
            at: row.at,
            body: row.body.filter(|_| !deleted),
            version: row.version,
            edited_at: row.edited_at,
            deleted,
            reply_to: row.reply_to,
            thread: row.thread,
            depth: row.depth,
            files: [],
            mentions: if deleted { vec![] } else { row.mentions },
            reactions: opinions.reactions.into_iter().map(reaction).collect(),
            votes: Votes {
                score: opinions.score,
                mine: opinions.own_vote,
            },
            pinned: opinions.pinned,
            thread_summary: replies.map(|replies| ThreadSummary {
                replies: replies.count,
                last_seq: replies.last_seq,
                last_at: replies.last_at,
            }),
        }
    }
}

/// A page of a timeline. `next` and `prev` are the seqs for `after` and `before`, where there is more.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    items: Vec<Message>,
    lo: u64,
    hi: u64,
    complete_before: bool,
    complete_after: bool,
    next: Option<u64>,
    prev: Option<u64>,
}

impl Page {
    pub(crate) fn of(page: TimelinePage, is_deleted: impl Fn(MessageId) -> bool) -> Self {
        let TimelinePage {
            items,
            lo,
            hi,
            complete_before,
            complete_after,
        } = page;
        let render = |row: TimelineMessage| {
            let deleted = is_deleted(row.id);
            Message::of(row, deleted)
        };
        Self {
            items: items.into_iter().map(render).collect(),
            lo,
            hi,
            complete_before,
            complete_after,
            next: (!complete_after).then_some(hi),
            prev: (!complete_before).then_some(lo),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ReceiptShape {
    user: UserId,
    got: u64,
    read: u64,
}

impl From<Receipt> for ReceiptShape {
    fn from(receipt: Receipt) -> Self {
        let Receipt { user, got, read } = receipt;
        Self { user, got, read }
    }
}

/// A page of a list and where the next one begins.
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

impl<T> List<T> {
    /// `last` is the id of the last item of the page.
    pub(crate) fn new(items: Vec<T>, more: bool, last: Option<uuid::Uuid>) -> Self {
        let next = last.filter(|_| more).map(|last| Cursor::after(last).to_string());
        Self { items, next }
    }
}

/// A thing that was just written and the position at which views show it.
#[derive(Debug, Serialize)]
pub(crate) struct Written<T> {
    #[serde(flatten)]
    pub(crate) thing: T,
    pub(crate) pos: String,
    pub(crate) replayed: bool,
}

#[cfg(test)]
mod tests;
