//! What lies at the top of the project, and the two ways to test it: one command for people, and one for machines that calls it.

use crate::{assert_none, tree};

/// Everything visible. Settings of tools are dotfiles.
const NAMES: [&str; 12] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "api",
    "commands",
    "domain",
    "migrations",
    "ops",
    "projections",
    "replay-tools",
    "tests",
];
/// Made by building and running.
const MADE: [&str; 2] = ["data", "target"];

fn strangers(names: &[String]) -> Vec<String> {
    let known = |name: &str| name.starts_with('.') || NAMES.contains(&name) || MADE.contains(&name);
    names
        .iter()
        .filter(|name| !known(name))
        .map(|name| format!("{name} does not belong at the top"))
        .collect()
}

fn missing(names: &[String]) -> Vec<String> {
    NAMES
        .iter()
        .filter(|name| !names.iter().any(|there| there == *name))
        .map(|name| format!("{name} is missing at the top"))
        .collect()
}

/// The commands of a shell script, without comments and blank lines.
fn commands(script: &str) -> Vec<&str> {
    script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[test]
fn the_top_level_holds_only_the_agreed_names() {
    let names = tree::names("");
    assert_none(&[strangers(&names), missing(&names)].concat());
}

#[test]
fn machines_run_the_same_tests_as_people() {
    assert_eq!(commands(&tree::read(".ci/run")), ["exec ./ops/test"]);
}

#[cfg(test)]
mod can_fail {
    use super::*;

    #[test]
    fn a_stranger_and_a_missing_name_are_found() {
        let mut names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        names.extend([".gitignore".to_owned(), "target".to_owned()]);
        assert_eq!([strangers(&names), missing(&names)].concat(), [""; 0]);
        names[0] = "utils".to_owned();
        assert_eq!(strangers(&names), ["utils does not belong at the top"]);
        assert_eq!(missing(&names), ["Cargo.lock is missing at the top"]);
    }

    #[test]
    fn a_second_command_would_be_seen() {
        assert_eq!(
            commands("#!/bin/sh\n\n# why\n./ops/test\nrm x\n"),
            ["./ops/test", "rm x"]
        );
    }
}
