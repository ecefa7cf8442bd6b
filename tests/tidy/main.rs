//! The house rules that a program can check: who may depend on whom, what a file looks like, and that lists and their goldens agree.
//! Each rule is a pure function from text to findings, shown to fail on small inputs beside it; nothing here runs the product.
//!
//! To add a rule: a function that returns its findings, a test that it finds something, and a test that the tree has none.

mod arrows;
mod docs;
mod lists;
mod manifests;
mod seeds;
mod sources;
mod sql;
mod top_level;
mod tree;

/// Ends a test with every finding on a line of its own.
#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(
        findings.is_empty(),
        "{} finding(s):\n  {}",
        findings.len(),
        findings.join("\n  ")
    );
}
