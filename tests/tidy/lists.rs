//! Lists and what must exist for each of their entries: events and their golden files, problems and their page, projections and what
//! the golden log makes of them.

use std::collections::BTreeSet;

use crate::{assert_none, tree};

const GOLDEN_EVENTS: &str = "tests/golden/events";
const GOLDEN_LOGS: &str = "tests/golden/logs";

/// Wire names and versions of every `codec!` table in a source.
fn event_kinds(source: &str) -> Vec<(String, u16)> {
    let tables = source
        .split("codec!(Event {")
        .skip(1)
        .filter_map(|rest| rest.split("});").next());
    tables.flat_map(|table| table.lines().filter_map(event_kind)).collect()
}

/// `Sent = "message.sent" 1,`
fn event_kind(line: &str) -> Option<(String, u16)> {
    let mut parts = line.split('"');
    parts.next()?.trim().strip_suffix('=')?;
    Some((
        parts.next()?.to_owned(),
        parts.next()?.trim().trim_end_matches(',').parse().ok()?,
    ))
}

fn missing_goldens(kinds: &[(String, u16)], files: &[String]) -> Vec<String> {
    let versions = kinds
        .iter()
        .flat_map(|(kind, version)| (1..=*version).map(move |v| format!("{kind}.v{v}.json")));
    versions
        .filter(|name| !files.contains(name))
        .map(|name| format!("{GOLDEN_EVENTS}/{name} is missing"))
        .collect()
}

/// A golden file of an event that no table knows: the event was written once and could not be read any more.
fn orphaned_goldens(kinds: &[(String, u16)], files: &[String]) -> Vec<String> {
    let known = |name: &String| {
        name.rsplit_once(".v")
            .is_some_and(|(kind, _)| kinds.iter().any(|(known, _)| known == kind))
    };
    files
        .iter()
        .filter(|name| !known(name))
        .map(|name| format!("{GOLDEN_EVENTS}/{name} belongs to no event"))
        .collect()
}

/// Codes in the rows of the table of problems: `NAME = 404 "user/not-found"`.
fn problem_codes(source: &str) -> Vec<String> {
    source.lines().filter_map(problem_code).collect()
}

fn problem_code(line: &str) -> Option<String> {
    let (status, rest) = line.split_once(" = ")?.1.split_at_checked(3)?;
    let code = rest.strip_prefix(" \"")?.split('"').next()?;
    (status.bytes().all(|byte| byte.is_ascii_digit()) && code.contains('/')).then(|| code.to_owned())
}

fn unlisted(codes: &[String], page: &str) -> Vec<String> {
    let listed = |code: &String| page.contains(&format!("`{code}`")) || page.contains(&format!("# {code}\n"));
    codes
        .iter()
        .filter(|code| !listed(code))
        .map(|code| format!("{code} is not in api/contracts/problems.md"))
        .collect()
}

/// Kinds in the tables of frames: `Lag = "lag" {` or `Welcome<'a> = "welcome" {`.
fn frame_kinds(source: &str) -> Vec<String> {
    source.lines().filter_map(frame_kind).collect()
}

fn frame_kind(line: &str) -> Option<String> {
    let (name, rest) = line.split_once(" = \"")?;
    let kind = rest.strip_suffix("\" {").or_else(|| rest.strip_suffix("\" {}"))?;
    name.trim()
        .starts_with(|c: char| c.is_ascii_uppercase())
        .then(|| kind.to_owned())
}

fn undescribed(kinds: &[String], contract: &serde_json::Value) -> Vec<String> {
    let messages = &contract["components"]["messages"];
    kinds
        .iter()
        .filter(|kind| messages[kind.as_str()]["payload"].is_null())
        .map(|kind| format!("{kind} is not in api/contracts/asyncapi.json"))
        .collect()
}

/// Frames that the page for people says nothing of.
fn untold(kinds: &[String], page: &str) -> Vec<String> {
    let told = |kind: &String| page.contains(&format!("\"t\":\"{kind}\"")) || page.contains(&format!("`{kind}`"));
    kinds
        .iter()
        .filter(|kind| !told(kind))
        .map(|kind| format!("{kind} is not in ops/docs/socket.md"))
        .collect()
}

/// A static of type `Projection`: its Rust name and the tables it writes.
#[derive(Debug, PartialEq)]
struct Defined {
    ident: String,
    tables: Vec<String>,
}

fn projections(source: &str) -> Vec<Defined> {
    let parts: Vec<&str> = source.split(": Projection = Projection {").collect();
    parts
        .windows(2)
        .map(|around| Defined {
            ident: last_word(around[0]),
            tables: tables(around[1]),
        })
        .collect()
}

fn last_word(text: &str) -> String {
    text.rsplit(char::is_whitespace).next().unwrap_or_default().to_owned()
}

/// The names in `tables: &[Table::of_stream("a", …), Table::of_many("b", …)]`.
fn tables(definition: &str) -> Vec<String> {
    let list = definition
        .split_once("tables: &[")
        .and_then(|(_, rest)| rest.split(']').next())
        .unwrap_or_default();
    let named = list
        .split("Table::")
        .skip(1)
        .filter_map(|table| table.split('"').nth(1));
    named.map(str::to_owned).collect()
}

/// Tables that the golden log fills and nobody looked at.
fn unseen_tables(defined: &[Defined], golden: &str) -> Vec<String> {
    let unseen = |table: &&String| !golden.contains(&format!("\"{table}\":"));
    let without = defined.iter().filter(|projection| projection.tables.is_empty());
    let unseen = defined.iter().flat_map(|projection| &projection.tables).filter(unseen);
    without
        .map(|projection| format!("{} writes no table", projection.ident))
        .chain(unseen.map(|table| format!("{table} is in no {GOLDEN_LOGS}/*.expected.json")))
        .collect()
}

/// The Rust names in `pub const ALL: &[&Projection] = &[&A, &B];`
fn all_projections(registry: &str) -> BTreeSet<String> {
    let list = registry
        .split_once("ALL: &[&Projection] = &[")
        .and_then(|(_, rest)| rest.split(']').next())
        .unwrap_or_default();
    list.split(',')
        .map(|name| name.trim().trim_start_matches('&').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

fn domain_kinds() -> Vec<(String, u16)> {
    let kinds: Vec<_> = tree::files_ending(".rs")
        .iter()
        .filter(|file| file.path.starts_with("domain/src/"))
        .flat_map(|file| event_kinds(&file.text))
        .collect();
    assert!(
        kinds.len() >= 20,
        "only {} events were found in the domain's tables",
        kinds.len()
    );
    kinds
}

#[test]
fn every_event_version_has_its_golden_file() {
    assert_none(&missing_goldens(&domain_kinds(), &tree::names(GOLDEN_EVENTS)));
}

#[test]
fn every_golden_file_belongs_to_an_event() {
    assert_none(&orphaned_goldens(&domain_kinds(), &tree::names(GOLDEN_EVENTS)));
}

#[test]
fn every_problem_has_its_entry_on_the_page() {
    let codes: Vec<_> = tree::files_ending(".rs")
        .iter()
        .filter(|file| file.path.starts_with("api/src/problem"))
        .flat_map(|file| problem_codes(&file.text))
        .collect();
    assert!(
        codes.len() >= 20,
        "only {} problems were found in the table",
        codes.len()
    );
    assert_none(&unlisted(&codes, &tree::read("api/contracts/problems.md")));
}

#[test]
fn every_frame_is_in_the_contract_of_the_socket_and_on_its_page() {
    let kinds: Vec<_> = tree::files_ending(".rs")
        .iter()
        .filter(|file| file.path.starts_with("api/src/ws/protocol"))
        .flat_map(|file| frame_kinds(&file.text))
        .collect();
    assert!(
        kinds.len() >= 20,
        "only {} frames were found in the tables",
        kinds.len()
    );
    let contract = serde_json::from_str(&tree::read("api/contracts/asyncapi.json")).expect("JSON");
    assert_none(&undescribed(&kinds, &contract));
    assert_none(&untold(&kinds, &tree::read("ops/docs/socket.md")));
}

#[test]
fn every_projection_is_registered_and_has_its_golden() {
    let sources = tree::files_ending(".rs")
        .into_iter()
        .filter(|file| file.path.starts_with("projections/src/"));
    let defined: Vec<Defined> = sources.flat_map(|file| projections(&file.text)).collect();
    assert!(defined.len() >= 3, "only {} projections were found", defined.len());
    let registered = all_projections(&tree::read("projections/src/registry.rs"));
    assert_eq!(
        defined
            .iter()
            .map(|projection| projection.ident.clone())
            .collect::<BTreeSet<_>>(),
        registered
    );
    let goldens = tree::names(GOLDEN_LOGS)
        .into_iter()
        .filter(|name| name.ends_with(".expected.json"));
    let golden: String = goldens
        .map(|name| tree::read(&format!("{GOLDEN_LOGS}/{name}")))
        .collect();
    assert_none(&unseen_tables(&defined, &golden));
}

#[cfg(test)]
mod can_fail {
    use super::*;

    const TABLE: &str = "x\ncodec!(Event {\n    Sent = \"message.sent\" 2,\n    Left = \"member.left\" 1,\n});\nother(\"no.event\" 1);\n";

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_event_version_without_golden_and_a_golden_without_event_are_found() {
        let kinds = event_kinds(TABLE);
        assert_eq!(kinds, [("message.sent".to_owned(), 2), ("member.left".to_owned(), 1)]);
        let files = names(&["member.left.v1.json", "message.sent.v2.json", "message.lost.v1.json"]);
        assert_eq!(
            missing_goldens(&kinds, &files),
            ["tests/golden/events/message.sent.v1.json is missing"]
        );
        assert_eq!(
            orphaned_goldens(&kinds, &files),
            ["tests/golden/events/message.lost.v1.json belongs to no event"]
        );
    }

    #[test]
    fn a_problem_without_an_entry_is_found() {
        let table = "    USER_NOT_FOUND = 404 \"user/not-found\", \"There is no such person\",\n    let x = 12;\n    A = 409 \"handle/taken\" retry 5,\n";
        let codes = problem_codes(table);
        assert_eq!(codes, ["user/not-found", "handle/taken"]);
        assert_eq!(
            unlisted(&codes, "## `user/not-found`\n"),
            ["handle/taken is not in api/contracts/problems.md"]
        );
    }

    #[test]
    fn a_frame_that_the_contract_does_not_know_is_found() {
        let table = "    /// Hello = \"hi\" {\n    Lag = \"lag\" {\n    Welcome<'a> = \"welcome\" {\n    let x = \"y\" {\n    Pong = \"pong\" {}\n";
        let kinds = frame_kinds(table);
        assert_eq!(kinds, ["lag", "welcome", "pong"]);
        let contract =
            serde_json::json!({"components": {"messages": {"lag": {"payload": {}}, "pong": {"payload": {}}}}});
        assert_eq!(
            untold(&kinds, "| `lag` | {\"t\":\"pong\"} |"),
            ["welcome is not in ops/docs/socket.md"]
        );
        assert_eq!(
            undescribed(&kinds, &contract),
            ["welcome is not in api/contracts/asyncapi.json"]
        );
    }

    #[test]
    fn a_projection_outside_of_the_list_and_a_table_nobody_looked_at_are_seen() {
        let text = "pub(crate) static FEED: Projection = Projection {\n    name: \"feed\",\n    tables: &[Table::of_stream(\"feed\", \"space\", Space::CATEGORY), Table::of_many(\"hot\", \"id\", \"channel\")],\n};\n";
        let defined = projections(text);
        assert_eq!(
            defined,
            [Defined {
                ident: "FEED".to_owned(),
                tables: names(&["feed", "hot"])
            }]
        );
        let registered = all_projections("pub const ALL: &[&Projection] = &[&TIMELINE, &UNREAD];");
        assert_eq!(registered, BTreeSet::from(["TIMELINE".to_owned(), "UNREAD".to_owned()]));
        assert_eq!(
            unseen_tables(&defined, "{\"feed\": []}"),
            ["hot is in no tests/golden/logs/*.expected.json"]
        );
        let without = text.replace("Table::", "Nothing::");
        assert_eq!(unseen_tables(&projections(&without), "{}"), ["FEED writes no table"]);
    }
}
