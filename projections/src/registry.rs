//! What a projection is, and the list of all of them. Running them is the runner's work.

use serde::Serialize;

use crate::{
    Event,
    audit::AUDIT,
    channel_list::CHANNEL_LIST,
    columns,
    digest::{Scope, Table},
    directory::DIRECTORY,
    feed::FEED,
    notifications::NOTIFICATIONS,
    reports::REPORTS,
    search::SEARCH,
    timeline::TIMELINE,
};

/// Every view there is. The runner feeds all of them from one reader.
pub const ALL: &[&Projection] = &[
    &TIMELINE,
    &CHANNEL_LIST,
    &DIRECTORY,
    &REPORTS,
    &AUDIT,
    &FEED,
    &NOTIFICATIONS,
    &SEARCH,
];

/// A view of the log, as far as the runner needs to know it.
#[derive(Debug)]
pub struct Projection {
    pub name: &'static str,
    /// Raised whenever the fold or the tables change; a view of another version is folded again, from the start and into new files.
    pub version: u32,
    /// The streams it folds. Events of others cannot touch it, readable or not.
    pub categories: &'static [&'static str],
    /// The tables it alone writes, each with what its rows are summed by.
    pub tables: &'static [Table],
    pub(crate) schema: Schema,
    /// What a run of events does to the tables: pure, the same however a log is cut into runs.
    pub(crate) fold: fn(&[&Event]) -> Vec<Statement>,
}

impl Projection {
    /// Whether rows come from several streams, so that the order between streams counts.
    pub(crate) fn mixes_streams(&self) -> bool {
        let many = |table: &Table| matches!(table.scope, Scope::Many(_));
        self.tables.iter().any(many)
    }
}

/// How a database becomes one of a view's generations: lists of statements, run once each.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The tables with their keys, and the indexes that the fold itself looks things up by.
    pub(crate) tables: &'static str,
    /// The indexes of the queries. A rebuild makes them last, since filling them row by row takes far longer.
    pub(crate) indexes: &'static str,
}

/// A statement whose one parameter is a JSON array of rows, so that its cost is that of one statement whatever their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) rows: String,
}

impl Statement {
    /// Nothing for no rows.
    pub(crate) fn over<T: Serialize>(sql: &'static str, rows: impl IntoIterator<Item = T>) -> Option<Self> {
        let rows: Vec<T> = rows.into_iter().collect();
        if rows.is_empty() {
            None
        } else {
            Some(Self {
                sql,
                rows: columns::to_json(&rows),
            })
        }
    }
}
