//! Which crates may depend on which. The arrows are those of `ops/docs/architecture.md`; a new one deserves a decision record.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::{assert_none, manifests, tree};

/// (crate, what it may use, what only its tests may use besides).
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    ("domain", &[], &[]),
    ("event-store", &[], &["event-store", "migrations"]),
    ("commands", &["domain", "event-store"], &["migrations"]),
    ("projections", &["domain", "event-store"], &[]),
    ("migrations", &[], &[]),
    // The server speaks the domain's types where it turns requests into commands and rejections into answers.
    (
        "api",
        &["commands", "domain", "event-store", "migrations", "projections"],
        &[],
    ),
    // The parser of IRC logs is a leaf, so that the import and the load generator agree on what a message is.
    ("irc-log", &[], &[]),
    (
        "replay-tools",
        &[
            "commands",
            "domain",
            "event-store",
            "irc-log",
            "migrations",
            "projections",
        ],
        &[],
    ),
    ("load", &["irc-log"], &[]),
    ("verbatim-tests", &[], &[]),
];

/// Arrows between our crates that nobody agreed to.
fn findings(manifests: &[Table]) -> Vec<String> {
    let ours: BTreeSet<String> = manifests.iter().map(manifests::name).collect();
    manifests
        .iter()
        .flat_map(|manifest| of_crate(manifest, &ours))
        .collect()
}

fn of_crate(manifest: &Table, ours: &BTreeSet<String>) -> Vec<String> {
    let name = manifests::name(manifest);
    let Some((_, allowed, in_tests)) = ARROWS.iter().find(|(krate, ..)| *krate == name) else {
        return vec![format!("{name} is a crate without a row in the table of arrows")];
    };
    let wrong = |to: &String, also: &[&str]| !allowed.contains(&to.as_str()) && !also.contains(&to.as_str());
    let uses = arrows(manifest, ours, &["dependencies", "build-dependencies"])
        .into_iter()
        .filter(|to| wrong(to, &[]));
    let tests = arrows(manifest, ours, &["dev-dependencies"])
        .into_iter()
        .filter(|to| wrong(to, in_tests));
    uses.map(|to| format!("{name} may not use {to}"))
        .chain(tests.map(|to| format!("the tests of {name} may not use {to}")))
        .collect()
}

/// Our crates named in the sections, for one target or for all.
fn arrows(manifest: &Table, ours: &BTreeSet<String>, sections: &[&str]) -> BTreeSet<String> {
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(targets)
        .flat_map(|table| sections.iter().filter_map(|section| table.get(*section)?.as_table()))
        .flat_map(|section| section.iter().map(|(name, how)| package(name, how)))
        .filter(|name| ours.contains(name))
        .collect()
}

/// A dependency may go by another name than its crate.
fn package(name: &str, how: &Value) -> String {
    how.get("package").and_then(Value::as_str).unwrap_or(name).to_owned()
}

#[test]
fn crates_use_only_what_was_agreed() {
    let manifests: Vec<Table> = manifests::members().into_iter().map(|(_, manifest)| manifest).collect();
    assert!(manifests.len() >= 10, "only {} crates were found", manifests.len());
    assert_none(&findings(&manifests));
}

#[test]
fn the_table_of_arrows_names_only_crates_that_exist() {
    let names: Vec<String> = manifests::members()
        .iter()
        .map(|(_, manifest)| manifests::name(manifest))
        .collect();
    let gone: Vec<String> = ARROWS
        .iter()
        .map(|(name, ..)| (*name).to_owned())
        .filter(|name| !names.contains(name))
        .collect();
    assert_none(&gone);
}

#[test]
fn workspace_dependencies_do_not_rename_our_crates() {
    let root: Table = toml::from_str(&tree::read("Cargo.toml")).expect("TOML");
    let renamed: Vec<String> = root["workspace"]["dependencies"]
        .as_table()
        .expect("a table")
        .iter()
        .filter(|(_, how)| how.get("path").is_some() && how.get("package").is_some())
        .map(|(name, _)| format!("{name} hides one of our crates under another name"))
        .collect();
    assert_none(&renamed);
}

#[cfg(test)]
mod can_fail {
    use super::*;

    fn manifest(name: &str, rest: &str) -> Table {
        toml::from_str(&format!("[package]\nname = \"{name}\"\n{rest}")).expect("TOML")
    }

    #[test]
    fn an_arrow_nobody_agreed_to_is_found_in_every_section() {
        let commands = manifest("commands", "");
        for section in ["dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"] {
            let projections = manifest("projections", &format!("[{section}]\ncommands.workspace = true"));
            assert_eq!(
                findings(&[commands.clone(), projections]),
                ["projections may not use commands"],
                "{section}"
            );
        }
        let renamed = manifest(
            "domain",
            "[dependencies]\nother = { package = \"commands\", path = \"../commands\" }",
        );
        assert_eq!(findings(&[commands, renamed]), ["domain may not use commands"]);
    }

    #[test]
    fn what_tests_may_use_the_product_may_not() {
        let migrations = manifest("migrations", "");
        let in_tests = manifest("event-store", "[dev-dependencies]\nmigrations.workspace = true");
        assert_eq!(findings(&[migrations.clone(), in_tests]), [""; 0]);
        let in_product = manifest("event-store", "[dependencies]\nmigrations.workspace = true");
        assert_eq!(
            findings(&[migrations, in_product]),
            ["event-store may not use migrations"]
        );
        let domain = manifest("domain", "[dev-dependencies]\nevent-store.workspace = true");
        assert_eq!(
            findings(&[manifest("event-store", ""), domain]),
            ["the tests of domain may not use event-store"]
        );
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        assert_eq!(
            findings(&[manifest("new", "")]),
            ["new is a crate without a row in the table of arrows"]
        );
    }
}
