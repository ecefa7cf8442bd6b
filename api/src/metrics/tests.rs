//! That the page of metrics tells every family, and none that does not exist.

use std::collections::BTreeSet;

use crate::serve::Stage;

const PAGE: &str = include_str!("../../../ops/docs/metrics.md");

/// Where families are registered. An encoder shows those with labels only once they have counted something, so the names are read here.
const SOURCES: [&str; 11] = [
    include_str!("auth.rs"),
    include_str!("http.rs"),
    include_str!("log.rs"),
    include_str!("outbound.rs"),
    include_str!("rates.rs"),
    include_str!("sockets.rs"),
    include_str!("streams.rs"),
    include_str!("../auth/standings.rs"),
    include_str!("../../../commands/src/metrics.rs"),
    include_str!("../../../projections/src/metrics.rs"),
    include_str!("../../../projections/src/live/metrics.rs"),
];

/// The first argument of every registration.
fn registered() -> BTreeSet<&'static str> {
    let calls = SOURCES.iter().flat_map(|source| source.split(".register").skip(1));
    let arguments = calls.filter_map(|call| {
        call.split_once('(')?
            .1
            .trim_start()
            .strip_prefix('"')?
            .split('"')
            .next()
    });
    arguments.collect()
}

/// Name and type of each family that has a row.
fn told() -> BTreeSet<(&'static str, &'static str)> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| {
        let (name, rest) = row.split_once("` | ")?;
        Some((name, rest.split(" | ").next()?))
    })
    .collect()
}

/// As the encoder writes it: counters end in `_total`, what has a unit ends in it.
fn is_written_as(registered: &str, name: &str) -> bool {
    let bare = name.strip_suffix("_total").unwrap_or(name);
    registered == bare || bare.strip_suffix("_seconds") == Some(registered)
}

#[test]
fn the_page_of_metrics_tells_every_family_and_no_other() {
    assert_eq!(registered().len(), told().len());
    for family in registered() {
        assert!(
            told().iter().any(|(name, _)| is_written_as(family, name)),
            "metrics.md does not tell {family}"
        );
    }
}

/// Words that look like a family of ours, as alerts and runbooks write them: with labels, or with the suffix of a histogram's part.
fn mentioned(page: &str) -> impl Iterator<Item = &str> {
    const STARTS: [&str; 7] = [
        "ws_",
        "http_",
        "commands_",
        "command_",
        "sequencer_",
        "log_",
        "projection_",
    ];
    let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    // What ends in an underscore is the beginning of a pattern.
    words.filter(|word| STARTS.iter().any(|start| word.starts_with(start)) && !word.ends_with('_'))
}

#[test]
fn runbooks_name_only_what_is_shown() {
    /// Limits and tables.
    const OTHERS: [&str; 4] = [
        "commands_per_second",
        "commands_burst",
        "projection_parked",
        "projection_checkpoint",
    ];
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/runbooks");
    let pages: Vec<_> = std::fs::read_dir(folder)
        .expect("runbooks")
        .map(|page| page.expect("a page").path())
        .collect();
    assert!(pages.len() > 5, "{pages:?}");
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("text");
        for word in mentioned(&text).filter(|word| !OTHERS.contains(word)) {
            let parts = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|part| word.strip_suffix(part));
            let family = parts.unwrap_or(word);
            assert!(
                told().iter().any(|(name, _)| *name == family),
                "{} names {word}",
                page.display()
            );
        }
    }
}

#[tokio::test]
async fn what_a_server_shows_is_on_the_page_of_metrics_with_its_type() {
    let stage = Stage::set(&[]).await;
    let text = stage.app.metrics.text();
    let shown: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(!shown.is_empty());
    for family in shown {
        let (name, kind) = family.split_once(' ').expect("a name and a type");
        let name = if kind == "counter" {
            format!("{name}_total")
        } else {
            name.to_owned()
        };
        assert!(
            told().contains(&(&*name, kind)),
            "metrics.md does not tell the {kind} {name}"
        );
    }
}
