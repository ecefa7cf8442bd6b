//! Pages of feeds. The view ranks, as it was when a walk began; what of it may be shown now is asked of the channels themselves; what the
//! messages say is in the timeline.

use std::collections::HashMap;

use domain::{ChannelId, SpaceId, UserId};
use projections::{Among, Entry, FeedPlace as Place, FeedRanking as Ranking, Sort};
use serde::{Deserialize, Serialize};

use self::cursor::{FeedCursor, Walk};
use super::{
    access,
    fields::{self, Fields},
    pages::ListQuery,
    showing::{self, Showables},
};
use crate::{
    app::App,
    problem::{Problem, codes},
    render::Message,
    request::Who,
};

mod cursor;

/// Questions to the view for one page. Where so many did not fill it, the page is short and the next one goes on.
const ROUNDS_MAX: usize = 4;
/// Entries asked for beyond what a page has room for, since some may not be shown.
const SPARE: usize = 16;

/// Which feed is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The spaces one is in, as far as one is in their channels.
    Home,
    /// What anyone may walk into.
    Discover,
    Space(SpaceId),
    Posts(ChannelId),
}

/// `?sort=&limit=&after=`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedQuery {
    sort: Option<String>,
    limit: Option<String>,
    after: Option<String>,
    /// Looked at before the page is.
    #[serde(rename = "min_pos")]
    _min_pos: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FeedPage {
    items: Vec<FeedItem>,
    next: Option<String>,
}

/// A message, and what people think of it.
#[derive(Debug, Serialize)]
struct FeedItem {
    #[serde(flatten)]
    message: Message,
    space: Option<SpaceId>,
    channel: ChannelId,
    /// Votes up less votes down, as of now.
    score: i64,
    /// The vote of the person who asks.
    mine: Option<Vote>,
    comments: u64,
    hot: i64,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Vote {
    Up,
    Down,
}

const SORTS: [(&str, Sort); 3] = [("hot", Sort::Hot), ("new", Sort::New), ("top", Sort::Top)];

pub(crate) async fn page(app: &App, who: &Who, scope: Scope, query: FeedQuery) -> Result<FeedPage, Problem> {
    let (walk, cursor, limit) = begin(app, scope, query)?;
    let user = who.user;
    let among = among(app, user, scope, cursor.as_of).await?;
    let mut place = Some(cursor.place);
    let mut shown: Vec<FeedItem> = Vec::with_capacity(limit);
    for _ in 0..ROUNDS_MAX {
        let Some(below) = place.filter(|_| shown.len() < limit) else {
            break;
        };
        let wanted = limit - shown.len() + SPARE;
        let ranking = app
            .views
            .feed
            .ranking(&among, walk.sort, cursor.as_of, below, wanted)
            .await?;
        let ranking = ranking.ok_or_else(|| Problem::new(&codes::CURSOR_EXPIRED))?;
        place = fill(app, user, scope, ranking, &mut shown, limit).await?;
    }
    let next = place.map(|place| FeedCursor {
        as_of: cursor.as_of,
        place,
    });
    Ok(FeedPage {
        items: shown,
        next: next.map(|next| next.text(&walk)),
    })
}

/// The order, the place to begin below, and how many entries.
fn begin(app: &App, scope: Scope, query: FeedQuery) -> Result<(Walk, FeedCursor, usize), Problem> {
    let limit = ListQuery::of(query.limit, None).window(&app.limits)?.limit;
    let mut fields = Fields::default();
    let sort = fields.optional("/sort", query.sort, |sort| fields::word(&sort, &SORTS));
    let walk = Walk {
        scope,
        sort: sort.flatten().unwrap_or(Sort::Hot),
        log: app.identity,
    };
    let after = fields.optional("/after", query.after, |text| FeedCursor::parse(&text, &walk));
    let after = fields.finish(sort.zip(after).map(|(_, after)| after))?;
    let first = || FeedCursor {
        as_of: app.views.position(),
        place: Place::TOP,
    };
    Ok((walk, after.unwrap_or_else(first), limit))
}

async fn among(app: &App, user: UserId, scope: Scope, as_of: u64) -> Result<Among, Problem> {
    let feed = &app.views.feed;
    Ok(match scope {
        Scope::Home => Among::These(feed.channels_of(user, None, as_of).await?),
        Scope::Discover => Among::Open,
        Scope::Space(space) => {
            access::look_at_space(app, user, space, |_, _| ()).await?;
            Among::These(feed.channels_of(user, Some(space), as_of).await?)
        }
        Scope::Posts(channel) => {
            access::reader(app, user, channel).await?;
            Among::These(vec![channel])
        }
    })
}

/// Shows what may be shown, as far as there is room, and says below which place to go on, if anything can be there.
async fn fill(
    app: &App,
    user: UserId,
    scope: Scope,
    ranking: Ranking,
    shown: &mut Vec<FeedItem>,
    limit: usize,
) -> Result<Option<Place>, Problem> {
    let votes: HashMap<u64, i64> = app
        .views
        .feed
        .votes_of(user, &ranking.entries)
        .await?
        .into_iter()
        .collect();
    let mut messages = HashMap::with_capacity(ranking.entries.len());
    for entry in &ranking.entries {
        let found = app
            .views
            .timeline
            .message_for(user, entry.channel, entry.message)
            .await?;
        messages.extend(found.map(|message| (entry.place, message)));
    }
    // Asked last, since it decides about everything that was read before.
    let showables = may_be_shown(app, user, scope, &ranking.entries).await;
    for (index, entry) in ranking.entries.iter().enumerate() {
        let showable = showables.get(&(entry.channel, entry.message));
        let found = showable.and_then(|showable| Some((showable, messages.remove(&entry.place)?)));
        if let Some((showable, row)) = found.filter(|(showable, row)| row.version >= showable.version) {
            shown.push(FeedItem {
                message: Message::of(row, false),
                space: showable.space,
                channel: entry.channel,
                score: entry.score,
                mine: votes.get(&entry.place.position).map(|vote| Vote::of(*vote)),
                comments: entry.comments,
                hot: entry.hot,
            });
        }
        let more = index + 1 < ranking.entries.len() || ranking.looked_to.is_some();
        if shown.len() == limit {
            return Ok(more.then_some(entry.place));
        }
    }
    Ok(ranking.looked_to)
}

async fn may_be_shown(app: &App, user: UserId, scope: Scope, entries: &[Entry]) -> Showables {
    let named = entries.iter().map(|entry| (entry.channel, entry.message));
    match scope {
        Scope::Discover => showing::to_passer_by(app, user, named).await,
        Scope::Home | Scope::Space(_) | Scope::Posts(_) => showing::to_reader(app, user, named).await,
    }
}

impl Vote {
    fn of(vote: i64) -> Self {
        if vote > 0 { Self::Up } else { Self::Down }
    }
}
