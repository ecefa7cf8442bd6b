//! The pages that explain problems: one per code for `/problems/<code>`, and `contracts/problems.md` with all of them.

use std::fmt::Write;

use super::{ALL, Kind};

/// The explanation of one problem as Markdown; `None` for a code that does not exist.
pub fn page(code: &str) -> Option<String> {
    let kind = ALL.iter().find(|kind| kind.code == code)?;
    Some(format!("# {}\n\n{}", kind.title, section(kind)))
}

/// Every problem there is, as it stands in `contracts/problems.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Problems\n\nEvery refusal is `application/problem+json` (RFC 9457) with a stable `code`; its `type` leads to the \
         same words at `/problems/<code>`. This page is generated from `src/problem/kinds.rs`: \
         `UPDATE_GOLDEN=1 cargo test -p api problem`.\n",
    );
    for kind in ALL {
        write!(text, "\n## {}\n\n{}", kind.code, section(kind)).expect("a string takes any text");
    }
    text
}

fn section(kind: &Kind) -> String {
    let retry = match kind.retry_after_ms {
        Some(wait) => format!("retry after {wait} ms"),
        None => "repeating it unchanged does not help".to_owned(),
    };
    format!(
        "{}. {}\n\n- code: `{}`\n- status: {}\n- {retry}\n",
        kind.title, kind.explanation, kind.code, kind.status
    )
}
