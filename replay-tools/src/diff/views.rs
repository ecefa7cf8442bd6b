//! `replay diff views`: two generations of a view, by the ids its tables are summed by. They are equal where they stand at the same
//! position of the same log and were folded by the same rules, however each came to be.

use std::path::PathBuf;

use clap::Args;
use projections::digest::{self, Keys};
use serde::Serialize;

use crate::{
    ending::{Ending, wrong_usage},
    results::{Showing, grouped},
    source::blocking,
    views_folder::{self, OpenGeneration},
};

#[derive(Args)]
#[command(after_help = "Example: replay diff views --projection timeline --generations 1,2")]
pub(super) struct Views {
    #[arg(long)]
    projection: String,
    /// Two of them; with --other-data-dir one is enough
    #[arg(long, value_delimiter = ',', required = true)]
    generations: Vec<u64>,
    /// The service's data folder
    #[arg(long, env = "VERBATIM_DATA_DIR", default_value = "./data", value_name = "DIR")]
    data_dir: PathBuf,
    /// Where the second generation is, if elsewhere
    #[arg(long, value_name = "DIR")]
    other_data_dir: Option<PathBuf>,
    /// The folder of the views, where it is not in the data folder
    #[arg(long, value_name = "DIR")]
    views: Option<PathBuf>,
    /// Names at most so many differences; all are counted
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Serialize)]
struct Report {
    projection: &'static str,
    generations: [u64; 2],
    positions: [u64; 2],
    versions: [u32; 2],
    differing_count: u64,
    differing: Vec<Differing>,
}

#[derive(Serialize)]
struct Differing {
    table: &'static str,
    key: String,
    /// Rows of the key on each side.
    rows: [i64; 2],
}

impl Views {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        let (first, second) = match self.generations[..] {
            [first, second] => (first, second),
            [only] if self.other_data_dir.is_some() => (only, only),
            _ => return Err(wrong_usage("--generations takes two numbers, as in 1,2")),
        };
        let folder = self.views.clone().unwrap_or_else(|| self.data_dir.join("views"));
        let other = self
            .other_data_dir
            .as_ref()
            .map_or_else(|| folder.clone(), |data| data.join("views"));
        let (showing, limit, projection) = (self.showing, self.limit, self.projection);
        let report = blocking(move || {
            let left = views_folder::generation(&folder, &projection, first)?;
            let right = views_folder::generation(&other, &projection, second)?;
            compare(&left, &right, limit)
        })
        .await?;
        let mut results = showing.results();
        results.json(&report)?;
        for differing in &report.differing {
            let [left, right] = differing.rows;
            results.say(format!(
                "{} {}: {left} rows and {right} rows",
                differing.table, differing.key
            ))?;
        }
        let [left, right] = report.positions;
        results.say(format!(
            "{}: {} keys differ, at positions {left} and {right}",
            report.projection,
            grouped(report.differing_count)
        ))?;
        results.finish()?;
        Ok(Ending::differs(report.differing_count > 0))
    }
}

fn compare(left: &OpenGeneration, right: &OpenGeneration, limit: usize) -> anyhow::Result<Report> {
    let versions = [left.version, right.version];
    if versions.iter().any(|version| *version != left.projection.version) {
        anyhow::bail!(
            "the generations were folded by versions {} and {}, this is {}",
            left.version,
            right.version,
            left.projection.version
        );
    }
    let mut report = Report {
        projection: left.projection.name,
        generations: [left.number, right.number],
        positions: [left.position, right.position],
        versions,
        differing_count: 0,
        differing: Vec::new(),
    };
    for table in left.projection.tables {
        let rows = |side: &OpenGeneration| digest::sums_of_rows(&side.connection, table, Keys::default());
        for difference in digest::differing(&rows(left)?, &rows(right)?) {
            report.differing_count += 1;
            if report.differing.len() < limit {
                report.differing.push(Differing {
                    table: table.name,
                    key: table.public_key(&difference.key),
                    rows: [difference.stored.rows, difference.rows.rows],
                });
            }
        }
    }
    Ok(report)
}
