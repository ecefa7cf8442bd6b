//! Searching. Candidates are the channels somebody is in, as the views know them; what of the hits is shown is asked of the channels
//! themselves, with each page: who may read, from where on, what is deleted, and whether the words are still the message's.

use std::ops::Range;

use chrono::{DateTime, Utc};
use domain::{Actor, ChannelId, MessageId, SpaceId, UserId};
use projections::{Excerpt, Hit, Searched, Terms};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    access,
    fields::Fields,
    pages::{Cursor, ListQuery},
    showing,
};
use crate::{app::App, problem::Problem, render, request::Who};

/// Channels that one search covers; of those who are in more, the ones with the newest events.
pub(crate) const CHANNELS_SEARCHED_MAX: usize = 2_000;
/// Questions to the view for one page. Where so many did not fill it, the page is short and the next one goes on.
const ROUNDS_MAX: usize = 4;
/// Hits asked for beyond what a page has room for, since some may not be shown.
const SPARE: usize = 8;

/// `?q=&in=&from=&before=&limit=`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchQuery {
    q: String,
    #[serde(rename = "in")]
    within: Option<String>,
    from: Option<String>,
    before: Option<String>,
    limit: Option<String>,
    /// Looked at before the page is.
    #[serde(rename = "min_pos")]
    _min_pos: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Found {
    items: Vec<FoundMessage>,
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct FoundMessage {
    message: MessageId,
    channel: ChannelId,
    space: Option<SpaceId>,
    seq: u64,
    by: Option<UserId>,
    #[serde(serialize_with = "render::time")]
    at: DateTime<Utc>,
    version: u16,
    excerpt: ExcerptShape,
}

/// Places count Unicode scalar values; `end` is behind the match.
#[derive(Debug, Serialize)]
struct ExcerptShape {
    text: String,
    matches: Vec<Match>,
    cut_before: bool,
    cut_after: bool,
}

#[derive(Debug, Serialize)]
struct Match {
    start: usize,
    end: usize,
}

/// What is searched.
#[derive(Debug, Clone, Copy)]
enum Within {
    Channel(ChannelId),
    Space(SpaceId),
}

/// A query that makes sense.
struct Wanted {
    terms: Terms,
    within: Option<Within>,
    from: Option<Actor>,
    below: u64,
    limit: usize,
}

pub(crate) async fn find(app: &App, who: &Who, query: SearchQuery) -> Result<Found, Problem> {
    let wanted = query.wanted(app)?;
    let user = who.user;
    let searched = Searched {
        channels: channels(app, user, wanted.within).await?,
        terms: wanted.terms,
        from: wanted.from,
    };
    let mut items: Vec<FoundMessage> = vec![];
    let mut below = Some(wanted.below);
    for _ in 0..ROUNDS_MAX {
        let Some(position) = below.filter(|_| items.len() < wanted.limit) else {
            break;
        };
        let room = wanted.limit - items.len();
        let hits = app.views.search.before(position, &searched, room + SPARE).await?;
        let last = hits.items.last().map(|hit| hit.position);
        let fresh = show(app, user, &searched.terms, hits.items).await?;
        below = match fresh.get(room.saturating_sub(1)) {
            // Whatever follows the last one that found room comes again.
            Some((position, _)) if hits.looked_to.is_some() || last != Some(*position) => Some(*position),
            Some(_) => None,
            None => hits.looked_to,
        };
        items.extend(fresh.into_iter().take(room).map(|(_, found)| found));
    }
    let next = below.map(|position| Cursor::after(Uuid::from_u128(u128::from(position))).to_string());
    Ok(Found { items, next })
}

impl SearchQuery {
    fn wanted(self, app: &App) -> Result<Wanted, Problem> {
        let window = ListQuery::of(self.limit, None).window(&app.limits)?;
        let mut fields = Fields::default();
        let terms = fields.field("/q", Terms::parse(&self.q));
        let within = fields.optional("/in", self.within, |text| Within::parse(&text));
        let from = fields.optional("/from", self.from, |id| id.parse::<UserId>());
        let before = fields.optional("/before", self.before, |text| position(&text));
        let parts = terms.zip(within).zip(from).zip(before);
        let wanted = parts.map(|(((terms, within), from), before)| Wanted {
            terms,
            within,
            from: from.map(Actor::User),
            below: before.unwrap_or(u64::MAX),
            limit: window.limit,
        });
        fields.finish(wanted)
    }
}

fn position(text: &str) -> Result<u64, &'static str> {
    let wrong = "must be the `next` of a page before";
    let cursor: Cursor = text.parse().map_err(|_| wrong)?;
    u64::try_from(cursor.uuid().as_u128()).map_err(|_| wrong)
}

impl Within {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let channel = text.parse().map(Self::Channel);
        channel
            .or_else(|_| text.parse().map(Self::Space))
            .map_err(|_| "must be the id of a channel or a space")
    }
}

/// Where to look. Naming a place that one may not read is answered as if it were not there.
async fn channels(app: &App, user: UserId, within: Option<Within>) -> Result<Vec<ChannelId>, Problem> {
    match within {
        Some(Within::Channel(channel)) => {
            access::reader(app, user, channel).await?;
            Ok(vec![channel])
        }
        Some(Within::Space(space)) => {
            access::look_at_space(app, user, space, |_, _| ()).await?;
            Ok(app.views.channel_list.channels_in_space_of(space, user).await?)
        }
        None => {
            let all = app.views.channel_list.liveliest_of(user, CHANNELS_SEARCHED_MAX).await?;
            Ok(all.items.into_iter().map(|channel| channel.id).collect())
        }
    }
}

/// The hits that may be shown, each with its position. The words are read first and the rights asked last.
async fn show(app: &App, user: UserId, terms: &Terms, hits: Vec<Hit>) -> Result<Vec<(u64, FoundMessage)>, Problem> {
    let mark = Uuid::new_v4();
    let mut told = Vec::with_capacity(hits.len());
    for hit in hits {
        let excerpt = app.views.search.excerpt(hit.position, terms, mark).await?;
        told.extend(excerpt.map(|excerpt| (hit, excerpt)));
    }
    let named = told.iter().map(|(hit, _)| (hit.channel, hit.message));
    let showables = showing::to_reader(app, user, named).await;
    let shown = told.into_iter().filter_map(|(hit, excerpt)| {
        let showable = showables.get(&(hit.channel, hit.message))?;
        // The words of an older version are not what the message says.
        (hit.version == showable.version).then(|| {
            let found = FoundMessage {
                message: hit.message,
                channel: hit.channel,
                space: showable.space,
                seq: showable.seq,
                by: hit.author.user(),
                at: hit.at,
                version: hit.version,
                excerpt: excerpt.into(),
            };
            (hit.position, found)
        })
    });
    Ok(shown.collect())
}

impl From<Excerpt> for ExcerptShape {
    fn from(excerpt: Excerpt) -> Self {
        Self {
            text: excerpt.text,
            matches: excerpt
                .matches
                .into_iter()
                .map(|Range { start, end }| Match { start, end })
                .collect(),
            cut_before: excerpt.cut_before,
            cut_after: excerpt.cut_after,
        }
    }
}
