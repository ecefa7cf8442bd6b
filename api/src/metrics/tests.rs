//! That the page of metrics tells every family, and none that does not exist.

use std::collections::BTreeSet;

use crate::serve::Stage;

const PAGE: &str = include_str!("../../../ops/docs/metrics.md");

/// Where families are registered. An encoder shows those with labels only once they have counted something, so the names are read here.
const SOURCES: [&str; 5] = [
    include_str!("http.rs"),
    include_str!("log.rs"),
    include_str!("sockets.rs"),
    include_str!("../../../commands/src/metrics.rs"),
    include_str!("../../../projections/src/metrics.rs"),
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
