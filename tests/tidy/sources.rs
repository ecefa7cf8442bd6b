//! What every source file looks like: it says what it is for, it is not too long, it does not leave things open or skip tests, and it
//! names no machine.

use crate::{assert_none, tree, tree::File};

/// A file longer than this holds two.
const LINES_MAX: usize = 600;

/// Written in two halves, so that this file does not find itself.
const OPEN_ENDS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
/// Folders that exist on one machine only.
const MACHINES: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("C:\\", "Users"),
];
const IGNORED: &str = concat!("#[ign", "ore");
const UNWRAP: &str = concat!(".unw", "rap()");

fn without_opening(file: &File) -> Option<String> {
    (!file.text.starts_with("//! ")).then(|| format!("{} does not say first what lives in it", file.path))
}

fn too_long(file: &File) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > LINES_MAX).then(|| format!("{} has {lines} lines", file.path))
}

/// Lines that hold any of the words.
fn lines_with(file: &File, words: &[&str]) -> Vec<String> {
    let found = |line: &str| words.iter().find(|word| line.contains(**word)).copied();
    file.text
        .lines()
        .enumerate()
        .filter_map(|(at, line)| found(line).map(|word| format!("{}:{} has {word}", file.path, at + 1)))
        .collect()
}

/// The part of a file that is no test: tests come last.
fn product(file: &File) -> File {
    let end = file.text.find("#[cfg(test)]\nmod tests").unwrap_or(file.text.len());
    File {
        path: file.path.clone(),
        text: file.text[..end].to_owned(),
    }
}

fn is_product(path: &str) -> bool {
    let of_tests = |part: &str| {
        matches!(
            part,
            "tests" | "examples" | "tests.rs" | "contract" | "contract.rs" | "given.rs"
        )
    };
    path.contains("src/") && !path.split('/').any(of_tests)
}

/// A crate that does not say how to add to it.
fn without_recipe(file: &File) -> Option<String> {
    let recipe = file
        .text
        .lines()
        .any(|line| line.starts_with("//") && (line.contains("To add ") || line.contains("To change ")));
    (!recipe).then(|| format!("{} has no line `To add ...`", file.path))
}

/// Texts that are ours: not generated, not a licence.
fn texts() -> Vec<File> {
    tree::files()
        .into_iter()
        .filter(|file| !matches!(file.path.as_str(), "Cargo.lock" | "tests/fuzz/Cargo.lock" | "LICENSE"))
        .collect()
}

#[test]
fn every_file_says_first_what_lives_in_it() {
    assert_none(
        &tree::files_ending(".rs")
            .iter()
            .filter_map(without_opening)
            .collect::<Vec<_>>(),
    );
}

#[test]
fn every_crate_says_how_to_add_to_it() {
    let crates: Vec<File> = tree::files_ending("src/lib.rs");
    assert!(crates.len() >= 8, "only {} crates were found", crates.len());
    assert_none(&crates.iter().filter_map(without_recipe).collect::<Vec<_>>());
}

#[test]
fn no_file_is_too_long() {
    assert_none(
        &tree::files_ending(".rs")
            .iter()
            .filter_map(too_long)
            .collect::<Vec<_>>(),
    );
}

#[test]
fn nothing_is_left_open() {
    assert_none(
        &texts()
            .iter()
            .flat_map(|file| lines_with(file, &OPEN_ENDS))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn no_machine_is_named() {
    assert_none(
        &texts()
            .iter()
            .flat_map(|file| lines_with(file, &MACHINES))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn no_test_is_ignored() {
    assert_none(
        &tree::files_ending(".rs")
            .iter()
            .flat_map(|file| lines_with(file, &[IGNORED]))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn the_product_never_unwraps() {
    let sources: Vec<File> = tree::files_ending(".rs")
        .into_iter()
        .filter(|file| is_product(&file.path))
        .collect();
    assert!(sources.len() > 50, "only {} sources were found", sources.len());
    assert_none(
        &sources
            .iter()
            .flat_map(|file| lines_with(&product(file), &[UNWRAP]))
            .collect::<Vec<_>>(),
    );
}

#[cfg(test)]
mod can_fail {
    use super::*;

    fn file(text: &str) -> File {
        File {
            path: "a/src/b.rs".into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_file_without_an_opening_is_found() {
        assert!(without_opening(&file("use std::io;\n")).is_some());
        assert!(without_opening(&file("\n//! Late.\n")).is_some());
        assert!(without_opening(&file("//! Says it.\n")).is_none());
    }

    #[test]
    fn a_crate_without_a_recipe_is_found() {
        assert!(without_recipe(&file("//! A crate.\n")).is_some());
        assert!(without_recipe(&file("//! A crate.\n//!\n//! To add a thing: write it.\n")).is_none());
    }

    #[test]
    fn a_long_file_is_found() {
        assert!(too_long(&file(&"x\n".repeat(600))).is_none());
        assert!(too_long(&file(&"x\n".repeat(601))).is_some());
    }

    #[test]
    fn open_ends_machines_and_ignored_tests_are_found_with_their_line() {
        let text = format!("//! A.\n// {} later\n", OPEN_ENDS[0]);
        assert_eq!(
            lines_with(&file(&text), &OPEN_ENDS),
            [format!("a/src/b.rs:2 has {}", OPEN_ENDS[0])]
        );
        assert_eq!(lines_with(&file(&format!("{}ann/x", MACHINES[0])), &MACHINES).len(), 1);
        assert_eq!(
            lines_with(&file(&format!("{IGNORED} = \"slow\"]")), &[IGNORED]).len(),
            1
        );
        assert_eq!(lines_with(&file("//! A.\n"), &[IGNORED]), [""; 0]);
    }

    #[test]
    fn only_the_product_may_not_unwrap() {
        let text = format!("x{UNWRAP};\n#[cfg(test)]\nmod tests {{ y{UNWRAP}; }}\n");
        assert_eq!(lines_with(&product(&file(&text)), &[UNWRAP]).len(), 1);
        assert!(is_product("api/src/http.rs") && is_product("commands/event-store/src/sqlite/writer.rs"));
        for path in [
            "tests/api/main.rs",
            "domain/src/user/tests.rs",
            "migrations/tests/x.rs",
            "commands/event-store/src/contract/order.rs",
        ] {
            assert!(!is_product(path), "{path}");
        }
    }
}
