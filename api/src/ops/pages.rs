//! Which page of a list or of a timeline is asked for: the query, parsed once. Cutting the pages is the views' work.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use projections::Anchor;
use serde::Deserialize;
use uuid::Uuid;

use super::fields::Fields;
use crate::{limits::Limits, problem::Problem};

/// `?limit=&before=&after=&around=` of a timeline, each a seq.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimelineQuery {
    limit: Option<String>,
    before: Option<String>,
    after: Option<String>,
    around: Option<String>,
    /// Looked at before the page is.
    #[serde(rename = "min_pos")]
    _min_pos: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimelineWindow {
    pub(crate) anchor: Anchor,
    pub(crate) limit: usize,
}

impl TimelineQuery {
    pub(crate) fn window(self, limits: &Limits) -> Result<TimelineWindow, Problem> {
        let mut fields = Fields::default();
        let limit = limit(&mut fields, self.limit.as_deref(), limits);
        let anchor = anchor(&mut fields, &self);
        fields.finish(
            anchor
                .zip(limit)
                .map(|(anchor, limit)| TimelineWindow { anchor, limit }),
        )
    }
}

/// At most one of the three, else the newest page.
fn anchor(fields: &mut Fields, query: &TimelineQuery) -> Option<Anchor> {
    let before = seq(fields, "/before", query.before.as_deref())?.map(Anchor::Before);
    let after = seq(fields, "/after", query.after.as_deref())?.map(Anchor::After);
    let around = seq(fields, "/around", query.around.as_deref())?.map(Anchor::Around);
    let mut given = [("/before", before), ("/after", after), ("/around", around)]
        .into_iter()
        .filter_map(|(name, anchor)| Some((name, anchor?)));
    let anchor = given.next().map_or(Anchor::Latest, |(_, anchor)| anchor);
    if let Some((second, _)) = given.next() {
        fields.refuse(second, "only one of before, after and around can be asked for");
    }
    Some(anchor)
}

fn seq(fields: &mut Fields, name: &str, given: Option<&str>) -> Option<Option<u64>> {
    fields.optional(name, given, |given| {
        given.parse().map_err(|_| "must be a seq, a whole number")
    })
}

/// `?limit=&after=` of a list, where `after` is the `next` of the page before.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    limit: Option<String>,
    after: Option<String>,
    /// Looked at before the page is.
    #[serde(rename = "min_pos")]
    _min_pos: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListWindow {
    after: Option<Cursor>,
    pub(crate) limit: usize,
}

impl ListQuery {
    /// For queries that ask for more than a page.
    pub(crate) fn of(limit: Option<String>, after: Option<String>) -> Self {
        Self {
            limit,
            after,
            _min_pos: None,
        }
    }

    pub(crate) fn window(self, limits: &Limits) -> Result<ListWindow, Problem> {
        let mut fields = Fields::default();
        let limit = limit(&mut fields, self.limit.as_deref(), limits);
        let after = fields.optional("/after", self.after, |cursor| cursor.parse::<Cursor>());
        fields.finish(after.zip(limit).map(|(after, limit)| ListWindow { after, limit }))
    }
}

impl ListWindow {
    /// The id of the last item of the page before.
    pub(crate) fn after<T: From<Uuid>>(&self) -> Option<T> {
        self.after.map(|cursor| T::from(cursor.0))
    }
}

/// Where a list goes on: after this id. Opaque to clients, so that the order of a list can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(Uuid);

impl Cursor {
    pub(crate) fn after(id: Uuid) -> Self {
        Self(id)
    }

    pub(crate) fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next` of a page before")]
pub(crate) struct NotACursor;

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        Uuid::from_slice(&bytes).map(Self).map_err(|_| NotACursor)
    }
}

pub(crate) fn limit(fields: &mut Fields, given: Option<&str>, limits: &Limits) -> Option<usize> {
    let max = limits.page_max;
    let parse = |given: &str| {
        let number = given.parse().ok().filter(|number| (1..=max).contains(number));
        number.ok_or_else(|| format!("must be a whole number from 1 to {max}"))
    };
    fields
        .optional("/limit", given, parse)
        .map(|limit| limit.unwrap_or(limits.page_default.min(max)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(query: &str) -> Result<TimelineWindow, Problem> {
        let query = actix_web::web::Query::<TimelineQuery>::from_query(query).expect("the names are known");
        query.into_inner().window(&Limits::default())
    }

    fn list(query: &str) -> Result<ListWindow, Problem> {
        let query = actix_web::web::Query::<ListQuery>::from_query(query).expect("the names are known");
        query.into_inner().window(&Limits::default())
    }

    #[test]
    fn without_a_wish_the_newest_page_of_the_usual_size_is_meant() {
        let usual = Limits::default().page_default;
        assert_eq!(
            timeline("").expect("valid"),
            TimelineWindow {
                anchor: Anchor::Latest,
                limit: usual
            }
        );
        assert_eq!(
            list("min_pos=x").expect("valid"),
            ListWindow {
                after: None,
                limit: usual
            }
        );
    }

    #[test]
    fn a_timeline_page_hangs_on_one_seq() {
        assert_eq!(
            timeline("before=7&limit=5").expect("valid"),
            TimelineWindow {
                anchor: Anchor::Before(7),
                limit: 5
            }
        );
        assert_eq!(timeline("after=0").expect("valid").anchor, Anchor::After(0));
        assert_eq!(timeline("around=9").expect("valid").anchor, Anchor::Around(9));
    }

    #[test]
    fn two_anchors_a_wrong_seq_and_a_wrong_limit_are_refused() {
        let wrong = [
            "before=7&after=3",
            "before=x",
            "after=-1",
            "around=",
            "limit=0",
            "limit=101",
            "limit=ten",
            "before=x&after=3",
        ];
        for wrong in wrong {
            assert!(timeline(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_went_out() {
        let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        let window = list(&format!("after={}", Cursor::after(id))).expect("valid");
        assert_eq!(window.after::<Uuid>(), Some(id));
        for wrong in ["after=", "after=x", "after=AAAA", "after=%2B%2B"] {
            assert!(list(wrong).is_err(), "{wrong}");
        }
    }
}
