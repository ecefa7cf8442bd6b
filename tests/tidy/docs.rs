//! The written part: links lead somewhere, and decision records are numbered without a gap, so that none can be lost unnoticed.

use std::path::Path;

use crate::{assert_none, tree, tree::File};

const DECISIONS: &str = "ops/docs/decisions";

/// Targets of `[words](target)` outside of code.
fn links(markdown: &str) -> Vec<String> {
    prose(markdown)
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|link| link.trim().to_owned())
        .collect()
}

/// The text without fenced blocks and without what stands between backticks.
fn prose(markdown: &str) -> String {
    let mut in_fence = false;
    let mut prose = String::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        } else if !in_fence {
            prose.extend(line.split('`').step_by(2));
            prose.push('\n');
        }
    }
    prose
}

/// The file a link leads to, from the top; none for other sites and places on the same page.
fn target(from: &str, link: &str) -> Option<String> {
    let path = link.split(['#', ' ']).next().unwrap_or_default();
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return None;
    }
    let folder = Path::new(from).parent().unwrap_or(Path::new(""));
    Some(folder.join(path).to_string_lossy().into_owned())
}

fn dead_links(file: &File, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let dead = |link: &String| target(&file.path, link).is_some_and(|target| !exists(&target));
    links(&file.text)
        .into_iter()
        .filter(dead)
        .map(|link| format!("{} links to {link}, which is not there", file.path))
        .collect()
}

/// Records are named `0001-what-was-decided.md`.
fn misnumbered(names: &[String]) -> Vec<String> {
    let records = names.iter().filter(|name| *name != "README.md");
    records
        .zip(1..)
        .filter(|(name, number)| !name.starts_with(&format!("{number:04}-")) || !name.ends_with(".md"))
        .map(|(name, number)| format!("{DECISIONS}/{name} stands where number {number:04} is due"))
        .collect()
}

#[test]
fn every_link_leads_to_a_file() {
    let root = tree::root();
    let exists = |path: &str| root.join(path).exists();
    let pages = tree::files_ending(".md");
    assert!(!pages.is_empty(), "no page was found");
    assert_none(
        &pages
            .iter()
            .flat_map(|page| dead_links(page, &exists))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn decision_records_are_numbered_without_a_gap() {
    let names = tree::names(DECISIONS);
    assert!(!names.is_empty(), "no decision record was found");
    assert_none(&misnumbered(&names));
}

#[cfg(test)]
mod can_fail {
    use super::*;

    #[test]
    fn a_dead_link_is_found() {
        let text = "See [a](a.md#part), [b](../b.md), [c](https://x.org/c), [d](#d), `[e](e.md)`\n```\n[f](f.md)\n```\n[g](gone.md)\n";
        let page = File {
            path: "ops/docs/x.md".into(),
            text: text.into(),
        };
        let exists = |path: &str| matches!(path, "ops/docs/a.md" | "ops/docs/../b.md");
        assert_eq!(
            dead_links(&page, &exists),
            ["ops/docs/x.md links to gone.md, which is not there"]
        );
    }

    #[test]
    fn a_gap_a_double_and_a_wrong_name_are_found() {
        let of = |names: &[&str]| misnumbered(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).len();
        assert_eq!(of(&["0001-a.md", "0002-b.md", "README.md"]), 0);
        assert_eq!(of(&["0001-a.md", "0003-b.md"]), 1);
        assert_eq!(of(&["0001-a.md", "0001-b.md"]), 1);
        assert_eq!(of(&["first.md"]), 1);
    }
}
