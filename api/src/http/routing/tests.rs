//! The table of routes as a file, so that a new route, and a change of who may ask it, shows in the difference.

use std::{fmt::Write, fs, path::PathBuf};

use crate::{http, request::Access};

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/routes.txt")
}

fn table() -> String {
    let mut text = String::from(
        "# method  path  who may ask  quota. Written by UPDATE_GOLDEN=1 cargo test -p api --lib routing\n",
    );
    for route in http::all() {
        let access = match route.access {
            Access::Anyone => "anyone".to_owned(),
            Access::Cookie => "cookie".to_owned(),
            Access::Person => "person".to_owned(),
            Access::Role(role) => format!("{role:?}").to_lowercase(),
        };
        let rate = format!("{:?}", route.rate).to_lowercase();
        writeln!(text, "{:<7} {:<60} {access:<9} {rate}", route.method, route.path).expect("texts take writing");
    }
    text
}

#[test]
fn the_table_of_routes_is_the_committed_one() {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(golden(), table()).expect("written");
    }
    let committed = fs::read_to_string(golden()).expect("tests/golden/routes.txt");
    assert_eq!(committed, table(), "UPDATE_GOLDEN=1 writes the file anew");
}

#[test]
fn no_route_is_named_twice() {
    let mut names: Vec<_> = http::all().map(|route| (route.path, route.method)).collect();
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before);
}
