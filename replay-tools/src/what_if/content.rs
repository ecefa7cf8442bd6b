//! `replay what-if content`: which messages a rule about their words would have refused.

use clap::Args;
use regex::{Regex, RegexBuilder};

use super::pass::{self, Scope};
use crate::ending::{Ending, wrong_usage};

/// Memory that a pattern may take, so that none can exhaust the machine.
const PATTERN_BYTES_MAX: usize = 10 << 20;

#[derive(Args)]
#[command(after_help = "Example: replay what-if content --matches '(?i)secret' --examples 5")]
pub(super) struct Content {
    #[command(flatten)]
    rule: Rule,
    #[command(flatten)]
    scope: Scope,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Rule {
    /// At most so many characters
    #[arg(long)]
    max_chars: Option<usize>,
    /// No links
    #[arg(long)]
    no_links: bool,
    /// Nothing that matches this regular expression
    #[arg(long, value_name = "REGEX")]
    matches: Option<String>,
}

impl Content {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        if let Some(max) = self.rule.max_chars {
            let rule = format!("more than {max} characters");
            return pass::run(self.scope, rule, move |words| words.body.chars().count() > max).await;
        }
        if let Some(pattern) = self.rule.matches {
            let compiled = compiled(&pattern)?;
            let rule = format!("matches {pattern}");
            return pass::run(self.scope, rule, move |words| compiled.is_match(words.body)).await;
        }
        pass::run(self.scope, "has a link".to_owned(), |words| has_link(words.body)).await
    }
}

fn compiled(pattern: &str) -> anyhow::Result<Regex> {
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
    built.map_err(|error| wrong_usage(format!("the pattern cannot be used: {error}")))
}

fn has_link(body: &str) -> bool {
    ["http://", "https://", "www."].iter().any(|start| {
        let mut found = body.match_indices(start);
        found.any(|(place, _)| body[place + start.len()..].starts_with(char::is_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_what_leads_somewhere() {
        for link in ["see https://a.example", "http://1.2.3.4/x", "(www.example.org)"] {
            assert!(has_link(link), "{link}");
        }
        for none in [
            "http://",
            "https:// is a scheme",
            "www. is an abbreviation",
            "example.org",
        ] {
            assert!(!has_link(none), "{none}");
        }
    }
}
