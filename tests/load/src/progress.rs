//! Progress bars on stderr; they hide themselves where there is no terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

const TEMPLATE: &str = "{prefix:>9} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left";

/// One bar for each name and length, under each other.
pub(crate) fn bars<const N: usize>(of: [(&'static str, u64); N]) -> [ProgressBar; N] {
    let all = MultiProgress::new();
    of.map(|(name, len)| {
        let style = ProgressStyle::with_template(TEMPLATE).expect("the template is valid");
        all.add(ProgressBar::new(len)).with_style(style).with_prefix(name)
    })
}
