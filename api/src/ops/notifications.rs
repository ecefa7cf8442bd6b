//! What calls somebody: the list from its view, filtered by what they may see now, and the mark up to which they have seen it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use commands::Caller;
use domain::{Actor, ChannelId, IdempotencyKey, MessageId, SpaceId, UserId, inbox::Command};
use projections::{Notification, NotificationKind};
use serde::{Deserialize, Serialize};

use super::{
    access,
    fields::{self, Fields},
    pages::ListQuery,
    showing::{self, Showables},
};
use crate::{
    app::App,
    position::{Pos, PosError},
    problem::Problem,
    render,
    request::{Call, Who},
};

/// Unread ones that are counted; who has more is told this number.
pub(crate) const UNREAD_COUNTED_MAX: usize = 200;
/// Characters of a message that are shown.
const PREVIEW_CHARS: usize = 140;
/// Questions to the view for one page. Where so many did not fill it, the page is short and the next one goes on.
const ROUNDS_MAX: usize = 4;

/// `?before=&limit=&unread=`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotificationsQuery {
    before: Option<String>,
    limit: Option<String>,
    unread: Option<String>,
    /// Looked at before the page is.
    #[serde(rename = "min_pos")]
    _min_pos: Option<serde::de::IgnoredAny>,
}

/// `PUT /notifications/read`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkRead {
    up_to: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct NotificationsPage {
    items: Vec<Item>,
    next: Option<String>,
    unread: usize,
}

#[derive(Debug, Serialize)]
struct Item {
    /// Of the event that calls; also what `PUT /notifications/read` takes.
    pos: String,
    kind: NotificationKind,
    #[serde(serialize_with = "render::time")]
    at: DateTime<Utc>,
    by: Option<UserId>,
    space: Option<SpaceId>,
    channel: Option<ChannelId>,
    message: Option<MessageId>,
    seq: Option<u64>,
    read: bool,
    /// The beginning of what the message says now; nothing for an invite.
    preview: Option<String>,
}

/// How far the person has seen theirs now.
#[derive(Debug, Serialize)]
pub(crate) struct Marked {
    up_to: String,
    pub(crate) pos: String,
    replayed: bool,
}

pub(crate) async fn page(app: &App, who: &Who, query: NotificationsQuery) -> Result<NotificationsPage, Problem> {
    let limit = ListQuery::of(query.limit, None).window(&app.limits)?.limit;
    let mut fields = Fields::default();
    let unread_only = fields.optional("/unread", query.unread, |text| {
        fields::word(&text, &[("true", true), ("false", false)])
    });
    let before = fields.optional("/before", query.before, |text| text.parse::<Pos>());
    let (unread_only, before) = fields.finish(unread_only.zip(before))?;
    let mut below = Some(match before {
        Some(before) => before.within(app.identity)?,
        None => u64::MAX,
    });
    let user = who.user;
    let mark = app.views.notifications.mark(user).await?;
    let above = if unread_only == Some(true) { mark } else { 0 };
    let mut items = vec![];
    for _ in 0..ROUNDS_MAX {
        let Some(position) = below.filter(|_| items.len() < limit) else {
            break;
        };
        let found = app
            .views
            .notifications
            .between(user, (above, position), limit - items.len())
            .await?;
        below = found.items.last().map(|call| call.position).filter(|_| found.more);
        items.extend(show(app, user, mark, found.items).await?);
    }
    Ok(NotificationsPage {
        items,
        next: below.map(|position| app.pos(position).to_string()),
        unread: unread(app, user, mark).await?,
    })
}

async fn show(app: &App, user: UserId, mark: u64, calls: Vec<Notification>) -> Result<Vec<Item>, Problem> {
    let mut previews = HashMap::new();
    for (channel, message) in calls.iter().filter_map(words_of) {
        if let Some(row) = app.views.timeline.message(channel, message).await? {
            previews.insert((channel, message), (row.version, row.body));
        }
    }
    // Asked last, since it decides about everything that was read before.
    let seen = Seen::of(app, user, &calls).await;
    let shown = calls.into_iter().filter(|call| seen.may_see(call)).map(|call| {
        let showable = words_of(&call).and_then(|key| Some((key, *seen.messages.get(&key)?)));
        let preview = showable.and_then(|(key, showable)| {
            let (version, body) = previews.remove(&key)?;
            // Words of an older version are not what it says.
            body.filter(|_| version >= showable.version)
        });
        Item {
            pos: app.pos(call.position).to_string(),
            kind: call.kind,
            at: call.at,
            by: call.by.user(),
            space: call.space,
            channel: call.channel,
            message: call.message,
            seq: showable.map(|(_, showable)| showable.seq),
            read: call.position <= mark,
            preview: preview.map(|body| body.chars().take(PREVIEW_CHARS).collect()),
        }
    });
    Ok(shown.collect())
}

/// Counted among the newest, by the same rights as the list.
async fn unread(app: &App, user: UserId, mark: u64) -> Result<usize, Problem> {
    let calls = app
        .views
        .notifications
        .between(user, (mark, u64::MAX), UNREAD_COUNTED_MAX)
        .await?
        .items;
    let seen = Seen::of(app, user, &calls).await;
    Ok(calls.iter().filter(|call| seen.may_see(call)).count())
}

/// What of the places that calls come from somebody may see now.
struct Seen {
    messages: Showables,
    channels: HashSet<ChannelId>,
    spaces: HashSet<SpaceId>,
}

impl Seen {
    async fn of(app: &App, user: UserId, calls: &[Notification]) -> Self {
        let messages = showing::to_reader(app, user, calls.iter().filter_map(words_of)).await;
        let invites = || calls.iter().filter(|call| call.message.is_none());
        let mut channels = HashSet::new();
        for channel in invites().filter_map(|call| call.channel).collect::<HashSet<_>>() {
            if access::reader(app, user, channel).await.is_ok() {
                channels.insert(channel);
            }
        }
        let to_spaces = invites().filter(|call| call.channel.is_none());
        let mut spaces = HashSet::new();
        for space in to_spaces.filter_map(|call| call.space).collect::<HashSet<_>>() {
            if matches!(access::role(app, user, space).await, Ok(Some(_))) {
                spaces.insert(space);
            }
        }
        Self {
            messages,
            channels,
            spaces,
        }
    }

    fn may_see(&self, call: &Notification) -> bool {
        match (call.message, call.channel, call.space) {
            (Some(message), Some(channel), _) => self.messages.contains_key(&(channel, message)),
            (None, Some(channel), _) => self.channels.contains(&channel),
            (None, None, Some(space)) => self.spaces.contains(&space),
            (Some(_), None, _) | (None, None, None) => false,
        }
    }
}

fn words_of(call: &Notification) -> Option<(ChannelId, MessageId)> {
    call.channel.zip(call.message)
}

pub(crate) async fn mark_read(app: &App, call: &Call, mark: MarkRead) -> Result<Marked, Problem> {
    let up_to: Pos = mark
        .up_to
        .parse()
        .map_err(|why: PosError| Problem::invalid("/up_to", why.to_string()))?;
    let up_to = up_to.within(app.identity)?;
    // Nothing calls from beyond what the views have shown, so nobody can have seen it.
    if up_to > app.views.position() {
        return Err(Problem::invalid("/up_to", "lies beyond the newest that can be seen"));
    }
    let caller = Caller {
        actor: Actor::User(call.who.user),
        acting_as: None,
        key: key_of(up_to),
        request_id: call.request_id,
        at: crate::request::now(),
    };
    let owner = call.who.user.uuid();
    let outcome = app
        .commands
        .inboxes
        .execute(owner, Command::MarkNotifications { up_to }, caller)
        .await?;
    let marked = app
        .commands
        .inboxes
        .read(owner, |view| view.state.notifications_read())
        .await?;
    Ok(Marked {
        up_to: app.pos(marked).to_string(),
        pos: app.pos(outcome.position).to_string(),
        replayed: outcome.replayed || outcome.events.is_empty(),
    })
}

/// The mark itself is the key: marks only rise, so the same one again is the same command.
fn key_of(up_to: u64) -> IdempotencyKey {
    IdempotencyKey::parse(&format!("notified:{up_to}"))
        .expect("a word and a number of at most 20 digits are 29 visible ASCII characters or fewer")
}
