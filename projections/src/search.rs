//! Search: the words of every message, found by an index of words, newest first. Which channels are searched is given by whoever asks, and
//! what of the hits may be shown is decided by them, too: this view holds words, no rights.

use chrono::{DateTime, Utc};
use domain::{Actor, ChannelId, MessageId};
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{ViewError, columns, reads::Reads};

mod excerpt;
mod fold;
mod terms;

pub use excerpt::{EXCERPT_CHARS, Excerpt};
pub(crate) use fold::SEARCH;
pub use terms::{BadTerms, QUERY_CHARS_MAX, TERMS_MAX, Terms};

/// Hits that one question looks at, for people in more channels than the index can be asked for. Beyond them the next page goes on.
const HITS_LOOKED_AT_MAX: u64 = 20_000;

/// What is searched.
#[derive(Debug, Clone)]
pub struct Searched {
    pub terms: Terms,
    pub channels: Vec<ChannelId>,
    pub from: Option<Actor>,
}

/// A message that has the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub position: u64,
    pub channel: ChannelId,
    pub message: MessageId,
    pub seq: u64,
    pub author: Actor,
    pub at: DateTime<Utc>,
    /// The version of the message whose words these are.
    pub version: u16,
}

/// Hits below a position, and how far down was looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    pub items: Vec<Hit>,
    /// Everything at and above it was looked at; nothing when that is all there is.
    pub looked_to: Option<u64>,
}

/// The queries of the search.
#[derive(Debug, Clone)]
pub struct Search {
    reads: Reads,
}

impl Search {
    pub(crate) fn new(reads: Reads) -> Self {
        Self { reads }
    }

    /// At most `limit` hits below a position, newest first.
    pub async fn before(&self, position: u64, searched: &Searched, limit: usize) -> Result<Hits, ViewError> {
        if searched.channels.is_empty() {
            return Ok(Hits {
                items: vec![],
                looked_to: None,
            });
        }
        let reads = self.reads.current();
        let expression = searched.terms.expression(&searched.channels);
        let boundary = sqlx::query(include_str!("search/boundary.sql"))
            .bind(&expression)
            .bind(columns::integer(position))
            .bind(columns::integer(HITS_LOOKED_AT_MAX))
            .fetch_optional(&reads)
            .await?;
        let boundary: Option<u64> = boundary.map(|row| columns::number(&row, "position")).transpose()?;
        let channels: Vec<_> = searched
            .channels
            .iter()
            .map(|channel| columns::Hex(channel.uuid()))
            .collect();
        let rows = sqlx::query(include_str!("search/hits.sql"))
            .bind(&expression)
            .bind(columns::integer(position))
            .bind(columns::integer(boundary.unwrap_or(0)))
            .bind(columns::to_json(&channels))
            .bind(searched.from.map(|author| columns::blob(author.uuid())))
            .bind(columns::integer(limit as u64))
            .fetch_all(&reads)
            .await?;
        let items = rows.iter().map(hit).collect::<sqlx::Result<Vec<_>>>()?;
        let last = items.last().filter(|_| items.len() >= limit).map(|hit| hit.position);
        Ok(Hits {
            items,
            looked_to: last.or(boundary),
        })
    }

    /// Where the words stand in the message at `position`; nothing when it has them no longer. `mark` is an id that no message can know,
    /// made for this question alone.
    pub async fn excerpt(&self, position: u64, terms: &Terms, mark: Uuid) -> Result<Option<Excerpt>, ViewError> {
        let [open, close] = ['<', '>'].map(|side| format!("{side}{}", mark.simple()));
        let row = sqlx::query(include_str!("search/marked.sql"))
            .bind(terms.expression(&[]))
            .bind(columns::integer(position))
            .bind(&open)
            .bind(&close)
            .fetch_optional(&self.reads.current())
            .await?;
        let marked: Option<String> = match row {
            Some(row) => row.try_get("marked")?,
            None => None,
        };
        Ok(marked.map(|marked| Excerpt::of(&marked, &open, &close)))
    }
}

fn hit(row: &SqliteRow) -> sqlx::Result<Hit> {
    Ok(Hit {
        position: columns::number(row, "position")?,
        channel: columns::id(row, "channel")?,
        message: columns::id(row, "id")?,
        seq: columns::number(row, "seq")?,
        author: columns::actor(row, "author")?,
        at: columns::time(row, "at")?,
        version: columns::number(row, "version")?,
    })
}
