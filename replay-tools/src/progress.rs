//! Progress bars: on stderr, only where somebody looks at it.

use indicatif::{ProgressBar, ProgressStyle};

use crate::results::Showing;

/// Events between two movements of a bar, so that counting costs nothing.
pub(crate) const STEP_EVENTS: u64 = 8_192;

/// A bar over so many of `what`. It hides itself where stderr is no terminal.
pub(crate) fn bar(showing: Showing, length: u64, what: &str) -> ProgressBar {
    if showing.quiet {
        return ProgressBar::hidden();
    }
    let template = format!("{{bar:40}} {{pos}}/{{len}} {what}, {{per_sec}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template);
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
