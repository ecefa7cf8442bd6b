//! `GET /channels/{id}/messages/{message}/comments`: the comments below a post or a comment of a forum, each behind what it answers,
//! siblings by votes or by age. A walk through the pages sees the ranking as it stood at its first page, without what was deleted since.

use std::{fmt, str::FromStr};

use actix_web::{HttpResponse, web};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use projections::{Comments, Place, Ranking};
use serde::Deserialize;

use super::page::deleted;
use crate::{
    app::App,
    http::path,
    ops::{
        access,
        fields::{Fields, word},
        pages,
    },
    problem::{Problem, codes},
    render::{List, Message, answers::View},
    request::Who,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    sort: Option<String>,
    limit: Option<String>,
    after: Option<String>,
    /// Looked at before the page is.
    #[serde(rename = "min_pos")]
    _min_pos: Option<serde::de::IgnoredAny>,
}

pub(crate) async fn comments(
    app: web::Data<App>,
    who: Who,
    path: web::Path<(String, String)>,
    query: web::Query<Query>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let (ranking, from, limit) = query.into_inner().parse(&app)?;
    let channel = path::channel(&path.0)?;
    let parent = path::message(&app, who.user, channel, &path.1).await?;
    // Comments come after what they are about, so whoever sees that sees them.
    access::to_message(&app, who.user, channel, parent).await?;
    let timeline = &app.views.timeline;
    let found = timeline
        .comments(who.user, channel, parent, ranking, from, limit)
        .await?;
    let Comments::Page { mut items, next } = found else {
        return Err(Problem::new(&codes::CURSOR_TOO_OLD));
    };
    let deleted = deleted(&app, who.user, channel, &items).await?;
    items.retain(|message| !deleted.contains(&message.id));
    Ok(view.shows(&List {
        items: items.into_iter().map(|row| Message::of(row, false)).collect(),
        next: next.map(|place| Cursor { ranking, place }.to_string()),
    }))
}

impl Query {
    /// A cursor goes on in the order in which it began.
    fn parse(self, app: &App) -> Result<(Ranking, Option<Place>, usize), Problem> {
        let mut fields = Fields::default();
        let limit = pages::limit(&mut fields, self.limit.as_deref(), &app.limits);
        let kinds = [("top", Ranking::Top), ("new", Ranking::New)];
        let sort = fields.optional("/sort", self.sort.as_deref(), |sort| word(sort, &kinds));
        let after = fields.optional("/after", self.after, |after| after.parse::<Cursor>());
        if let (Some(Some(sort)), Some(Some(after))) = (sort, after)
            && sort != after.ranking
        {
            fields.refuse("/sort", "is another one than that of `after`");
        }
        let parts = sort.zip(after).zip(limit).map(|((sort, after), limit)| {
            let ranking = after.map(|after| after.ranking).or(sort).unwrap_or(Ranking::Top);
            (ranking, after.map(|after| after.place), limit)
        });
        fields.finish(parts)
    }
}

/// Where a walk goes on. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    ranking: Ranking,
    place: Place,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 17];
        bytes[0] = match self.ranking {
            Ranking::New => b'n',
            Ranking::Top => b't',
        };
        bytes[1..9].copy_from_slice(&self.place.as_of.to_be_bytes());
        bytes[9..].copy_from_slice(&self.place.behind.to_be_bytes());
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = pages::NotACursor;

    fn from_str(text: &str) -> Result<Self, pages::NotACursor> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| pages::NotACursor)?;
        let (kind, place) = bytes.split_first().ok_or(pages::NotACursor)?;
        let (as_of, behind) = place.split_first_chunk::<8>().ok_or(pages::NotACursor)?;
        let behind: [u8; 8] = behind.try_into().map_err(|_| pages::NotACursor)?;
        let ranking = match kind {
            b'n' => Ranking::New,
            b't' => Ranking::Top,
            _ => return Err(pages::NotACursor),
        };
        let (as_of, behind) = (u64::from_be_bytes(*as_of), u64::from_be_bytes(behind));
        Ok(Self {
            ranking,
            place: Place { as_of, behind },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_out() {
        for ranking in [Ranking::New, Ranking::Top] {
            let place = Place { as_of: 812, behind: 50 };
            let cursor = Cursor { ranking, place };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for wrong in ["", "x", "AAAA", "++", "dAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(pages::NotACursor), "{wrong}");
        }
    }
}
