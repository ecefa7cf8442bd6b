//! How SQL is written: in lower case, and one statement a file, so that a file's name says what it answers. Migrations and schemas
//! are lists of statements by nature.

use crate::{assert_none, tree, tree::File};

/// The text without comments and without what stands between single quotes.
fn bare(sql: &str) -> String {
    let without_comments: String = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    without_comments.split('\'').step_by(2).collect()
}

fn upper_case(file: &File) -> Option<String> {
    let word = bare(&file.text)
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .find(|word| word.contains(char::is_uppercase))?
        .to_owned();
    Some(format!("{} writes {word} in capitals", file.path))
}

fn not_one_statement(file: &File) -> Option<String> {
    let statements = bare(&file.text)
        .split(';')
        .filter(|statement| !statement.trim().is_empty())
        .count();
    (statements != 1).then(|| format!("{} holds {statements} statements", file.path))
}

/// Migrations, and what makes the databases of the views.
fn is_schema(path: &str) -> bool {
    path.starts_with("migrations/")
        || path.ends_with("/tables.sql")
        || path.ends_with("/indexes.sql")
        || path == "projections/src/generations/file.sql"
        || path == "projections/src/generations/registry.sql"
}

fn files() -> Vec<File> {
    let files = tree::files_ending(".sql");
    assert!(files.len() > 20, "only {} files of SQL were found", files.len());
    files
}

#[test]
fn sql_is_written_in_lower_case() {
    assert_none(&files().iter().filter_map(upper_case).collect::<Vec<_>>());
}

#[test]
fn a_file_of_sql_holds_one_statement() {
    let queries = files().into_iter().filter(|file| !is_schema(&file.path));
    assert_none(&queries.filter_map(|file| not_one_statement(&file)).collect::<Vec<_>>());
}

#[cfg(test)]
mod can_fail {
    use super::*;

    fn file(text: &str) -> File {
        File {
            path: "a.sql".into(),
            text: text.into(),
        }
    }

    #[test]
    fn capitals_are_found_outside_of_comments_and_texts() {
        assert_eq!(
            upper_case(&file("SELECT 1")),
            Some("a.sql writes SELECT in capitals".into())
        );
        assert_eq!(upper_case(&file("-- Why: because.\nselect 'A; B' as b")), None);
    }

    #[test]
    fn two_statements_and_none_are_found() {
        assert!(not_one_statement(&file("select 1; select 2")).is_some());
        assert!(not_one_statement(&file("-- nothing; here\n")).is_some());
        assert!(not_one_statement(&file("select ';' -- one; only\n;\n")).is_none());
    }
}
