//! The check of the views: whether the rows of every generation add up to the sums that were kept while they were written, and whether it
//! is a view of this log at all. What the log makes of a view is compared by the service (`POST /admin/projections/{name}/verify`).

use std::path::Path;

use event_store::{Identity, ReadError};
use projections::digest;
use serde::Serialize;

use super::{Finding, What};
use crate::{
    results::grouped,
    views_folder::{self, OpenGeneration},
};

/// Rows compared at once, so that memory does not grow with the view.
const SLICE_ROWS: u64 = 50_000;

/// One generation of a view.
#[derive(Debug, Serialize)]
pub(super) struct CheckedView {
    projection: &'static str,
    generation: u64,
    position: u64,
    rows: u64,
    /// Of its stored sums; equal digests at equal positions are equal views.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

impl CheckedView {
    pub(super) fn line(&self) -> String {
        let digest = self.digest.as_deref().unwrap_or("none is kept");
        format!(
            "view {} generation {} at position {}: {} rows, digest {digest}",
            self.projection,
            self.generation,
            self.position,
            grouped(self.rows)
        )
    }
}

pub(super) fn check(
    folder: &Path,
    identity: Identity,
    newest: impl FnOnce() -> Result<u64, ReadError>,
    add: &mut dyn FnMut(Finding),
) -> anyhow::Result<Vec<CheckedView>> {
    let generations = views_folder::generations(folder)?;
    // Asked after the views, which may have gone on since the log was checked, but are never ahead of it.
    let newest = newest()?;
    let checked = generations
        .iter()
        .map(|generation| one(generation, identity, newest, add));
    checked.collect()
}

fn one(
    generation: &OpenGeneration,
    identity: Identity,
    newest: u64,
    add: &mut dyn FnMut(Finding),
) -> anyhow::Result<CheckedView> {
    let projection = generation.projection;
    let of = |detail: String| Finding {
        what: What::View,
        position: None,
        stream: None,
        seq: None,
        detail: format!("view {} generation {}: {detail}", projection.name, generation.number),
    };
    let mut view = CheckedView {
        projection: projection.name,
        generation: generation.number,
        position: generation.position,
        rows: 0,
        digest: None,
    };
    if generation.log != (identity.id, identity.incarnation) {
        add(of("it is a view of another log".to_owned()));
    }
    if generation.position > newest {
        add(of(format!(
            "it stands at position {}, and the log ends at {newest}",
            generation.position
        )));
    }
    // Another version has other tables, and is folded anew at the next start anyway.
    let digest = digest::of(&generation.connection, projection)?;
    if generation.version != projection.version || digest.is_none() {
        return Ok(view);
    }
    view.digest = digest.map(|digest| digest.to_string());
    for table in projection.tables {
        let mut above: Option<Vec<u8>> = None;
        loop {
            let slice = digest::compare_slice(&generation.connection, table, above.as_deref(), SLICE_ROWS)?;
            view.rows += slice.rows;
            for differing in &slice.differing {
                add(of(format!(
                    "the rows of {} in {} are not those that were written: {} of {}",
                    table.public_key(&differing.key),
                    table.name,
                    differing.rows.rows,
                    differing.stored.rows
                )));
            }
            match slice.reached {
                Some(reached) => above = Some(reached),
                None => break,
            }
        }
    }
    Ok(view)
}
