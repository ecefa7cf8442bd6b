//! The manifests of the workspace: every crate takes its versions, lints and dependencies from the top, so that they are decided once.

use toml::{Table, Value};

use crate::{assert_none, tree};

/// Built with other flags than the product, by `cargo fuzz` alone.
const FUZZERS: &str = "tests/fuzz/Cargo.toml";

/// Every member's folder and manifest.
pub(crate) fn members() -> Vec<(String, Table)> {
    let root: Table = toml::from_str(&tree::read("Cargo.toml")).expect("TOML");
    let members = root["workspace"]["members"].as_array().expect("a list").iter();
    members
        .map(|folder| {
            let folder = folder.as_str().expect("a folder").to_owned();
            let manifest = toml::from_str(&tree::read(&format!("{folder}/Cargo.toml"))).expect("TOML");
            (folder, manifest)
        })
        .collect()
}

pub(crate) fn name(manifest: &Table) -> String {
    manifest["package"]["name"].as_str().expect("a name").to_owned()
}

fn findings(manifest: &Table) -> Vec<String> {
    let name = name(manifest);
    let mut findings = Vec::new();
    let inherits =
        |value: Option<&Value>| value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true);
    for field in ["version", "edition", "rust-version", "license", "publish"] {
        if !inherits(manifest["package"].get(field)) {
            findings.push(format!("{name} sets its own {field}"));
        }
    }
    if !inherits(manifest.get("lints")) {
        findings.push(format!("{name} does not take the lints of the workspace"));
    }
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (dependency, how) in manifest.get(section).and_then(Value::as_table).into_iter().flatten() {
            // A crate may name itself, to switch on a feature for its own tests.
            if !inherits(Some(how)) && *dependency != name {
                findings.push(format!("{name} sets its own version of {dependency}"));
            }
        }
    }
    findings
}

#[test]
fn every_crate_takes_versions_and_lints_from_the_workspace() {
    assert_none(
        &members()
            .iter()
            .flat_map(|(_, manifest)| findings(manifest))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn every_crate_is_a_member() {
    let members: Vec<String> = members()
        .into_iter()
        .map(|(folder, _)| format!("{folder}/Cargo.toml"))
        .collect();
    let strays: Vec<String> = tree::files_ending("/Cargo.toml")
        .into_iter()
        .map(|file| file.path)
        .filter(|path| !members.contains(path) && path != FUZZERS)
        .collect();
    assert_none(&strays);
}

#[cfg(test)]
mod can_fail {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
        license.workspace = true\npublish.workspace = true\n[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n";

    fn of(text: &str) -> Vec<String> {
        findings(&toml::from_str(text).expect("TOML"))
    }

    #[test]
    fn what_a_crate_decides_for_itself_is_found() {
        assert_eq!(of(GOOD), [""; 0]);
        assert_eq!(
            of(&GOOD.replace("edition.workspace = true", "edition = \"2021\"")),
            ["a sets its own edition"]
        );
        assert_eq!(
            of(&GOOD.replace("[lints]\nworkspace = true\n", "")),
            ["a does not take the lints of the workspace"]
        );
        assert_eq!(
            of(&GOOD.replace("serde.workspace = true", "serde = \"1\"")),
            ["a sets its own version of serde"]
        );
    }
}
